// Tasks as a table: each row with what can be done about it, and unfolded its log and what it failed of.
import { Fragment } from 'react';
import { ActionIcon, Progress, Tooltip } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconChevronDown, IconChevronRight, IconPlayerStop, IconReload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Task } from '../api/types';
import { formatDate } from '../core/format';
import { doneShare, formatTook, hasEnded, leftMs, ranMs, waitedMs } from '../core/tasks';
import { inWords } from '../i18n/said';
import { navigate, pathOf, type Route } from '../state/router';
import { useStore } from '../state/store';
import { moveTask, retryTask, toggleLog, withdrawTask } from '../state/tasks';
import { TaskLog } from './TaskLog';
import { TaskStateBadge } from './TaskStateBadge';
import { useSecond } from './use_second';
import { useReasons } from './waiting';

const COLUMNS = ['state', 'task', 'case', 'agent', 'waited', 'ran', 'progress'] as const;

function What({ task }: { task: Task }): React.JSX.Element {
  const { t } = useTranslation();
  const slice = task.slice ?? null;
  const engine = task.engine ?? null;
  const where = slice === null ? null : t('tasks.slice', { axis: slice.axis, slice: slice.slice_index });
  const facts = [where, engine === null ? null : t(`engine.${engine}`)].filter((it) => it !== null);
  return (
    <div className="task-two">
      <span>{t(`task.${task.kind}`)}</span>
      <span className="dim">{facts.join(' · ')}</span>
    </div>
  );
}

function Case({ task }: { task: Task }): React.JSX.Element {
  const { t } = useTranslation();
  const jobId = task.job_id ?? null;
  const route: Route = jobId === null ? { page: 'requests' } : { page: 'job', jobId };
  const name = jobId === null ? t('pages.requests') : (task.job_name ?? jobId);
  return (
    <div className="task-two">
      <a
        href={pathOf(route)}
        className="task-case"
        title={name}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
          event.preventDefault();
          navigate(route);
        }}
      >
        {name}
      </a>
      <span className="dim">{jobId === null ? (task.program ?? '') : t('tasks.object', { label: task.label })}</span>
    </div>
  );
}

function Agent({ task }: { task: Task }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <div className="task-two">
      <span className="task-agent" title={task.agent_id ?? undefined}>
        {task.agent ?? '–'}
      </span>
      <span className="dim">{task.attempt === 0 ? '' : t('tasks.attempt', { n: task.attempt })}</span>
    </div>
  );
}

function Outcome({ task }: { task: Task }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const place = useStore((state) => state.monitor.waiting.findIndex((it) => it.task_id === task.task_id));
  const now = useSecond(!hasEnded(task));
  const reasons = useReasons(task);
  if (task.state === 'queued') {
    const line = [place < 0 ? null : t('tasks.place', { n: place + 1 }), t('tasks.priority', { n: task.priority })];
    return (
      <div className="task-two">
        <span>{line.filter((it) => it !== null).join(' · ')}</span>
        <span className="dim task-reason" title={reasons.join('\n')} data-testid="task-reason">
          {reasons[0] ?? ''}
        </span>
      </div>
    );
  }
  if (task.state === 'leased') {
    const [share, left] = [doneShare(task), leftMs(task, now)];
    const percent = share === null ? '' : t('task.progress', { percent: Math.round(share * 100) });
    return (
      <div className="task-two">
        <Progress value={(share ?? 0) * 100} size="sm" aria-label={t('tasks.progress')} />
        <span className={reasons.length > 0 ? 'dim task-reason' : 'dim number'} title={reasons.join('\n')}>
          {reasons[0] ?? (left === null ? percent : t('tasks.left', { percent, time: formatTook(left, i18n.language) }))}
        </span>
      </div>
    );
  }
  const failure = task.failure ?? null;
  const why = failure === null ? '' : inWords(failure.message_said, failure.message, i18n.language);
  const ended = task.finished_ms ?? null;
  return (
    <div className="task-two">
      {failure !== null && (
        <span className="task-failure" title={why}>
          {why}
        </span>
      )}
      <span className="dim task-when">{ended === null ? '' : formatDate(ended, i18n.language)}</span>
    </div>
  );
}

interface ActProps {
  readonly name: string;
  readonly words: string;
  readonly children: React.ReactNode;
  readonly act: () => Promise<void>;
  readonly disabled?: boolean;
}

function Act({ name, words, children, act, disabled = false }: ActProps): React.JSX.Element {
  return (
    <Tooltip label={words}>
      <ActionIcon size={32} aria-label={words} data-testid={name} disabled={disabled} onClick={() => void act()}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

/** Each action has its place, so that nothing moves under the pointer. */
function Actions({ task }: { task: Task }): React.JSX.Element {
  const { t } = useTranslation();
  const waiting = useStore((state) => state.monitor.waiting);
  const place = waiting.findIndex((it) => it.task_id === task.task_id);
  const isWaiting = task.state === 'queued';
  const { task_id: id } = task;
  return (
    <div className="task-actions">
      {isWaiting && (
        <>
          <Act name="task-earlier" words={t('tasks.earlier')} act={() => moveTask(id, 'earlier')} disabled={place <= 0}>
            <IconArrowUp size={17} />
          </Act>
          <Act name="task-later" words={t('tasks.later')} act={() => moveTask(id, 'later')} disabled={place < 0 || place === waiting.length - 1}>
            <IconArrowDown size={17} />
          </Act>
        </>
      )}
      {!hasEnded(task) && (
        <Act
          name="task-cancel"
          words={t(task.cancel_requested ? 'propagate.cancelling' : 'tasks.cancel')}
          act={() => withdrawTask(id)}
          disabled={task.cancel_requested}
        >
          <IconPlayerStop size={17} />
        </Act>
      )}
      {(task.state === 'failed' || task.state === 'cancelled') && (
        <Act name="task-retry" words={t('tasks.retry')} act={() => retryTask(id)}>
          <IconReload size={17} />
        </Act>
      )}
    </div>
  );
}

function Times({ task }: { task: Task }): React.JSX.Element {
  const { i18n } = useTranslation();
  const now = useSecond(!hasEnded(task));
  const ran = ranMs(task, now);
  return (
    <>
      <td className="number">{formatTook(waitedMs(task, now), i18n.language)}</td>
      <td className="number" data-testid="task-ran">
        {ran === null ? '–' : formatTook(ran, i18n.language)}
      </td>
    </>
  );
}

function Row({ task }: { task: Task }): React.JSX.Element {
  const { t } = useTranslation();
  const isUnfolded = useStore((state) => task.task_id in state.monitor.logs);
  const Chevron = isUnfolded ? IconChevronDown : IconChevronRight;
  // One whose agent is gone waits for another.
  const isWaiting = useReasons(task).length > 0;
  return (
    <Fragment>
      <tr className="task-row" data-testid="task-row" data-task={task.task_id} data-state={task.state}>
        <td>
          <ActionIcon
            size={32}
            aria-label={t(isUnfolded ? 'tasks.fold' : 'tasks.unfold')}
            aria-expanded={isUnfolded}
            data-testid="task-unfold"
            onClick={() => {
              toggleLog(task.task_id);
            }}
          >
            <Chevron size={17} />
          </ActionIcon>
        </td>
        <td>
          <TaskStateBadge state={isWaiting ? 'queued' : task.state} isStopping={task.cancel_requested} />
        </td>
        <td>
          <What task={task} />
        </td>
        <td>
          <Case task={task} />
        </td>
        <td>
          <Agent task={task} />
        </td>
        <Times task={task} />
        <td>
          <Outcome task={task} />
        </td>
        <td>
          <Actions task={task} />
        </td>
      </tr>
      {isUnfolded && (
        <tr className="task-unfolded">
          <td colSpan={9}>
            <TaskLog task={task} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

export function TaskTable({ tasks }: { tasks: readonly Task[] }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <div className="task-scroll">
      <table className="task-table" data-testid="tasks">
        <caption className="visually-hidden">{t('pages.tasks')}</caption>
        <thead>
          <tr>
            <th scope="col" className="task-col-unfold">
              <span className="visually-hidden">{t('tasks.log')}</span>
            </th>
            {COLUMNS.map((column) => (
              <th key={column} scope="col" className={`task-col-${column}`}>
                {t(`taskColumn.${column}`)}
              </th>
            ))}
            <th scope="col" className="task-col-actions">
              <span className="visually-hidden">{t('tasks.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <Row key={task.task_id} task={task} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
