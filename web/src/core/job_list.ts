// The case list: what is shown of the jobs, in which order, and which one comes next.
import type { JobSummary, ReviewState } from '../api/types';
import { doubtAbove, type Doubt } from './confidence';

export const REVIEW_STATES = ['draft', 'in_review', 'accepted', 'rejected'] as const satisfies readonly ReviewState[];

export const SORTS = ['age', 'name', 'review', 'state', 'doubt', 'objects'] as const;

export type Sort = (typeof SORTS)[number];

export const MODALITIES = ['CT', 'MR', 'unknown'] as const satisfies readonly JobSummary['image']['modality'][];

/** What a person wants to see of the list. */
export interface ListView {
  readonly sort: Sort;
  /** From the smallest, oldest or first letter on. */
  readonly rising: boolean;
  readonly review: ReviewState | null;
  readonly modality: (typeof MODALITIES)[number] | null;
  /** Only cases whose mask is worth a look. */
  readonly doubtful: boolean;
  readonly search: string;
}

export const FIRST_VIEW: ListView = { sort: 'age', rising: false, review: null, modality: null, doubtful: false, search: '' };

/** The direction in which a column is wanted first: the newest, the most doubtful; names from A. */
export const FIRST_RISING: Readonly<Record<Sort, boolean>> = { age: false, name: true, review: true, state: true, doubt: false, objects: false };

/** Those that wait for somebody come first. */
const REVIEW_ORDER: readonly ReviewState[] = ['in_review', 'rejected', 'draft', 'accepted'];

const STATE_ORDER: readonly JobSummary['status'][] = [
  'segmenting',
  'propagating',
  'failed',
  'cancelled',
  'ready',
  'segmented',
  'completed',
];

export function reviewStateOf({ review }: Pick<JobSummary, 'review'>): ReviewState {
  return review.state;
}

/** How doubtful a case is, in a word; none where no engine said. */
export function caseDoubt({ rating }: Pick<JobSummary, 'rating'>): Doubt | null {
  if (!rating) return null;
  const word = doubtAbove(rating.doubt ?? 0);
  // The whole may be sure while some of its slices are not: its page shows those, so the list must too.
  return word === 'sure' && rating.doubtful_slices.length > 0 ? 'check' : word;
}

function doubtNumber({ rating }: JobSummary): number | null {
  return rating?.doubt ?? null;
}

function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** Whether every word of the search occurs in the name, the last comment or the reviewer. */
function isFound(job: JobSummary, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const text = plain([job.name, job.review.comment ?? '', job.review.by ?? ''].join('\n'));
  return words.every((word) => text.includes(word));
}

function wordsOf(search: string): string[] {
  return plain(search).split(/\s+/).filter((word) => word !== '');
}

/** Jobs that match all but the review state: what the counts per state count. */
function matching(jobs: readonly JobSummary[], view: ListView): JobSummary[] {
  const words = wordsOf(view.search);
  return jobs.filter((job) => {
    if (view.modality !== null && job.image.modality !== view.modality) return false;
    const doubt = caseDoubt(job);
    if (view.doubtful && (doubt === null || doubt === 'sure')) return false;
    return isFound(job, words);
  });
}

/** Cases per review state, and in all, of those that match the rest of the view. */
export function countsByReview(jobs: readonly JobSummary[], view: ListView): Readonly<Record<ReviewState | 'all', number>> {
  const counts = { all: 0, draft: 0, in_review: 0, accepted: 0, rejected: 0 };
  for (const job of matching(jobs, view)) {
    counts.all++;
    counts[reviewStateOf(job)]++;
  }
  return counts;
}

type Compare = (a: JobSummary, b: JobSummary) => number;

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

const COMPARE: Readonly<Record<Sort, Compare>> = {
  age: (a, b) => a.updated_ms - b.updated_ms,
  name: (a, b) => names.compare(a.name, b.name),
  review: (a, b) => REVIEW_ORDER.indexOf(reviewStateOf(a)) - REVIEW_ORDER.indexOf(reviewStateOf(b)),
  state: (a, b) => STATE_ORDER.indexOf(a.status) - STATE_ORDER.indexOf(b.status),
  doubt: (a, b) => (doubtNumber(a) ?? 0) - (doubtNumber(b) ?? 0),
  objects: (a, b) => (a.n_objects ?? 0) - (b.n_objects ?? 0),
};

function isUnknown(job: JobSummary, sort: 'doubt' | 'objects'): boolean {
  return typeof (sort === 'doubt' ? doubtNumber(job) : job.n_objects) !== 'number';
}

function comparing({ sort, rising }: ListView): Compare {
  const compare = COMPARE[sort];
  return (a, b) => {
    // Cases that no engine rated, or that nobody counted, are neither sure nor doubtful: they come last either way.
    const unknown = sort === 'doubt' || sort === 'objects' ? Number(isUnknown(a, sort)) - Number(isUnknown(b, sort)) : 0;
    const order = rising ? compare(a, b) : compare(b, a);
    return unknown || order || b.updated_ms - a.updated_ms || names.compare(a.job_id, b.job_id);
  };
}

/** The jobs that a view shows, in its order. */
export function shownJobs(jobs: readonly JobSummary[], view: ListView): JobSummary[] {
  return matching(jobs, view)
    .filter((job) => view.review === null || reviewStateOf(job) === view.review)
    .sort(comparing(view));
}

/** The case to review next: in the list's order the first that waits for a reviewer, `after` a case if one is named. */
export function nextToReview(jobs: readonly JobSummary[], view: ListView, after: string | null = null): JobSummary | null {
  const waiting = shownJobs(jobs, { ...view, review: null });
  const from = after === null ? 0 : waiting.findIndex((job) => job.job_id === after) + 1;
  const inTurn = [...waiting.slice(from), ...waiting.slice(0, from)];
  return inTurn.find((job) => job.job_id !== after && reviewStateOf(job) === 'in_review') ?? null;
}

export interface Neighbours {
  readonly previous: JobSummary | null;
  readonly next: JobSummary | null;
  /** Counted from 1; 0 where the view does not show the case. */
  readonly place: number;
  readonly count: number;
}

/** The cases before and after one, in the list's order. One that its own change took out of the view keeps its place. */
export function neighboursOf(jobs: readonly JobSummary[], view: ListView, jobId: string): Neighbours {
  const wanted = new Set(shownJobs(jobs, view).map((job) => job.job_id));
  const isShown = wanted.has(jobId);
  const sorted = [...jobs].sort(comparing(view)).filter((job) => wanted.has(job.job_id) || job.job_id === jobId);
  const at = sorted.findIndex((job) => job.job_id === jobId);
  return {
    previous: sorted[at - 1] ?? null,
    next: sorted[at + 1] ?? null,
    place: isShown ? at + 1 : 0,
    count: wanted.size,
  };
}

function oneOf<T extends string>(values: readonly T[], value: unknown): T | null {
  return values.find((it) => it === value) ?? null;
}

/** A view out of what was stored; what is not one of ours falls back to its first value. */
export function viewFrom(stored: unknown): ListView {
  if (typeof stored !== 'object' || stored === null) return FIRST_VIEW;
  const { sort, rising, review, modality, doubtful, search } = stored as Partial<Record<keyof ListView, unknown>>;
  return {
    sort: oneOf(SORTS, sort) ?? FIRST_VIEW.sort,
    rising: typeof rising === 'boolean' ? rising : FIRST_VIEW.rising,
    review: oneOf(REVIEW_STATES, review),
    modality: oneOf(MODALITIES, modality),
    doubtful: doubtful === true,
    search: typeof search === 'string' ? search : '',
  };
}

/** The view after a click on a column: the same column turns round. */
export function sortedBy(view: ListView, sort: Sort): ListView {
  return { ...view, sort, rising: view.sort === sort ? !view.rising : FIRST_RISING[sort] };
}

/** Which of `count` equally high rows show in a window, some more on either side. */
export function rowsInView(count: number, rowHeight: number, scrollTop: number, height: number, spare = 6): readonly [number, number] {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare);
  const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare);
  return [Math.min(first, count), Math.max(first, last)];
}
