// Tasks for people: which are shown, how long they waited and ran, what is left, and their place in the queue.
import type { Task, TaskState } from '../api/types';

export const TASK_STATES: readonly TaskState[] = ['queued', 'leased', 'succeeded', 'failed', 'cancelled'];

/** Whether nothing will follow. */
export function hasEnded({ state }: Task): boolean {
  return state !== 'queued' && state !== 'leased';
}

/** Milliseconds from the request to the last grant, or to now or the end where no agent has had it. */
export function waitedMs(task: Task, nowMs: number): number {
  return Math.max(0, (task.started_ms ?? task.finished_ms ?? nowMs) - task.created_ms);
}

/** Milliseconds of the last attempt; null where no agent has had it. */
export function ranMs(task: Task, nowMs: number): number | null {
  if (task.state === 'queued' || (task.started_ms ?? null) === null) return null;
  return Math.max(0, (task.finished_ms ?? nowMs) - (task.started_ms ?? nowMs));
}

/** 0–1; null while unknown. */
export function doneShare({ progress }: Task): number | null {
  return progress.total > 0 ? Math.min(1, progress.done / progress.total) : null;
}

/** Less done than this says nothing about the rest. */
const ENOUGH_DONE = 0.05;

/** Milliseconds that are left if it goes on as fast as until now; null where nothing can be said. */
export function leftMs(task: Task, nowMs: number): number | null {
  const [ran, share] = [ranMs(task, nowMs), doneShare(task)];
  if (task.state !== 'leased' || ran === null || share === null || share < ENOUGH_DONE) return null;
  return (ran * (1 - share)) / share;
}

/** Whether a task has these words in its job's name, its kind, engine, agent or failure. `words` are those of the page. */
export function matches(task: Task, words: string, search: string): boolean {
  const text = [words, task.job_name, task.engine, task.program, task.agent, task.failure?.message, task.failure?.code, task.task_id]
    .join(' ')
    .toLocaleLowerCase();
  return search
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((part) => text.includes(part));
}

/** Tasks that wait in the order in which the server will grant them; what it did not list comes last, the newest first. */
export function inOrder(tasks: readonly Task[], waiting: readonly Task[]): Task[] {
  const places = new Map(waiting.map(({ task_id: id }, place) => [id, place]));
  const placeOf = ({ task_id: id }: Task): number => places.get(id) ?? waiting.length;
  return tasks.filter(({ state }) => state === 'queued').sort((a, b) => placeOf(a) - placeOf(b) || (a.task_id < b.task_id ? 1 : -1));
}

/** The task that another one changes places with; null at the ends. `waiting` is in the order in which they are granted. */
export function neighbourOf(waiting: readonly Task[], taskId: string, direction: 'earlier' | 'later'): string | null {
  const place = waiting.findIndex((task) => task.task_id === taskId);
  if (place < 0) return null;
  return waiting[place + (direction === 'earlier' ? -1 : 1)]?.task_id ?? null;
}

/** Tasks with newer news of one of them. A task that is not among them goes in where its age says. */
export function withNews(tasks: readonly Task[], news: Task): Task[] {
  if (tasks.some(({ task_id: id }) => id === news.task_id)) {
    return tasks.map((task) => (task.task_id === news.task_id ? { ...task, ...news } : task));
  }
  return [...tasks, news].sort((a, b) => (a.task_id < b.task_id ? 1 : -1));
}

/** A length of time in the two largest fitting units: `812 ms`, `4.2 s`, `3 min 12 s`. */
export function formatTook(ms: number, language: string): string {
  const unit = (value: number, name: string, digits = 0): string =>
    new Intl.NumberFormat(language, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(value);
  if (ms < 999.5) return unit(Math.round(ms), 'millisecond');
  if (ms < 9_950) return unit(ms / 1000, 'second', 1);
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return unit(seconds, 'second');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${unit(minutes, 'minute')} ${unit(seconds % 60, 'second')}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${unit(hours, 'hour')} ${unit(minutes % 60, 'minute')}`;
  return `${unit(Math.floor(hours / 24), 'day')} ${unit(hours % 24, 'hour')}`;
}
