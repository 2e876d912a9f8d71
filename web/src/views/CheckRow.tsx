// One check: its state in a sign, a word and a colour, what was found, and what to do.
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleMinus,
  IconCircleX,
  IconInfoCircle,
  IconTool,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Check, CheckState } from '../api/types';
import { CopyButton } from './CopyButton';

const SIGNS: Readonly<Record<CheckState, Icon>> = {
  error: IconCircleX,
  warning: IconAlertTriangle,
  note: IconInfoCircle,
  ok: IconCircleCheck,
  skipped: IconCircleMinus,
};

export function CheckStateBadge({ state }: { state: CheckState }): React.JSX.Element {
  const { t } = useTranslation();
  const Sign = SIGNS[state];
  return (
    <span className={`check-state check-${state}`}>
      <Sign size={18} aria-hidden />
      {t(`checkState.${state}`)}
    </span>
  );
}

/** The server's own sentences, which are English. */
export function CheckRow({ check }: { check: Check }): React.JSX.Element {
  const { t } = useTranslation();
  const { name, state, found, details = [], remedy, command } = check;
  return (
    <li className="check-row" data-testid="check" data-check={name} data-state={state}>
      <CheckStateBadge state={state} />
      <strong className="check-name">{t(`check.${name}`)}</strong>
      <div className="check-words" lang="en">
        <p>{found}</p>
        {details.length > 0 && (
          <ul className="check-details">
            {details.map((detail) => (
              <li key={detail}>{detail}</li>
            ))}
          </ul>
        )}
        {typeof remedy === 'string' && (
          <p className="check-remedy" data-testid="remedy">
            <IconTool size={16} aria-hidden />
            <span>{remedy}</span>
            {typeof command !== 'string' && <CopyButton text={remedy} />}
          </p>
        )}
        {typeof command === 'string' && (
          <p className="check-command">
            <code>{command}</code>
            <CopyButton text={command} />
          </p>
        )}
      </div>
    </li>
  );
}
