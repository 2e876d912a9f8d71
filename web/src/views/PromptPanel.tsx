// The prompt of the shown slice: box by numbers, points, absent; segment; and all prompts of the job.
import { Alert, Button, CloseButton, NumberInput, Switch, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconCircleOff, IconPlayerPlay } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { SlicePrompt } from '../api/types';
import { boxSize, boxWithCorner, isSmall, type Box } from '../core/box';
import { labelsOnSlice } from '../core/labelmap';
import { boxOf, canSegment, type PromptKey } from '../core/prompts';
import { activeKey, activePrompt, removeBox, removePoint, segment, setAbsent, setBox, sliceSize, startBox } from '../state/prompts';
import { useStore, type OpenJob } from '../state/store';
import { changeSettings } from '../state/view';
import { PromptList } from './PromptList';
import { RunningTask } from './RunningTask';
import { Section } from './Section';
import { useLater } from './use_later';

const CORNERS = ['x1', 'y1', 'x2', 'y2'] as const;

interface BoxFieldsProps {
  readonly open: OpenJob;
  readonly target: PromptKey;
  readonly box: Box;
}

function BoxFields({ open, target, box }: BoxFieldsProps): React.JSX.Element {
  const { t } = useTranslation();
  const size = sliceSize(open.grid, target.axis);
  const [width, height] = boxSize(box);
  return (
    <>
      <div className="corners" data-testid="box-fields">
        {CORNERS.map((name, index) => {
          const corner = index as 0 | 1 | 2 | 3;
          return (
            <NumberInput
              key={name}
              label={t(`prompt.${name}`)}
              aria-label={t('prompt.corner', { name })}
              data-testid={`box-${name}`}
              min={0}
              max={size[corner % 2 === 0 ? 0 : 1] - 1}
              clampBehavior="blur"
              allowDecimal={false}
              allowNegative={false}
              value={box[corner]}
              onChange={(value) => {
                if (typeof value === 'number' && value !== box[corner]) setBox(target, boxWithCorner(box, corner, value, size), 'typing');
              }}
            />
          );
        })}
      </div>
      <div className="box-facts">
        <span className="dim" data-testid="box-size">
          {t('prompt.size', { width, height })}
        </span>
        <Button
          variant="subtle"
          color="gray"
          size="compact-xs"
          data-testid="remove-box"
          onClick={() => {
            removeBox(target);
          }}
        >
          {t('prompt.removeBox')}
        </Button>
      </div>
      {isSmall(box) && (
        <Alert color="yellow" icon={<IconAlertTriangle size={18} />} className="tight" data-testid="box-small">
          {t('prompt.small')}
        </Alert>
      )}
    </>
  );
}

function Points({ prompt, target }: { prompt: SlicePrompt; target: PromptKey }): React.JSX.Element | null {
  const { t } = useTranslation();
  const points = prompt.points ?? [];
  if (points.length === 0) return null;
  return (
    <ul className="points" data-testid="points">
      {points.map(({ x, y, positive }, index) => (
        // A point has no identity but its place in the list.
        <li key={`${index}-${x}-${y}`} className={positive ? 'point point-positive' : 'point point-negative'}>
          <span aria-hidden className="point-sign">
            {positive ? '+' : '−'}
          </span>
          <span>
            {t('prompt.point', { x, y })} <span className="dim">{t(positive ? 'prompt.pointInside' : 'prompt.pointOutside')}</span>
          </span>
          <CloseButton
            size="xs"
            aria-label={t('prompt.removePoint', { x, y })}
            onClick={() => {
              removePoint(target, index);
            }}
          />
        </li>
      ))}
    </ul>
  );
}

function NoBox({ target }: { target: PromptKey }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <div className="no-box">
      <p className="hint">{t('prompt.hint')}</p>
      <Button
        variant="default"
        size="compact-sm"
        data-testid="start-box"
        onClick={() => {
          startBox(target);
        }}
      >
        {t('prompt.useNumbers')}
      </Button>
    </div>
  );
}

function AbsentSlice({ target }: { target: PromptKey }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <div className="absent-note" data-testid="absent-note">
      <IconCircleOff size={18} aria-hidden />
      <span>{t('prompt.absentOn')}</span>
      <Button
        variant="default"
        size="compact-xs"
        onClick={() => {
          setAbsent(target, false);
        }}
      >
        {t('prompt.absentUndo')}
      </Button>
    </div>
  );
}

function SegmentButton({ open, prompt }: { open: OpenJob; prompt: SlicePrompt | null }): React.JSX.Element {
  const { t } = useTranslation();
  const { axis, sliceIndex, label } = activeKey(open);
  const { autoSegment } = useStore((state) => state.settings);
  const hasMask = open.mask !== null && labelsOnSlice(open.mask, axis, sliceIndex).has(label);
  const why = canSegment(prompt) ? null : t('prompt.needsPrompt');
  return (
    <Tooltip label={why} disabled={why === null}>
      <Button
        fullWidth
        leftSection={<IconPlayerPlay size={17} aria-hidden />}
        loading={!autoSegment && open.thinking}
        disabled={why !== null || open.job.task?.kind === 'propagate'}
        data-testid="segment"
        onClick={segment}
      >
        {t(hasMask && prompt !== null ? 'prompt.segmentAgain' : 'prompt.segment')}
      </Button>
    </Tooltip>
  );
}

/** Whether the engine runs by itself. */
function FollowSwitch(): React.JSX.Element {
  const { t } = useTranslation();
  const { autoSegment } = useStore((state) => state.settings);
  return (
    <Switch
      size="xs"
      label={t('prompt.auto')}
      title={t('prompt.autoHint')}
      checked={autoSegment}
      data-testid="auto-segment"
      onChange={(event) => {
        changeSettings({ autoSegment: event.currentTarget.checked });
      }}
    />
  );
}

/** A slice takes this long only where the machine is busy or the network reads the slice for the first time. */
const SLOW_MS = 1500;

function SlowTask({ open }: { open: OpenJob }): React.JSX.Element | null {
  const task = open.job.task ?? null;
  const isSlow = useLater(task?.kind === 'segment_slice', SLOW_MS);
  return isSlow && task !== null ? <RunningTask task={task} /> : null;
}

export function PromptPanel(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  if (open === null) return null;
  const target = activeKey(open);
  const prompt = activePrompt(open);
  const box = boxOf(prompt);
  const isAbsent = prompt?.absent === true;
  return (
    <Section
      title={t('prompt.title')}
      aside={
        <span className="dim" data-testid="prompt-where" title={t('prompt.axis', { axis: target.axis })}>
          {t('prompt.where', { plane: t(`plane.${open.plane}`), index: target.sliceIndex })}
        </span>
      }
    >
      {isAbsent && <AbsentSlice target={target} />}
      {!isAbsent && box === null && <NoBox target={target} />}
      {box !== null && <BoxFields open={open} target={target} box={box} />}
      {prompt !== null && <Points prompt={prompt} target={target} />}
      <SegmentButton open={open} prompt={prompt} />
      <FollowSwitch />
      <SlowTask open={open} />
      {!isAbsent && (
        <Tooltip label={t('prompt.absentHint')} multiline maw={260}>
          <Button
            fullWidth
            variant="default"
            size="xs"
            leftSection={<IconCircleOff size={16} aria-hidden />}
            data-testid="mark-absent"
            onClick={() => {
              setAbsent(target, true);
            }}
          >
            {t('prompt.absent')}
          </Button>
        </Tooltip>
      )}
      <PromptList open={open} />
    </Section>
  );
}
