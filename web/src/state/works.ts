// Masks that are edited here with the edits that wait for the server, and what the page shows of them.
import type { Revision } from '../api/types';
import type { Vec3 } from '../core/axes';
import { NO_CHANGE, type Change } from '../core/edit/change';
import type { Labelmap } from '../core/rle';
import { signer } from '../api/http';
import * as outbox from './outbox';
import { getState, patchOpen, setState, type Saving } from './store';
import { beHere, randomId, TAB } from './tabs';

export interface Edit {
  readonly id: string;
  readonly place: number;
  readonly by: string;
  readonly what: outbox.EditKind;
  /** Replaced where the others' voxels win; its labels before follow what others do. */
  change: Change;
  /** The revision it was sent on top of already: the answer may have been lost. Undefined before. */
  sentOn: string | null | undefined;
  /** Whether this browser keeps it, so that it outlives the page; settled before it is sent. */
  kept: Promise<boolean>;
  isKept: boolean;
  /** Something else must reach the server first. */
  isHeld: boolean;
  /** It could not be sent when it was made: whether it still fits may have changed since. */
  isLate: boolean;
}

export interface MaskWork {
  readonly jobId: string;
  readonly shape: Vec3;
  /** The server's revision beneath the edits that wait. */
  head: string | null;
  /** Null while there is no mask at all. */
  mask: Labelmap | null;
  edits: Edit[];
  /** An edit was refused that the person did not want to lose: nothing is sent for the time being. */
  isPaused: boolean;
}

/** Jobs with a mask here: the open one, and ones that were closed before all was sent. */
export const works = new Map<string, MaskWork>();
/** Revisions that were made here; their events tell nothing new. */
export const own = new Set<string>();

/** The work on a job's mask; made where there is none. */
export function workOf(jobId: string, shape: Vec3): MaskWork {
  let work = works.get(jobId);
  if (work === undefined) {
    work = { jobId, shape, head: null, mask: null, edits: [], isPaused: false };
    works.set(jobId, work);
  }
  return work;
}

export function isWaiting({ edits }: MaskWork): boolean {
  return edits.length > 0;
}

/** Edits of all jobs that the server does not have, and whether this browser keeps them. */
export function unsent(): Pick<Saving, 'waiting' | 'isKept'> {
  const edits = [...works.values()].flatMap((work) => work.edits);
  return { waiting: edits.length, isKept: edits.every(({ isKept }) => isKept) };
}

/** Whether closing the page would lose an edit. */
export function isUnsaved(): boolean {
  return !unsent().isKept;
}

export function isOpen({ jobId }: MaskWork): boolean {
  return getState().open?.job.job_id === jobId;
}

/** Tells the page that the mask changed, and how many edits wait. A new wrapper, the same voxels. */
export function showWork(work: MaskWork): void {
  if (!isOpen(work)) return;
  patchOpen(({ mask: before, shown, job }) => {
    const mask = work.mask === null ? null : { ...work.mask };
    const isPartial = shown !== before && job.task?.kind === 'propagate';
    return isPartial ? { mask } : { mask, shown: mask };
  });
  tellWaiting(work, getState().saving.isStuck && work.edits.length > 0);
}

export function tellWaiting({ jobId, edits, isPaused }: MaskWork, isStuck: boolean): void {
  if (getState().open?.job.job_id !== jobId) return;
  const isKept = edits.every((it) => it.isKept);
  setState({ saving: { waiting: edits.length, isStuck, isKept, isPaused: isPaused && edits.length > 0 } });
}

/** A mask of nothing, for the first stroke. */
export function ensureMask(work: MaskWork): Labelmap {
  work.mask ??= { shape: work.shape, voxels: new Uint8Array(work.shape[0] * work.shape[1] * work.shape[2]) };
  return work.mask;
}

export function authorOf(revisions: readonly Revision[], head: string | null): string {
  const author = revisions.find((it) => it.revision_id === head)?.author;
  if (author === undefined) return '';
  return author.by === 'person' ? author.name : author.engine.name;
}

let lastPlace = 0;

/** Rises with every edit, from one load of the page to the next as well. */
function nextPlace(): number {
  lastPlace = Math.max(Date.now(), lastPlace + 1);
  return lastPlace;
}

function recordOf({ jobId, head }: MaskWork, { id, place, by, change, what }: Edit): outbox.KeptEdit {
  return { id, jobId, tab: TAB, place, by, head, change, what };
}

/** Keeps edits in this browser as they are now. */
export function keepEdits(work: MaskWork, edits: readonly Edit[]): void {
  beHere();
  const kept = outbox.keep(edits.map((edit) => recordOf(work, edit)));
  for (const edit of edits) {
    edit.kept = kept.then((isKept) => {
      edit.isKept = isKept;
      return isKept;
    });
  }
  void kept.then(() => {
    if (edits.some((edit) => work.edits.includes(edit))) tellWaiting(work, getState().saving.isStuck);
  });
}

/** An edit that was made just now, last in the queue. */
export function queueEdit(work: MaskWork, what: outbox.EditKind, change: Change = NO_CHANGE, isHeld = false): Edit {
  const edit: Edit = {
    id: randomId(),
    place: nextPlace(),
    by: signer(),
    what,
    change,
    sentOn: undefined,
    kept: Promise.resolve(false),
    isKept: false,
    isHeld,
    isLate: false,
  };
  work.edits.push(edit);
  keepEdits(work, [edit]);
  showWork(work);
  return edit;
}

/** An edit that another load of the page has left behind. */
export function foundEdit({ id, place, by, what, change, sent }: outbox.FoundEdit): Edit {
  const sentOn = sent === null ? undefined : sent.parent;
  return { id, place, by, what, change, sentOn, kept: Promise.resolve(true), isKept: true, isHeld: false, isLate: true };
}

/** Takes edits out of the queue that need not be sent any more. */
export function letGo(work: MaskWork, gone: readonly Edit[]): void {
  work.edits = work.edits.filter((it) => !gone.includes(it));
  void outbox.drop(gone.map(({ id }) => id));
}

const deleted = new Set<string>();

/** Whether the job was deleted. */
export function isForgotten({ jobId }: MaskWork): boolean {
  return deleted.has(jobId);
}

/** Lets go of the edits of a job that was deleted. */
export function forget(jobId: string): void {
  deleted.add(jobId);
  works.delete(jobId);
  void outbox.dropJob(jobId);
}
