// Carrying the mask through the volume: direction, range, progress, stop; then the doubtful slices.
import { ActionIcon, Alert, Button, SegmentedControl, Switch, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconArrowLeft, IconArrowRight, IconArrowsDiff, IconLayersDifference } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { planeOfStoredAxis } from '../core/axes';
import { doubtOf, ratedRevision, tellingSlices } from '../core/confidence';
import { inWords } from '../i18n/said';
import { toggleCompare } from '../state/compare';
import { goToDoubtful, goToPreviousDoubtful, isUnjudged } from '../state/doubt';
import { canPropagate, hasStart, rangeOf, runAxis, runPropagation, setCombine, setDirection, setLargest, setRange } from '../state/prompts';
import { useStore, type OpenJob } from '../state/store';
import { Section } from './Section';

function Failure({ open }: { open: OpenJob }): React.JSX.Element | null {
  const { t, i18n } = useTranslation();
  if (open.failure === null) return null;
  const { message, message_said, remedy, remedy_said } = open.failure;
  return (
    <Alert color="red" icon={<IconAlertTriangle size={18} />} title={t('task.failed')} className="tight" role="alert" data-testid="task-failure">
      <p>{inWords(message_said, message, i18n.language)}</p>
      {typeof remedy === 'string' && <p className="dim">{inWords(remedy_said, remedy, i18n.language)}</p>}
    </Alert>
  );
}

function Options({ open }: { open: OpenJob }): React.JSX.Element {
  const { t } = useTranslation();
  const axis = runAxis(open);
  if (axis === null) return <p className="hint">{t('propagate.hint')}</p>;
  const [first, last] = rangeOf(open, axis);
  const isWhole = open.ranges[axis] === undefined;
  return (
    <>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label={t('propagate.direction')}
        data-testid="direction"
        value={open.direction}
        onChange={(direction) => {
          setDirection(direction);
        }}
        data={(['backward', 'both', 'forward'] as const).map((value) => ({ value, label: t(`propagate.${value}`) }))}
      />
      <div className="range-words">
        <span className="dim">{t('propagate.along', { plane: t(`plane.${planeOfStoredAxis(open.grid.axes, axis)}`) })}</span>
        <span data-testid="range-words">{isWhole ? t('propagate.rangeFull') : t('propagate.range', { first, last })}</span>
        {!isWhole && (
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            onClick={() => {
              setRange(axis, null);
            }}
          >
            {t('propagate.rangeReset')}
          </Button>
        )}
      </div>
      <div className="switches">
        <Switch
          size="xs"
          label={t('propagate.agreed')}
          title={t('propagate.agreedHint')}
          disabled={open.direction !== 'both'}
          checked={open.combine === 'intersection'}
          data-testid="agreed"
          onChange={(event) => {
            setCombine(event.currentTarget.checked ? 'intersection' : 'union');
          }}
        />
        <Switch
          size="xs"
          label={t('propagate.largest')}
          title={t('propagate.largestHint')}
          checked={open.largest}
          data-testid="largest"
          onChange={(event) => {
            setLargest(event.currentTarget.checked);
          }}
        />
      </div>
    </>
  );
}

function Doubts({ open }: { open: OpenJob }): React.JSX.Element | null {
  const { t } = useTranslation();
  const rated = ratedRevision(open);
  if (rated === null) {
    return isUnjudged(open) ? (
      <p className="hint" data-testid="unjudged">
        {t('propagate.unjudged')}
      </p>
    ) : null;
  }
  const kinds = tellingSlices(rated.slices ?? []).map(doubtOf);
  return (
    <div className="doubts" data-testid="doubts">
      {(rated.doubt ?? null) !== null && (
        <p className="hint">{t('propagate.doubt', { percent: Math.round(100 * (rated.doubt ?? 0)) })}</p>
      )}
      <div className="doubt-counts">
        {(['sure', 'check', 'doubtful'] as const).map((kind) => (
          <span key={kind} className={`doubt-count doubt-${kind}`}>
            <span className="doubt-dot" aria-hidden />
            {t(`slice.${kind}`)} <strong>{kinds.filter((it) => it === kind).length}</strong>
          </span>
        ))}
      </div>
      <div className="doubt-steps">
        <Tooltip label={t('propagate.previousHint')}>
          <ActionIcon variant="light" size={32} aria-label={t('propagate.previous')} data-testid="previous-doubtful" onClick={goToPreviousDoubtful}>
            <IconArrowLeft size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Tooltip label={t('propagate.nextHint')}>
          <Button size="xs" variant="light" rightSection={<IconArrowRight size={16} aria-hidden />} data-testid="next-doubtful" onClick={goToDoubtful}>
            {t('propagate.next')}
          </Button>
        </Tooltip>
      </div>
      <Tooltip label={t('compare.hint')}>
        <Button
          fullWidth
          size="xs"
          variant="default"
          leftSection={<IconLayersDifference size={16} aria-hidden />}
          aria-pressed={open.compared !== null}
          data-testid="compare-toggle"
          onClick={toggleCompare}
        >
          {t(open.compared === null ? 'compare.toggle' : 'compare.stop')}
        </Button>
      </Tooltip>
    </div>
  );
}

export function PropagatePanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  const engines = useStore((state) => state.engines);
  if (open === null) return null;
  const task = open.job.task ?? null;
  const why = hasStart(open, engines) ? null : t('propagate.needsMask');
  const isAgain = ratedRevision(open) !== null;
  return (
    <Section title={t('propagate.title')}>
      <Options open={open} />
      {/* While it runs, how far it is stands below all tabs. */}
      {task?.kind !== 'propagate' && (
        <Tooltip label={why} disabled={why === null}>
          <Button
            fullWidth
            leftSection={<IconArrowsDiff size={17} aria-hidden />}
            disabled={!canPropagate(open, engines)}
            data-testid="propagate"
            onClick={() => void runPropagation()}
          >
            {t(isAgain ? 'propagate.again' : 'propagate.run')}
          </Button>
        </Tooltip>
      )}
      <Failure open={open} />
      <Doubts open={open} />
    </Section>
  );
}
