// The state of a task in words and colour.
import { useTranslation } from 'react-i18next';
import type { TaskState } from '../api/types';

export function TaskStateBadge({ state, isStopping = false }: { state: TaskState; isStopping?: boolean }): React.JSX.Element {
  const { t } = useTranslation();
  const words = isStopping && state === 'leased' ? t('tasks.stopping') : t(`taskState.${state}`);
  return (
    <span className={`state task-${state}`} data-testid="task-state">
      <span className="state-dot" aria-hidden />
      {words}
    </span>
  );
}
