// The task monitor: what waits, runs and has ended, how fast, and what to do about it.
import { useEffect, useMemo } from 'react';
import { ActionIcon, Alert, Button, Skeleton, Text, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconSearch, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Task, TaskState } from '../api/types';
import { inOrder, matches, TASK_STATES } from '../core/tasks';
import { inWords } from '../i18n/said';
import { errorText } from '../state/notices';
import { useStore } from '../state/store';
import { filterTasks, loadOlder, refreshTasks, searchTasks, watchTasks } from '../state/tasks';
import { PageHeader } from './PageHeader';
import { RatesPlot } from './RatesPlot';
import { TaskTable } from './TaskTable';

function Counts(): React.JSX.Element {
  const { t } = useTranslation();
  const counts = useStore((state) => state.monitor.counts);
  const filter = useStore((state) => state.monitor.filter);
  const all = TASK_STATES.reduce((sum, state) => sum + counts[state], 0);
  const choices: readonly (readonly [TaskState | null, number])[] = [[null, all], ...TASK_STATES.map((state) => [state, counts[state]] as const)];
  return (
    <div className="task-counts" role="group" aria-label={t('tasks.filter')}>
      {choices.map(([state, count]) => (
        <button
          key={state ?? 'all'}
          type="button"
          className={`task-count task-${state ?? 'all'}`}
          aria-pressed={filter === state}
          data-testid={`count-${state ?? 'all'}`}
          onClick={() => {
            filterTasks(state);
          }}
        >
          <span className="task-count-number number">{count}</span>
          <span className="task-count-word">{state === null ? t('tasks.all') : t(`taskState.${state}`)}</span>
        </button>
      ))}
    </div>
  );
}

function Search(): React.JSX.Element {
  const { t } = useTranslation();
  const search = useStore((state) => state.monitor.search);
  return (
    <TextInput
      type="search"
      className="task-search"
      aria-label={t('tasks.search')}
      placeholder={t('tasks.search')}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        search === '' ? null : (
          <ActionIcon
            size={32}
            aria-label={t('list.clear')}
            onClick={() => {
              searchTasks('');
            }}
          >
            <IconX size={15} />
          </ActionIcon>
        )
      }
      value={search}
      data-testid="task-search"
      onChange={(event) => {
        searchTasks(event.currentTarget.value);
      }}
    />
  );
}

function useShown(): readonly Task[] | null {
  const { t, i18n } = useTranslation();
  const { tasks, waiting, filter, search } = useStore((state) => state.monitor);
  return useMemo(() => {
    if (tasks === null) return null;
    const ordered = filter === 'queued' ? inOrder(tasks, waiting) : tasks;
    const why = ({ failure }: Task): string => inWords(failure?.message_said, '', i18n.language);
    return ordered.filter((task) => matches(task, `${t(`task.${task.kind}`)} ${t(`taskState.${task.state}`)} ${why(task)}`, search));
  }, [tasks, waiting, filter, search, t, i18n.language]);
}

function Tasks(): React.JSX.Element {
  const { t } = useTranslation();
  const error = useStore((state) => state.monitor.error);
  const hasOlder = useStore((state) => state.monitor.hasOlder);
  const shown = useShown();
  if (shown === null && error !== null) {
    return (
      <Alert color="red" icon={<IconAlertTriangle />} title={t('tasks.notLoaded')} data-testid="tasks-error">
        <Text size="sm" mb="sm">
          {errorText(error)}
        </Text>
        <Button size="xs" variant="light" color="red" onClick={() => void refreshTasks()}>
          {t('common.retry')}
        </Button>
      </Alert>
    );
  }
  if (shown === null) return <Skeleton height={220} aria-label={t('common.loading')} />;
  return (
    <>
      <TaskTable tasks={shown} />
      {shown.length === 0 && (
        <Text c="dimmed" className="task-none" role="status" data-testid="tasks-empty">
          {t('tasks.none')}
        </Text>
      )}
      {hasOlder && (
        <Button variant="default" className="task-older" onClick={() => void loadOlder()} data-testid="tasks-older">
          {t('tasks.older')}
        </Button>
      )}
    </>
  );
}

export default function TasksPage(): React.JSX.Element {
  const { t } = useTranslation();
  useEffect(() => watchTasks(), []);
  return (
    <div className="jobs-page">
      <PageHeader title={t('pages.tasks')} />
      <main id="main" className="tasks-main">
        <div className="task-top">
          <Counts />
          <span className="grow" />
          <Search />
        </div>
        <RatesPlot />
        <Tasks />
      </main>
    </div>
  );
}
