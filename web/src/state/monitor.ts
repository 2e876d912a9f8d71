// What the task monitor shows.
import type { ApiError } from '../api/http';
import type { OutputLog, Task, TaskCounts, TaskLogLine, TaskRates, TaskState, WaitReason } from '../api/types';

/** Lengths of time that rates are shown for, and into how many parts each is cut. */
export const SPANS = [
  { hours: 1, buckets: 60 },
  { hours: 24, buckets: 48 },
  { hours: 168, buckets: 56 },
] as const;

export type Span = (typeof SPANS)[number];

export interface Monitor {
  /** Newest first; null until loaded. */
  readonly tasks: readonly Task[] | null;
  /** Waiting tasks in the order in which they are granted. */
  readonly waiting: readonly Task[];
  readonly counts: TaskCounts;
  /** Why each of the listed tasks that waits does so. */
  readonly reasons: Readonly<Record<string, readonly WaitReason[]>>;
  readonly error: ApiError | null;
  readonly filter: TaskState | null;
  readonly search: string;
  /** Whether older tasks than the last of the list may be there. */
  readonly hasOlder: boolean;
  /** Logs of the tasks that are unfolded; null while one is loading. */
  readonly logs: Readonly<Record<string, readonly TaskLogLine[] | null>>;
  /** What the programs of those tasks said, as far as it was read. */
  readonly outputs: Readonly<Record<string, OutputLog>>;
  readonly span: Span;
  readonly rates: TaskRates | null;
}

export const FIRST_MONITOR: Monitor = {
  tasks: null,
  waiting: [],
  counts: { queued: 0, leased: 0, succeeded: 0, failed: 0, cancelled: 0 },
  reasons: {},
  error: null,
  filter: null,
  search: '',
  hasOlder: false,
  logs: {},
  outputs: {},
  span: SPANS[1],
  rates: null,
};
