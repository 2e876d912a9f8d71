// What happened to a task, line by line, and what to do where it failed.
import { Loader } from '@mantine/core';
import { IconAlertTriangle, IconBulb } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Task, TaskLogLine } from '../api/types';
import { formatTook } from '../core/tasks';
import { inWords } from '../i18n/said';
import { useStore } from '../state/store';
import { TaskOutput } from './TaskOutput';
import { useReasons } from './waiting';

const STAGES = ['queued', 'loading', 'solving', 'uncertainty', 'writing'] as const;

function useWords(line: TaskLogLine): string {
  const { t } = useTranslation();
  if (line.step === 'stage') {
    const stage = STAGES.find((it) => it === line.stage);
    return stage === undefined ? (line.stage ?? '') : t(`stage.${stage}`);
  }
  return t(`taskStep.${line.step}`, { n: line.attempt, agent: line.agent ?? t('tasks.anAgent'), priority: line.priority ?? 0 });
}

function Line({ line }: { line: TaskLogLine }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const words = useWords(line);
  const at = new Intl.DateTimeFormat(i18n.language, { timeStyle: 'medium', hourCycle: 'h23' }).format(line.at_ms);
  return (
    <li className={`log-line log-${line.level}`} data-testid="log-line" data-step={line.step} title={line.text}>
      <time className="number dim" dateTime={new Date(line.at_ms).toISOString()}>
        {at}
      </time>
      <span className="log-words">
        {words}
        {line.failure !== undefined && line.failure !== null && (
          <span className="dim">
            {' '}
            {inWords(line.failure.message_said, line.failure.message, i18n.language)} <code>{line.failure.code}</code>
          </span>
        )}
      </span>
      <span className="number dim">
        {(line.took_ms ?? null) === null ? '' : t(line.step === 'granted' ? 'tasks.afterWait' : 'tasks.took', { time: formatTook(line.took_ms ?? 0, i18n.language) })}
      </span>
    </li>
  );
}

function Attempts({ task }: { task: Task }): React.JSX.Element | null {
  const { t } = useTranslation();
  const failures = task.failures ?? [];
  // The only attempt of a task that failed is what is said above.
  const isTold = failures.length <= ((task.failure ?? null) === null ? 0 : 1);
  if (isTold && task.smaller !== true) return null;
  return (
    <div className="task-wait" data-testid="task-attempts">
      {task.smaller === true && <p>{t('failureClass.smaller')}</p>}
      <ul aria-label={t('failureClass.label')}>
        {failures.map(({ attempt, agent, failure }) => (
          <li key={attempt}>
            {t('failureClass.attempt', { n: attempt, agent: agent ?? t('tasks.anAgent') })}: {failure.message} <code>{failure.code}</code>{' '}
            <span className="dim">{t(`failureClass.${failure.class}`)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Waiting({ task }: { task: Task }): React.JSX.Element | null {
  const { t } = useTranslation();
  const reasons = useReasons(task);
  if (reasons.length === 0) return null;
  return (
    <ul className="task-wait" aria-label={t('waiting.label')} data-testid="task-waiting">
      {reasons.map((it) => (
        <li key={it}>{it}</li>
      ))}
    </ul>
  );
}

export function TaskLog({ task }: { task: Task }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const lines = useStore((state) => state.monitor.logs[task.task_id]);
  const failure = task.failure ?? null;
  return (
    <div className="task-log">
      {failure !== null && (
        <div className="task-why" data-testid="task-why">
          <p>
            <IconAlertTriangle size={17} aria-hidden /> {inWords(failure.message_said, failure.message, i18n.language)} <code>{failure.code}</code>{' '}
            <span className="dim" data-testid="failure-class">
              {t(`failureClass.${failure.class}`)}
            </span>
          </p>
          {typeof failure.remedy === 'string' && (
            <p>
              <IconBulb size={17} aria-hidden /> {inWords(failure.remedy_said, failure.remedy, i18n.language)}
            </p>
          )}
        </div>
      )}
      <Attempts task={task} />
      <Waiting task={task} />
      {lines === null || lines === undefined ? (
        <Loader size="sm" aria-label={t('common.loading')} />
      ) : (
        <ol className="log-lines" aria-label={t('tasks.log')}>
          {lines.map((line, index) => (
            <Line key={index} line={line} />
          ))}
        </ol>
      )}
      <TaskOutput taskId={task.task_id} />
      {lines?.length === 0 && <p className="dim">{t('tasks.noLog')}</p>}
    </div>
  );
}
