// How long a task still takes, from how fast it has come on: steadied, so that the number does not dance.

/** How a task comes on. */
export interface Pace {
  /** Which task, and which attempt at it. */
  readonly run: string;
  /** When it was last heard of, in milliseconds, and how far it was. */
  readonly at: number;
  readonly done: number;
  readonly total: number;
  /** When it was first heard of. */
  readonly since: number;
  /** Steps per millisecond, the newest counting most; null until there are two places to compare. */
  readonly rate: number | null;
}

/** A change counts for about two thirds of the rate after this long. */
const MEMORY_MS = 6000;

/** Before this a guess would be wild. */
const FIRST_GUESS_MS = 800;

/** The pace after another word of the task's progress. */
export function paced(before: Pace | null, run: string, done: number, total: number, at: number): Pace {
  if (before?.run !== run || done < before.done || total !== before.total) {
    return { run, at, done, total, since: at, rate: null };
  }
  if (done === before.done || at <= before.at) return before;
  const elapsed = at - before.at;
  const rate = (done - before.done) / elapsed;
  const weight = 1 - Math.exp(-elapsed / MEMORY_MS);
  const steadied = before.rate === null ? rate : before.rate + weight * (rate - before.rate);
  return { ...before, at, done, rate: steadied };
}

/** Seconds that are left; null where nothing can be said yet. */
export function secondsLeft(pace: Pace | null, now: number): number | null {
  const rate = pace?.rate ?? 0;
  if (pace === null || rate <= 0 || pace.at - pace.since < FIRST_GUESS_MS) return null;
  return Math.max((pace.total - pace.done) / rate - Math.max(now - pace.at, 0), 0) / 1000;
}

/** An engine that works says so more often than this. */
const SILENCE_MS = 15_000;

/** For how many seconds nothing was heard of a task; null while that is nothing to speak of. */
export function silentSeconds(pace: Pace | null, now: number): number | null {
  const silence = pace === null ? 0 : now - pace.at;
  return silence < SILENCE_MS ? null : Math.floor(silence / 1000);
}

/** Seconds or minutes as people say them: no finer than the guess is. */
export function roundedTime(seconds: number): { readonly unit: 'seconds' | 'minutes'; readonly value: number } {
  if (seconds < 20) return { unit: 'seconds', value: Math.max(Math.ceil(seconds), 1) };
  if (seconds < 57.5) return { unit: 'seconds', value: 5 * Math.round(seconds / 5) };
  return { unit: 'minutes', value: Math.max(Math.round(seconds / 60), 1) };
}
