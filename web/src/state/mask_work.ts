// The mask of a job as it is edited here: changed in place at once, sent edit by edit in order, and kept in step with
// what others do to it. Calls that read or move the server's mask take turns, so that none sees another half done.
import i18next from 'i18next';
import * as api from '../api/client';
import { ApiError } from '../api/http';
import type { ConfirmedSlice, Revision } from '../api/types';
import type { Vec3 } from '../core/axes';
import { axisIndex } from '../core/axes';
import { NO_CHANGE, type Change } from '../core/edit/change';
import { differenceOf } from '../core/edit/history';
import { boxShape, boxToBase64, readBox, voxelBox, wholeBox, type VoxelBox } from '../core/edit/voxel_box';
import { boxAfter, giveWay, takeOut, takeOver, type Clash } from '../core/edit/waiting';
import { emptyPrompt, withPrompt } from '../core/prompts';
import { decodeRle, type Labelmap } from '../core/rle';
import { notifyError } from './notices';
import { getState, patchOpen, setState } from './store';

export interface Edit {
  /** Replaced where the others' voxels win; its labels before follow what others do. */
  change: Change;
  readonly action: api.EditAction;
  readonly confirmed: readonly ConfirmedSlice[];
  /** Whether it was on its way to the server already: the answer may have been lost. */
  isSent: boolean;
}

export interface MaskWork {
  readonly jobId: string;
  readonly shape: Vec3;
  /** The server's revision beneath the edits that wait. */
  head: string | null;
  /** Null while there is no mask at all. */
  mask: Labelmap | null;
  edits: Edit[];
}

const RETRY_MS = 2000;

/** Jobs with a mask here: the open one, and ones that were closed before all was sent. */
const works = new Map<string, MaskWork>();
/** Revisions that were made here; their events tell nothing new. */
const own = new Set<string>();

let turns: Promise<unknown> = Promise.resolve();
let retry: ReturnType<typeof setTimeout> | null = null;

/** Runs a call after all earlier ones. */
export function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const result = turns.then(call);
  turns = result.catch(() => undefined);
  return result;
}

let drawing: { readonly done: Promise<void>; readonly end: () => void } | null = null;

/** A stroke begins: until it ends, nobody else changes the mask beneath it. */
export function beginDrawing(): void {
  let end = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  drawing = { done, end };
}

export function endDrawing(): void {
  drawing?.end();
  drawing = null;
}

async function drawn(): Promise<void> {
  while (drawing !== null) await drawing.done;
}

/** The work on a job's mask; made where there is none. */
export function workOf(jobId: string, shape: Vec3): MaskWork {
  let work = works.get(jobId);
  if (work === undefined) {
    work = { jobId, shape, head: null, mask: null, edits: [] };
    works.set(jobId, work);
  }
  return work;
}

export function isWaiting({ edits }: MaskWork): boolean {
  return edits.length > 0;
}

export function isUnsaved(): boolean {
  return [...works.values()].some(({ edits }) => edits.length > 0);
}

/** Lets go of the mask of a job that is closed, once all is sent. */
export function closeMask(jobId: string): void {
  void inTurn(async () => {
    if (works.get(jobId)?.edits.length === 0 && getState().open?.job.job_id !== jobId) works.delete(jobId);
    await Promise.resolve();
  });
}

function isOpen({ jobId }: MaskWork): boolean {
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

function tellWaiting(work: MaskWork, isStuck: boolean): void {
  if (isOpen(work)) setState({ saving: { waiting: work.edits.length, isStuck } });
}

function isMasked({ mask }: MaskWork): boolean {
  return mask !== null;
}

/** A mask of nothing, for the first stroke. */
export function ensureMask(work: MaskWork): Labelmap {
  work.mask ??= { shape: work.shape, voxels: new Uint8Array(work.shape[0] * work.shape[1] * work.shape[2]) };
  return work.mask;
}

/** Takes note of a revision that now is the head. */
function noteHead(work: MaskWork, revision: Revision): void {
  if (!isOpen(work)) return;
  patchOpen(({ job, revisions }) => {
    // What was vouched for here stands already, with the marks that the slice had.
    const isForeign = revision.author.by === 'person' && !own.has(revision.revision_id);
    let { prompts } = job;
    for (const { axis, slice_index: sliceIndex, label, mask, absent } of isForeign ? revision.prompts : []) {
      const key = { axis: axisIndex(axis), sliceIndex, label: label ?? 1 };
      prompts = withPrompt(prompts, key, { ...emptyPrompt(key), ...(mask === true ? { mask } : {}), ...(absent === true ? { absent } : {}) });
    }
    const others = revisions.filter((it) => it.revision_id !== revision.revision_id);
    return {
      job: { ...job, prompts, head: revision.revision_id, head_revision: revision, redo: null },
      revisions: [revision, ...others],
    };
  });
}

async function partOf(work: MaskWork, head: string | null, box: VoxelBox, isWhole: boolean): Promise<Labelmap> {
  const bytes = head === null ? null : await api.getMask(work.jobId, head, isWhole ? null : box);
  if (bytes !== null) return readBox(bytes, box);
  const shape = boxShape(box);
  return { shape, voxels: new Uint8Array(shape[0] * shape[1] * shape[2]) };
}

/** Asks whose voxels stay; a job that is not looked at keeps its own: theirs stay in the history. */
function askWhose(work: MaskWork, clash: Clash, by: string): Promise<'mine' | 'theirs'> {
  if (!isOpen(work)) return Promise.resolve('mine');
  return new Promise((resolve) => {
    const answer = (whose: 'mine' | 'theirs'): void => {
      setState({ clash: null });
      resolve(whose);
    };
    setState({ clash: { jobId: work.jobId, voxels: clash.offsets.length, by, answer } });
  });
}

/** Brings the mask to a state of the server's; edits that wait stay on top. */
export async function reach(work: MaskWork, head: string | null, revisions: readonly Revision[], onClash: 'ask' | 'mine'): Promise<void> {
  if (work.head === head) return;
  if (work.mask === null && work.edits.length === 0) {
    const bytes = head === null ? null : await api.getMask(work.jobId, head, null);
    await drawn();
    if (!isMasked(work)) {
      work.mask = bytes === null ? null : decodeRle(bytes);
      work.head = head;
      showWork(work);
      return;
    }
  }
  const difference = work.mask === null ? 'all' : differenceOf(revisions, work.head, head);
  if (difference !== null) {
    const isWhole = difference === 'all';
    const box = isWhole ? wholeBox(work.shape) : difference;
    const part = await partOf(work, head, box, isWhole);
    await drawn();
    const mask = ensureMask(work);
    const clash = takeOver(mask, box, part, work.edits.map(({ change }) => change));
    work.head = head;
    showWork(work);
    if (clash.offsets.length > 0 && onClash === 'ask') await settleClash(work, mask, clash, authorOf(revisions, head));
  }
  work.head = head;
}

async function settleClash(work: MaskWork, mask: Labelmap, clash: Clash, by: string): Promise<void> {
  // Strokes made while the question stands are not among the edits that it is about.
  const asked = work.edits.length;
  if ((await askWhose(work, clash, by)) === 'mine') return;
  await drawn();
  const later = work.edits.slice(asked).map(({ change }) => change);
  const painted = new Set(later.flatMap(({ offsets }) => [...offsets]));
  const kept = clash.offsets.map((_, at) => at).filter((at) => !painted.has(clash.offsets[at] ?? -1));
  const lost = { offsets: kept.map((at) => clash.offsets[at] ?? 0), theirs: kept.map((at) => clash.theirs[at] ?? 0) };
  const changes = giveWay(mask, lost, work.edits.map(({ change }) => change));
  work.edits.forEach((edit, at) => {
    edit.change = changes[at] ?? NO_CHANGE;
  });
  work.edits = work.edits.filter(({ change, confirmed }) => change.offsets.length > 0 || confirmed.length > 0);
  showWork(work);
}

function authorOf(revisions: readonly Revision[], head: string | null): string {
  const author = revisions.find((it) => it.revision_id === head)?.author;
  if (author === undefined) return '';
  return author.by === 'person' ? author.name : author.engine.name;
}

/** An edit whose answer was lost stands in the history already. */
function dropArrived(work: MaskWork, revisions: readonly Revision[]): void {
  const [edit] = work.edits;
  if (edit?.isSent !== true) return;
  const mine = revisions.find(
    ({ parent, action, author, changed }) =>
      (parent ?? null) === work.head &&
      author.by === 'person' &&
      action === edit.action &&
      JSON.stringify(voxelBox(changed)) === JSON.stringify(edit.change.box),
  );
  if (mine === undefined) return;
  own.add(mine.revision_id);
  work.edits.shift();
  work.head = mine.revision_id;
}

/** Brings the mask to what the server has now. */
export async function catchUp(work: MaskWork): Promise<void> {
  const editsBefore = getState().open?.edits ?? 0;
  const [job, revisions] = await Promise.all([api.getJob(work.jobId), api.listRevisions(work.jobId)]);
  const { head = null, head_revision: headRevision = null, redo = null, status, review } = job;
  dropArrived(work, revisions);
  if (isOpen(work)) {
    patchOpen((open) => ({
      job: { ...open.job, head, head_revision: headRevision, redo, status, review, prompts: open.edits === editsBefore ? job.prompts : open.job.prompts },
      revisions,
    }));
  }
  await reach(work, head, revisions, 'ask');
}

/** Follows a revision that the stream told of. */
export function followRevision(work: MaskWork, revision: Revision): Promise<void> {
  return inTurn(async () => {
    if (own.has(revision.revision_id) || work.head === revision.revision_id) return;
    if ((revision.parent ?? null) !== work.head) {
      await catchUp(work);
      return;
    }
    noteHead(work, revision);
    await reach(work, revision.revision_id, [revision, ...(getState().open?.revisions ?? [])], 'ask');
  });
}

/** Takes a revision that the server made of the head on our word. */
export async function takeRevision(work: MaskWork, revision: Revision): Promise<void> {
  noteHead(work, revision);
  await reach(work, revision.revision_id, [revision, ...(getState().open?.revisions ?? [])], 'mine');
}

/** Follows a head that was moved elsewhere. */
export function followHead(work: MaskWork, head: string | null): Promise<void> {
  return inTurn(async () => {
    if (head !== work.head) await catchUp(work);
  });
}

function isPassing({ status }: ApiError): boolean {
  return status === 0 || status === 401 || status === 429 || status >= 500;
}

/** Sends the first edit that waits; false where it has to wait on. */
async function sendFirst(work: MaskWork): Promise<boolean> {
  await drawn();
  const [edit, ...later] = work.edits;
  const { mask } = work;
  if (edit === undefined || mask === null) return false;
  const box = edit.change.box ?? ([[0, 0, 0], [0, 0, 0]] as const);
  const part = boxAfter(mask, box, later.map(({ change }) => change));
  const { action, confirmed } = edit;
  const body = { parent: work.head, box, rle_base64: boxToBase64(part), action, confirmed };
  edit.isSent = true;
  try {
    const revision = await api.postEdit(work.jobId, body);
    own.add(revision.revision_id);
    work.edits.shift();
    work.head = revision.revision_id;
    noteHead(work, revision);
    tellWaiting(work, false);
    return true;
  } catch (cause) {
    if (!(cause instanceof ApiError) || isPassing(cause)) throw cause;
    if (cause.code === 'not_head') await catchUp(work);
    else await refuse(work, edit, cause);
    return true;
  }
}

/** The server does not take an edit: it goes from the page as well, and the person is told. */
async function refuse(work: MaskWork, edit: Edit, cause: ApiError): Promise<void> {
  await drawn();
  const at = work.edits.indexOf(edit);
  if (work.mask !== null) takeOut(work.mask, edit.change, work.edits.slice(at + 1).map(({ change }) => change));
  work.edits = work.edits.filter((it) => it !== edit);
  notifyError(cause, i18next.t('edit.refused'));
  showWork(work);
  // What it vouched for does not hold either.
  await catchUp(work);
}

/** Sends what waits, one edit after the other; what cannot be sent now is tried again. */
async function sendAll(work: MaskWork): Promise<void> {
  try {
    while (work.edits.length > 0) if (!(await sendFirst(work))) return;
    if (!isOpen(work)) closeMask(work.jobId);
  } catch (cause) {
    tellWaiting(work, true);
    if (!(cause instanceof ApiError) || cause.status >= 0) notifyOnce(cause);
    retry ??= setTimeout(sendAgain, RETRY_MS);
  }
}

let toldOf = '';

/** A server that is away is told by the banner; anything else once. */
function notifyOnce(cause: unknown): void {
  const words = cause instanceof Error ? cause.message : String(cause);
  if (words === '' || words === toldOf) return;
  toldOf = words;
  notifyError(cause, i18next.t('edit.notSaved'));
}

/** Tries again to send what waits, in all jobs. */
export function sendAgain(): void {
  if (retry !== null) clearTimeout(retry);
  retry = null;
  for (const work of works.values()) if (work.edits.length > 0) void inTurn(() => sendAll(work));
}

/** An edit that was made on the mask goes to the server. */
export function addEdit(work: MaskWork, edit: Omit<Edit, 'isSent'>): void {
  work.edits.push({ ...edit, isSent: false });
  showWork(work);
  void inTurn(() => sendAll(work));
}

/** Resolves when every edit of the mask was sent, or cannot be now. */
export function maskSaved(): Promise<unknown> {
  return inTurn(() => Promise.resolve());
}
