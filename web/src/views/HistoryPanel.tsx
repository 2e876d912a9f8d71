// The history of the mask, newest first: who did what, when, to which object and slices; a press goes to that state.
import { useMemo } from 'react';
import {
  IconArrowsDiff,
  IconBrush,
  IconCheck,
  IconCopy,
  IconCut,
  IconDroplet,
  IconEraser,
  IconGitMerge,
  IconPencil,
  IconPhoto,
  IconRipple,
  IconSparkles,
  IconStack2,
  IconWand,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Revision } from '../api/types';
import { axisIndex, planeOfStoredAxis } from '../core/axes';
import { sliceSpan, standings, type Standing } from '../core/edit/history';
import { jumpTo } from '../state/history';
import { useStore, type OpenJob } from '../state/store';
import { Section } from './Section';
import { useLabelName } from './use_label_name';

type Action = NonNullable<Revision['action']>;

const ICONS: Readonly<Record<Action, Icon>> = {
  segment_slice: IconSparkles,
  propagate: IconArrowsDiff,
  interpolate: IconStack2,
  paint: IconBrush,
  erase: IconEraser,
  fill: IconDroplet,
  threshold_brush: IconWand,
  scissors: IconCut,
  copy_slice: IconCopy,
  confirm: IconCheck,
  smooth: IconRipple,
  grow: IconRipple,
  shrink: IconRipple,
  keep_largest: IconRipple,
  remove_islands: IconRipple,
  fill_holes: IconRipple,
  merge: IconGitMerge,
  edit: IconPencil,
};

/** Old revisions do not say what was done: an engine's work shows in what it covered. */
function actionOf({ action, author, extent }: Revision): Action {
  if (action !== undefined && action !== null) return action;
  if (author.by === 'person') return 'edit';
  return extent !== undefined && extent !== null && extent.first === extent.last ? 'segment_slice' : 'propagate';
}

function useWho(): (revision: Revision) => string {
  const { t } = useTranslation();
  return ({ author }) => {
    if (author.by === 'engine') return `${t(`engine.${author.engine.name}`)} ${author.engine.version}`;
    return author.name === '' ? t('person.unnamed') : author.name;
  };
}

function useWhen(): (ms: number) => string {
  const { i18n } = useTranslation();
  return useMemo(() => {
    const today = new Date().toDateString();
    const time = new Intl.DateTimeFormat(i18n.language, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
    const day = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'short', timeStyle: 'short' });
    return (ms) => (new Date(ms).toDateString() === today ? time : day).format(ms);
  }, [i18n.language]);
}

/** The object that a step was about, as far as it says. */
function labelOf({ label, prompts }: Revision): number | null {
  if (label !== undefined && label !== null) return label;
  const labels = new Set(prompts.map((it) => it.label ?? 1));
  return labels.size === 1 ? ([...labels][0] ?? null) : null;
}

function useWhere(open: OpenJob): (revision: Revision) => string {
  const { t } = useTranslation();
  return (revision) => {
    const span = sliceSpan(revision, open.grid.shape);
    if (span === null) return t('history.nothing');
    const plane = t(`plane.${planeOfStoredAxis(open.grid.axes, axisIndex(span.axis))}`);
    const { first, last } = span;
    return first === last ? t('history.slice', { plane, index: first }) : t('history.slices', { plane, first, last });
  };
}

interface StepProps {
  readonly open: OpenJob;
  readonly revision: Revision;
  readonly standing: Standing;
}

function Step({ open, revision, standing }: StepProps): React.JSX.Element {
  const { t } = useTranslation();
  const [who, when, where] = [useWho(), useWhen(), useWhere(open)];
  const labelName = useLabelName();
  const action = actionOf(revision);
  const StepIcon = ICONS[action];
  const value = labelOf(revision);
  const label = open.job.labels.find((it) => it.value === value);
  return (
    <li className={`step step-${standing}`}>
      <button
        type="button"
        className="step-go"
        aria-current={standing === 'head' ? 'step' : undefined}
        data-testid="history-step"
        data-revision={revision.revision_id}
        data-standing={standing}
        title={t(`standing.${standing}`)}
        onClick={() => {
          jumpTo(revision.revision_id);
        }}
      >
        <StepIcon size={17} aria-hidden className="step-icon" />
        <span className="step-words">
          <span className="step-what">
            {label !== undefined && <span className="step-color" style={{ background: label.color }} title={labelName(label)} />}
            {t(`action.${action}`)}
            <span className="dim step-where">{where(revision)}</span>
          </span>
          <span className="dim step-who">
            {who(revision)} · {when(revision.created_ms)}
          </span>
        </span>
      </button>
    </li>
  );
}

/** Arrow keys go from step to step. */
function onKey(event: React.KeyboardEvent<HTMLOListElement>): void {
  const direction = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (direction === 0) return;
  const steps = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('.step-go')];
  const at = steps.findIndex((it) => it === document.activeElement);
  const next = steps[at + direction];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
}

export function HistoryPanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  const revisions = open?.revisions;
  const head = open?.job.head ?? null;
  const redo = open?.job.redo ?? null;
  const standing = useMemo(() => standings(revisions ?? [], head, redo), [revisions, head, redo]);
  if (open === null) return null;
  return (
    <Section title={t('history.title')} aside={<span className="dim">{t('history.count', { count: open.revisions.length })}</span>}>
      <ol className="steps-list" data-testid="history" onKeyDown={onKey}>
        {open.revisions.map((revision) => (
          <Step key={revision.revision_id} open={open} revision={revision} standing={standing.get(revision.revision_id) ?? 'branch'} />
        ))}
        <li className={head === null ? 'step step-head' : 'step step-past'}>
          <button
            type="button"
            className="step-go"
            aria-current={head === null ? 'step' : undefined}
            data-testid="history-start"
            onClick={() => {
              jumpTo(null);
            }}
          >
            <IconPhoto size={17} aria-hidden className="step-icon" />
            <span className="step-words">{t('history.start')}</span>
          </button>
        </li>
      </ol>
    </Section>
  );
}
