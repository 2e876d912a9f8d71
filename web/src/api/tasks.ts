// Calls about tasks: lists, logs, rates, and what a person does about them.
import { getJson, sendJson } from './http';
import type { OutputLog, Task, TaskList, TaskLogLine, TaskQueued, TaskRates, TaskState } from './types';

const task = (taskId: string): string => `/api/v1/tasks/${encodeURIComponent(taskId)}`;

export interface TaskQuery {
  readonly state: TaskState | null;
  /** The last task of the list before. */
  readonly before: string | null;
  readonly limit: number;
}

export function listTasks({ state, before, limit }: TaskQuery): Promise<TaskList> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (state !== null) query.set('state', state);
  if (before !== null) query.set('before', before);
  return getJson(`/api/v1/tasks?${query.toString()}`);
}

/** What is unfinished, in the order in which it is granted. */
export async function listUnfinished(): Promise<Task[]> {
  return (await getJson<{ tasks: Task[] }>('/api/v1/system/jobs/active')).tasks;
}

export async function getTaskLog(taskId: string): Promise<TaskLogLine[]> {
  return (await getJson<{ lines: TaskLogLine[] }>(`${task(taskId)}/log`)).lines;
}

/** What the task's program said, of the newest attempt where none is named; a negative offset counts from the end. */
export function getOutputLog(taskId: string, offset: number, attempt: number | null): Promise<OutputLog> {
  const of = attempt === null ? '' : `&attempt=${attempt}`;
  return getJson(`${task(taskId)}/output?offset=${offset}${of}`);
}

export function getTaskRates(hours: number, buckets: number): Promise<TaskRates> {
  return getJson(`/api/v1/tasks/rates?hours=${hours}&buckets=${buckets}`);
}

export function retryTask(taskId: string): Promise<TaskQueued> {
  return sendJson('POST', `${task(taskId)}/retry`);
}

/** Lets a waiting task go before or after another one. */
export function moveTask(taskId: string, place: { readonly before: string } | { readonly after: string }): Promise<Task> {
  return sendJson('PUT', `${task(taskId)}/priority`, place);
}
