// The prompt of the shown slice: box by numbers, parts, segment; confirmed or absent; and all prompts of the job.
import { Button, Switch, Tooltip } from '@mantine/core';
import { IconCircleCheck, IconCircleCheckFilled, IconCircleOff, IconPlayerPlay, IconSquareDashed } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { SlicePrompt } from '../api/types';
import { boxSize, boxWithCorner, type Box } from '../core/box';
import { labelsOnSlice } from '../core/edit/census';
import { boxOf, canSegment, type PromptKey } from '../core/prompts';
import { toggleAbsent, toggleConfirmed } from '../state/confirm';
import { activeKey, activePrompt, removeBox, segment, setBox, sliceSize, startBox } from '../state/prompts';
import { useStore, type OpenJob } from '../state/store';
import { changeSettings, setTool } from '../state/view';
import { CheckedNumber } from './CheckedNumber';
import { PromptList } from './PromptList';
import { PromptHints, PromptParts } from './PromptParts';
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
            <CheckedNumber
              key={name}
              label={t(`prompt.${name}`)}
              aria-label={t('prompt.corner', { name })}
              data-testid={`box-${name}`}
              limits={{ least: 0, most: size[corner % 2 === 0 ? 0 : 1] - 1, isWhole: true }}
              value={box[corner]}
              onChange={(value) => {
                setBox(target, boxWithCorner(box, corner, value, size), 'typing');
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
    </>
  );
}

function NoBox({ target }: { target: PromptKey }): React.JSX.Element {
  const { t } = useTranslation();
  const tool = useStore((state) => state.open?.tool);
  return (
    <div className="no-box">
      <p className="hint">{t('prompt.hint')}</p>
      <Button
        size="xs"
        variant={tool === 'box' ? 'default' : 'light'}
        leftSection={<IconSquareDashed size={16} aria-hidden />}
        aria-pressed={tool === 'box'}
        data-testid="draw-box"
        onClick={() => {
          setTool('box');
        }}
      >
        {t('prompt.drawBox')}
      </Button>
      <Button
        size="xs"
        variant="default"
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

function AbsentSlice(): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <div className="absent-note" data-testid="absent-note">
      <IconCircleOff size={18} aria-hidden />
      <span>{t('prompt.absentOn')}</span>
      <Button variant="default" size="compact-xs" onClick={toggleAbsent}>
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
        size={autoSegment ? 'xs' : 'sm'}
        variant={autoSegment ? 'default' : 'filled'}
        leftSection={<IconPlayerPlay size={autoSegment ? 16 : 17} aria-hidden />}
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

/** What a person says about the slice as a whole: its mask holds, or the object is not there. */
function Vouch({ prompt }: { prompt: SlicePrompt | null }): React.JSX.Element {
  const { t } = useTranslation();
  const isConfirmed = prompt?.mask === true;
  return (
    <div className="vouch">
      <Tooltip label={t('confirm.hint')} multiline maw={260}>
        <Button
          variant="default"
          size="xs"
          leftSection={isConfirmed ? <IconCircleCheckFilled size={16} aria-hidden className="confirmed-icon" /> : <IconCircleCheck size={16} aria-hidden />}
          aria-pressed={isConfirmed}
          data-testid="confirm"
          onClick={toggleConfirmed}
        >
          {t(isConfirmed ? 'confirm.done' : 'confirm.do')}
        </Button>
      </Tooltip>
      <Tooltip label={t('prompt.absentHint')} multiline maw={260}>
        <Button variant="default" size="xs" leftSection={<IconCircleOff size={16} aria-hidden />} data-testid="mark-absent" onClick={toggleAbsent}>
          {t('confirm.absent')}
        </Button>
      </Tooltip>
    </div>
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
        <span className="dim changing" data-testid="prompt-where" title={t('prompt.axis', { axis: target.axis })}>
          {t('prompt.where', { plane: t(`plane.${open.plane}`), index: target.sliceIndex })}
        </span>
      }
    >
      {isAbsent && <AbsentSlice />}
      {!isAbsent && box === null && <NoBox target={target} />}
      {box !== null && <BoxFields open={open} target={target} box={box} />}
      {prompt !== null && <PromptParts prompt={prompt} target={target} />}
      {prompt !== null && <PromptHints prompt={prompt} />}
      <SegmentButton open={open} prompt={prompt} />
      <FollowSwitch />
      <SlowTask open={open} />
      {!isAbsent && <Vouch prompt={prompt} />}
      <PromptList open={open} />
    </Section>
  );
}
