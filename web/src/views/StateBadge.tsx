// A job's state in a word and a colour.
import { useTranslation } from 'react-i18next';
import type { JobState } from '../api/types';

export function StateBadge({ state }: { state: JobState }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <span className={`state state-${state}`} data-testid="job-state" data-state={state}>
      <span className="state-dot" aria-hidden />
      <span className="state-word">{t(`state.${state}`)}</span>
    </span>
  );
}
