// The task monitor: what waits, runs and has ended, kept up to date; logs, rates, and what a person does about a task.
import i18next from 'i18next';
import { cancelTask } from '../api/client';
import { listen } from '../api/events';
import * as api from '../api/tasks';
import type { Task, TaskState } from '../api/types';
import { hasEnded, neighbourOf, withNews } from '../core/tasks';
import { followOutput, forgetOutput, readOutput } from './output_log';
import { FIRST_MONITOR, SPANS, type Monitor } from './monitor';
import { attempt, notifyDone, toApiError } from './notices';
import { refreshSession } from './session';
import { getState, setState } from './store';

const PAGE = 100;
const REFRESH_MS = 300;
const RATES_MS = 3000;
const POLL_MS = 3000;
/** Agents come and go without an event, and with them the reasons why tasks wait. */
const REASONS_MS = 5000;

function patch(change: Partial<Monitor>): void {
  setState(({ monitor }) => ({ monitor: { ...monitor, ...change } }));
}

/** Loads as many tasks as are on the page. */
export async function refreshTasks(): Promise<void> {
  const { filter, tasks } = getState().monitor;
  const limit = Math.min(500, Math.max(PAGE, tasks?.length ?? 0));
  try {
    const [list, unfinished] = await Promise.all([api.listTasks({ state: filter, before: null, limit }), api.listUnfinished()]);
    if (getState().monitor.filter !== filter) return;
    const rest = limit < 500 ? [] : (tasks ?? []).slice(500);
    patch({
      tasks: [...list.tasks, ...rest],
      waiting: unfinished.filter(({ state }) => state === 'queued'),
      counts: list.counts,
      reasons: list.waiting,
      hasOlder: list.tasks.length === limit,
      error: null,
    });
  } catch (cause) {
    patch({ error: toApiError(cause) });
  }
}

/** Adds the tasks before the last one of the list. */
export async function loadOlder(): Promise<void> {
  const { filter, tasks } = getState().monitor;
  const last = tasks?.at(-1);
  if (last === undefined) return;
  await attempt(async () => {
    const { tasks: older, waiting } = await api.listTasks({ state: filter, before: last.task_id, limit: PAGE });
    const { monitor } = getState();
    if (monitor.filter !== filter) return;
    patch({ tasks: [...(monitor.tasks ?? []), ...older], reasons: { ...monitor.reasons, ...waiting }, hasOlder: older.length === PAGE });
  });
}

export async function refreshRates(): Promise<void> {
  const { span } = getState().monitor;
  try {
    const rates = await api.getTaskRates(span.hours, span.buckets);
    if (getState().monitor.span === span) patch({ rates });
  } catch {
    // The list says that the server is away; the plot shows what it last showed.
  }
}

async function refreshLog(taskId: string): Promise<void> {
  try {
    const lines = await api.getTaskLog(taskId);
    const { logs } = getState().monitor;
    if (taskId in logs) patch({ logs: { ...logs, [taskId]: lines } });
  } catch {
    // The task went with its job, or the server is away: what was read stays.
  }
}

/** Shows a task's log, or folds it up. */
export function toggleLog(taskId: string): void {
  const { logs } = getState().monitor;
  if (taskId in logs) {
    patch({ logs: Object.fromEntries(Object.entries(logs).filter(([id]) => id !== taskId)) });
    forgetOutput(taskId);
    return;
  }
  patch({ logs: { ...logs, [taskId]: null } });
  void refreshLog(taskId);
  void readOutput(taskId, null);
}

export function filterTasks(filter: TaskState | null): void {
  if (getState().monitor.filter === filter) return;
  patch({ filter, tasks: null, hasOlder: false });
  void refreshTasks();
}

export function searchTasks(search: string): void {
  patch({ search });
}

export function chooseSpan(hours: number): void {
  const span = SPANS.find((it) => it.hours === hours);
  if (span === undefined) return;
  patch({ span });
  void refreshRates();
}

/** Calls at most once in so many milliseconds, the last wish always. */
export function eased(call: () => void, everyMs: number): { readonly wish: () => void; readonly stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  return {
    wish: () => {
      timer ??= setTimeout(() => {
        timer = null;
        call();
      }, everyMs);
    },
    stop: () => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function takeNews(task: Task): void {
  const { tasks, filter, logs } = getState().monitor;
  // A task that leaves the filter stays until the list is read again; one that is new comes in at once.
  const isKnown = tasks?.some(({ task_id: id }) => id === task.task_id) === true;
  if (tasks !== null && (isKnown || filter === null || filter === task.state)) patch({ tasks: withNews(tasks, task) });
  if (task.task_id in logs) void refreshLog(task.task_id);
}

/** Keeps the monitor up to date until the returned function is called. */
export function watchTasks(): () => void {
  const list = eased(() => void refreshTasks(), REFRESH_MS);
  const rates = eased(() => void refreshRates(), RATES_MS);
  void refreshTasks();
  void refreshRates();
  const stop = listen(null, {
    onEvent: (event) => {
      if (event.event === 'queue_update') takeNews(event.data);
      if (event.event === 'log_update') void followOutput(event.data.task_id, event.data.attempt);
      if (event.event === 'queue_update' || event.event === 'job_removed') {
        list.wish();
        rates.wish();
      }
    },
    onRefused: () => void refreshSession(),
    onConnection: (connected, again) => {
      setState({ connected });
      if (again) {
        list.wish();
        for (const taskId of Object.keys(getState().monitor.logs)) void followOutput(taskId, null);
      }
    },
  });
  const poll = setInterval(() => {
    if (getState().connected !== false) return;
    void refreshTasks();
    for (const taskId of Object.keys(getState().monitor.logs)) {
      void refreshLog(taskId);
      void followOutput(taskId, null);
    }
  }, POLL_MS);
  const reasons = setInterval(() => {
    if (getState().connected !== false && getState().monitor.tasks?.some((task) => !hasEnded(task)) === true) void refreshTasks();
  }, REASONS_MS);
  return () => {
    stop();
    clearInterval(reasons);
    list.stop();
    rates.stop();
    clearInterval(poll);
    setState({ monitor: FIRST_MONITOR });
  };
}

/** Asks for the same again. */
export async function retryTask(taskId: string): Promise<void> {
  const done = await attempt(async () => {
    await api.retryTask(taskId);
  });
  if (taskId in getState().monitor.logs) void refreshLog(taskId);
  if (done) notifyDone(i18next.t('tasks.retried'));
  void refreshTasks();
}

export async function withdrawTask(taskId: string): Promise<void> {
  await attempt(async () => {
    takeNews(await cancelTask(taskId));
  });
  void refreshTasks();
}

/** Lets a waiting task change places with the one before or behind it. */
export async function moveTask(taskId: string, direction: 'earlier' | 'later'): Promise<void> {
  await attempt(async () => {
    const waiting = (await api.listUnfinished()).filter(({ state }) => state === 'queued');
    const neighbour = neighbourOf(waiting, taskId, direction);
    if (neighbour === null) return;
    takeNews(await api.moveTask(taskId, direction === 'earlier' ? { before: neighbour } : { after: neighbour }));
  });
  void refreshTasks();
}
