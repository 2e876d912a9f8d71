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
import { inWords } from '../i18n/said';
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

export function CheckRow({ check }: { check: Check }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const { name, state, found, details = [], command, said } = check;
  const remedy = typeof check.remedy === 'string' ? inWords(said.remedy, check.remedy, i18n.language) : null;
  return (
    <li className="check-row" data-testid="check" data-check={name} data-state={state}>
      <CheckStateBadge state={state} />
      <strong className="check-name">{t(`check.${name}`)}</strong>
      <div className="check-words">
        <p data-testid="found">{inWords(said.found, found, i18n.language)}</p>
        {details.length > 0 && (
          <ul className="check-details">
            {details.map((detail, index) => (
              <li key={detail}>{inWords(said.details?.[index], detail, i18n.language)}</li>
            ))}
          </ul>
        )}
        {remedy !== null && (
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
