// A task that waits or runs: what it does, how far it is, and a way to stop it.
import { Button, Progress, Text } from '@mantine/core';
import { IconPlayerStop } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Task } from '../api/types';
import { roundedTime, secondsLeft, silentSeconds } from '../core/time_left';
import { stopTask } from '../state/prompts';
import { useStore } from '../state/store';
import { useTicking } from './use_now';

const STAGES = ['queued', 'loading', 'solving', 'uncertainty', 'writing'] as const;

function stageOf(task: Task): (typeof STAGES)[number] | 'other' {
  if (task.state === 'queued') return 'queued';
  return STAGES.find((stage) => stage === task.progress.stage) ?? 'other';
}

/** About how long it still takes; nothing while that is a wild guess. */
function TimeLeft(): React.JSX.Element | null {
  const { t } = useTranslation();
  const pace = useStore((state) => state.open?.pace ?? null);
  const now = useTicking();
  const seconds = secondsLeft(pace, now);
  if (seconds === null || silentSeconds(pace, now) !== null) return null;
  const { unit, value } = roundedTime(seconds);
  return <span data-testid="time-left">{t(`task.left_${unit}`, { value })}</span>;
}

/** What it does now; or that nothing was heard of it, and what comes of that. */
function Stage({ task }: { task: Task }): React.JSX.Element {
  const { t } = useTranslation();
  const pace = useStore((state) => state.open?.pace ?? null);
  const silence = silentSeconds(pace, useTicking());
  if (silence === null || task.state === 'queued') return <>{t(`stage.${stageOf(task)}`)}</>;
  return <span data-testid="silent">{t('task.silent', { seconds: silence })}</span>;
}

export function RunningTask({ task }: { task: Task }): React.JSX.Element {
  const { t } = useTranslation();
  const { done, total } = task.progress;
  const percent = total === 0 ? 0 : Math.round((100 * done) / total);
  return (
    <div className={`running running-${task.kind}`} data-testid="running" data-kind={task.kind} role="status">
      <div className="running-words">
        <Text size="sm" fw={600}>
          {t(`task.${task.kind}`)}
        </Text>
        <Text size="sm" className="number">
          <TimeLeft /> {total === 0 ? '' : t('task.progress', { percent })}
        </Text>
      </div>
      <Progress.Root size="md">
        <Progress.Section value={total === 0 ? 100 : percent} animated aria-label={t(`task.${task.kind}`)} />
      </Progress.Root>
      <div className="running-words">
        <Text size="xs" c="dimmed">
          <Stage task={task} />
        </Text>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlayerStop size={14} aria-hidden />}
          disabled={task.cancel_requested}
          data-testid="stop"
          onClick={() => void stopTask()}
        >
          {t(task.cancel_requested ? 'propagate.cancelling' : 'propagate.cancel')}
        </Button>
      </div>
    </div>
  );
}
