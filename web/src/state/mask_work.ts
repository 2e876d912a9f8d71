// The mask of a job as it is edited here: changed in place at once, sent edit by edit in order, and kept in step with
// what others do to it. Calls that read or move the server's mask take turns, so that none sees another half done.
import i18next from 'i18next';
import * as api from '../api/client';
import { ApiError } from '../api/http';
import type { ConfirmedSlice, Revision, SlicePrompt } from '../api/types';
import { axisIndex } from '../core/axes';
import { NO_CHANGE, type Change } from '../core/edit/change';
import { differenceOf } from '../core/edit/history';
import { boxShape, boxToBase64, readBox, voxelBox, wholeBox, type VoxelBox } from '../core/edit/voxel_box';
import { boxAfter, giveWay, layOn, takeOut, takeOver, type Clash } from '../core/edit/waiting';
import { emptyPrompt, isAt, keyOf, promptAt, sameMarks, withPrompt } from '../core/prompts';
import { decodeRle, type Labelmap } from '../core/rle';
import { notifyError } from './notices';
import * as outbox from './outbox';
import { askRefused, askWhose } from './questions';
import { getState, patchJob, patchOpen } from './store';
import { TAB } from './tabs';
import { drawn, inTurn } from './turns';
import { authorOf, ensureMask, isForgotten, isOpen, isWaiting, keepEdits, letGo, own, queueEdit, showWork, tellWaiting, works, type Edit, type MaskWork } from './works';

const RETRY_MS = 2000;

interface VoxelEdit {
  readonly change: Change;
  readonly action: api.EditAction;
  readonly confirmed: readonly ConfirmedSlice[];
}

let retry: ReturnType<typeof setTimeout> | null = null;
/** The last failure that was told; none since all was sent. */
let toldOf = '';

/** Lets go of the mask of a job that is closed, once all is sent. */
export function closeMask(jobId: string): void {
  void inTurn(async () => {
    if (works.get(jobId)?.edits.length === 0 && getState().open?.job.job_id !== jobId) works.delete(jobId);
    await Promise.resolve();
  });
}

function isMasked({ mask }: MaskWork): boolean {
  return mask !== null;
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
    keepAgain(work);
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
  letGo(work, work.edits.filter(({ change, what }) => what.kind === 'voxels' && change.offsets.length === 0 && what.confirmed.length === 0));
  showWork(work);
}

/** Edits lie on what others did: they are kept as they lie there. */
function keepAgain(work: MaskWork): void {
  if (work.edits.length > 0) keepEdits(work, work.edits);
}

/** The revision that an edit has become, where its answer was lost. */
function revisionOf({ what, change, sentOn }: Edit, revisions: readonly Revision[]): Revision | undefined {
  if (sentOn === undefined || what.kind !== 'voxels') return undefined;
  return revisions.find(
    ({ parent, action, author, changed }) =>
      (parent ?? null) === sentOn &&
      author.by === 'person' &&
      action === what.action &&
      JSON.stringify(voxelBox(changed)) === JSON.stringify(change.box),
  );
}

/** An edit whose answer was lost stands in the history already. */
function dropArrived(work: MaskWork, revisions: readonly Revision[]): void {
  const [edit] = work.edits;
  const mine = edit === undefined ? undefined : revisionOf(edit, revisions);
  if (edit === undefined || mine === undefined || (mine.parent ?? null) !== work.head) return;
  own.add(mine.revision_id);
  letGo(work, [edit]);
  work.head = mine.revision_id;
}

/** Lays edits that another load of the page left behind on the mask; gives those that the server lacks. */
export async function takeUp(work: MaskWork, found: readonly Edit[], revisions: readonly Revision[]): Promise<readonly Edit[]> {
  await drawn();
  const arrived = found.filter((edit) => revisionOf(edit, revisions) !== undefined);
  letGo(work, arrived);
  const lacking = found.filter((edit) => !arrived.includes(edit));
  if (lacking.length === 0) return [];
  const clash = layOn(ensureMask(work), lacking.map(({ change }) => change));
  work.edits.push(...lacking);
  showPrompts(work);
  showWork(work);
  if (clash.offsets.length > 0) await settleClash(work, ensureMask(work), clash, authorOf(revisions, work.head));
  keepAgain(work);
  return lacking;
}

/** Shows the prompts that wait on top of those that the server has. */
export function showPrompts(work: MaskWork): void {
  if (!isOpen(work)) return;
  let { prompts } = getState().open?.job ?? { prompts: [] };
  for (const { what } of work.edits) {
    if (what.kind === 'prompt') prompts = withPrompt(prompts, keyOf(what.prompt), what.prompt);
    else {
      for (const { axis, slice_index: sliceIndex, label, absent } of what.confirmed) {
        const key = { axis: axisIndex(axis), sliceIndex, label };
        const { absent: _absent, ...marks } = promptAt(prompts, key) ?? emptyPrompt(key);
        prompts = withPrompt(prompts, key, absent === true ? { ...emptyPrompt(key), absent } : { ...marks, mask: true });
      }
    }
  }
  patchJob({ prompts });
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
    if (getState().open?.edits === editsBefore) showPrompts(work);
  }
  await reach(work, head, revisions, 'ask');
}

/** Follows a revision that the stream told of. */
export function followRevision(work: MaskWork, revision: Revision): Promise<void> {
  return inTurn(async () => {
    if (own.has(revision.revision_id) || work.head === revision.revision_id) return;
    dropArrived(work, [revision]);
    if (work.head === revision.revision_id) {
      noteHead(work, revision);
      showWork(work);
      return;
    }
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

/** Sends the voxels of the first edit that waits. */
async function sendVoxels(work: MaskWork, edit: Edit, what: outbox.EditKind & { kind: 'voxels' }): Promise<void> {
  await drawn();
  const later = work.edits.slice(work.edits.indexOf(edit) + 1).map(({ change }) => change);
  const box = edit.change.box ?? ([[0, 0, 0], [0, 0, 0]] as const);
  const part = boxAfter(ensureMask(work), box, later);
  const body = { parent: work.head, box, rle_base64: boxToBase64(part), action: what.action, confirmed: what.confirmed };
  const revision = await api.postEdit(work.jobId, body, edit.by);
  own.add(revision.revision_id);
  letGo(work, [edit]);
  work.head = revision.revision_id;
  noteHead(work, revision);
}

/** Sends a prompt that was changed. What others marked there meanwhile appears. */
async function sendPrompt(work: MaskWork, edit: Edit, { before, prompt }: outbox.EditKind & { kind: 'prompt' }, wasSent: boolean): Promise<void> {
  const key = keyOf(prompt);
  const stored = wasSent ? promptAt((await api.getJob(work.jobId)).prompts, key) : null;
  // Twice is not once: points would be there two times.
  const hasArrived = wasSent && sameMarks(stored ?? emptyPrompt(key), prompt);
  const marked = hasArrived ? prompt : await api.changePrompt(work.jobId, before, prompt, edit.by);
  letGo(work, [edit]);
  const isLast = !work.edits.some(({ what }) => what.kind === 'prompt' && isAt(what.prompt, key));
  const shown = getState().open?.job.prompts ?? [];
  if (isLast && isOpen(work) && sameMarks(promptAt(shown, key) ?? emptyPrompt(key), prompt)) patchJob({ prompts: withPrompt(shown, key, marked) });
}

/** Sends the first edit that waits; false where it has to wait on. */
async function sendFirst(work: MaskWork): Promise<boolean> {
  const [edit] = work.edits;
  if (edit === undefined || edit.isHeld || work.isPaused || isForgotten(work)) return false;
  const wasSent = edit.sentOn !== undefined;
  if ((await edit.kept) && !(await outbox.markSent(edit.id, TAB, work.head))) {
    await leaveTo(work, edit);
    return true;
  }
  edit.sentOn = work.head;
  try {
    if (edit.what.kind === 'voxels') await sendVoxels(work, edit, edit.what);
    else await sendPrompt(work, edit, edit.what, wasSent);
    tellWaiting(work, false);
    return true;
  } catch (cause) {
    if (!(cause instanceof ApiError) || isPassing(cause)) throw cause;
    if (cause.code === 'not_head') await catchUp(work);
    else await refuse(work, edit, cause);
    return true;
  }
}

/** Takes an edit out of the mask, from under later ones. */
async function takeAway(work: MaskWork, edit: Edit): Promise<void> {
  await drawn();
  const at = work.edits.indexOf(edit);
  if (work.mask !== null) takeOut(work.mask, edit.change, work.edits.slice(at + 1).map(({ change }) => change));
}

/** Another page of this browser sends the edit: this one slept and was taken for closed. */
async function leaveTo(work: MaskWork, edit: Edit): Promise<void> {
  await takeAway(work, edit);
  work.edits = work.edits.filter((it) => it !== edit);
  showWork(work);
  await catchUp(work);
}

/** The server does not take an edit: it goes from the page as well, and the person is told; asked where it was made long ago. */
async function refuse(work: MaskWork, edit: Edit, cause: ApiError): Promise<void> {
  if (edit.isLate && (await askRefused(work, cause)) === 'keep') {
    work.isPaused = true;
    tellWaiting(work, false);
    return;
  }
  if (edit.what.kind === 'prompt' && !edit.isLate) {
    letGo(work, [edit]);
    notifyError(cause);
    tellWaiting(work, false);
    return;
  }
  await takeAway(work, edit);
  letGo(work, [edit]);
  if (!edit.isLate) notifyError(cause, i18next.t('edit.refused'));
  showWork(work);
  // What it vouched for does not hold either.
  await catchUp(work);
}

/** Sends what waits, one edit after the other; what cannot be sent now is tried again. */
async function sendAll(work: MaskWork): Promise<void> {
  try {
    while (work.edits.length > 0) if (!(await sendFirst(work))) return;
    toldOf = '';
    if (!isOpen(work)) closeMask(work.jobId);
  } catch (cause) {
    // Its job was deleted meanwhile.
    if (isForgotten(work)) return;
    for (const edit of work.edits) edit.isLate = true;
    tellWaiting(work, true);
    if (!(cause instanceof ApiError) || cause.status >= 0) notifyOnce(cause);
    retry ??= setTimeout(sendWaiting, RETRY_MS);
  }
}

/** A server that is away is told by the banner; anything else once. */
function notifyOnce(cause: unknown): void {
  const words = cause instanceof Error ? cause.message : String(cause);
  if (words === '' || words === toldOf) return;
  toldOf = words;
  notifyError(cause, i18next.t('edit.notSaved'));
}

function sendWaiting(): void {
  if (retry !== null) clearTimeout(retry);
  const waiting = [...works.values()].filter(isWaiting);
  // An answer of before would sign out again who has just signed in.
  const isSignedOut = getState().session?.signed_in === false;
  retry = isSignedOut && waiting.length > 0 ? setTimeout(sendWaiting, RETRY_MS) : null;
  if (!isSignedOut) for (const work of waiting) void inTurn(() => sendAll(work));
}

/** Tries again to send what waits, in all jobs, also what was refused. */
export function sendAgain(): void {
  for (const work of works.values()) work.isPaused = false;
  sendWaiting();
}

/** An edit that was made on the mask goes to the server. */
export function addEdit(work: MaskWork, { change, action, confirmed }: VoxelEdit): void {
  work.isPaused = false;
  queueEdit(work, { kind: 'voxels', action, confirmed }, change);
  void inTurn(() => sendAll(work));
}

/** A prompt that was changed goes to the server, once the returned function is called where it is held. */
export function addPrompt(work: MaskWork, before: SlicePrompt, prompt: SlicePrompt, isHeld = false): () => void {
  const edit = queueEdit(work, { kind: 'prompt', before, prompt }, NO_CHANGE, isHeld);
  const send = (): void => {
    edit.isHeld = false;
    void inTurn(() => sendAll(work));
  };
  if (!isHeld) send();
  return send;
}

/** Resolves when every edit of the mask was sent, or cannot be now. */
export function maskSaved(): Promise<unknown> {
  return inTurn(() => Promise.resolve());
}
