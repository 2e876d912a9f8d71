// Edits by hand: what may be edited now, strokes and areas of a slice, copying and clearing; each becomes one step of
// the history.
import i18next from 'i18next';
import type { EditAction } from '../api/client';
import type { ConfirmedSlice } from '../api/types';
import type { AxisIndex } from '../core/axes';
import { PLANE_AXES, rasFromStored, storedFromRas } from '../core/axes';
import { censusOf } from '../core/edit/census';
import { Recorder, revert } from '../core/edit/change';
import { hindranceOf, type Met } from '../core/edit/hindrance';
import { eachRow } from '../core/edit/voxel_box';
import { Pencil, type PencilRules } from '../core/edit/pencil';
import { slicePlane, type SlicePlane } from '../core/edit/plane';
import { areaOf, spansOf } from '../core/edit/regions';
import { erasable, paintable, type Writable } from '../core/edit/rules';
import { clampRas, sliceOfPlane } from '../core/grid';
import { emptyPrompt, isEmpty, promptAt, withPrompt, type PromptKey } from '../core/prompts';
import { refuseReadOnly } from './accepted';
import { tellHindered } from './hindered';
import { tellPainted } from './live';
import { addEdit, addPrompt } from './mask_work';
import { notifyPlain } from './notices';
import { getState, patchOpen, type OpenJob } from './store';
import { beginDrawing, endDrawing } from './turns';
import { activeSlice } from './view';
import { ensureMask, showWork, workOf, type MaskWork } from './works';

/** An edit while it is made: a recorder on the mask's voxels, and the slice it is made on. */
export interface Drawing {
  readonly open: OpenJob;
  readonly plane: SlicePlane;
  readonly record: Recorder;
  readonly work: MaskWork;
}

function lockedLabels({ job }: OpenJob): ReadonlySet<number> {
  return new Set(job.labels.filter(({ locked }) => locked === true).map(({ value }) => value));
}

/** Why nothing can be edited now; null where it can. */
function hindrance(open: OpenJob): string | null {
  const { job, mask } = open;
  if (job.task?.kind === 'propagate') return i18next.t('edit.busy');
  if ((job.head ?? null) !== null && mask === null) return i18next.t('edit.loading');
  return null;
}

/** Begins an edit of a slice; null, and the reason is told, where nothing can be edited. */
export function startDrawing(axis: AxisIndex, sliceIndex: number): Drawing | null {
  if (refuseReadOnly()) return null;
  const open = getState().open;
  const why = open === null ? null : hindrance(open);
  if (why !== null) notifyPlain(why);
  if (open === null || why !== null) return null;
  const work = workOf(open.job.job_id, open.grid.shape);
  const record = new Recorder(ensureMask(work));
  if (open.mask === null) showWork(work);
  // Nobody draws on what is not to be seen.
  if (open.masksHidden) patchOpen({ masksHidden: false });
  beginDrawing();
  return { open, plane: slicePlane(open.grid, axis, sliceIndex), record, work };
}

/** What painting with the chosen object may change. */
export function paintRule({ open }: Drawing): PencilRules {
  return { label: open.label, writable: paintable(open.label, getState().editTools.over, lockedLabels(open)) };
}

export function eraseRule({ open }: Drawing): PencilRules {
  return { label: 0, writable: erasable(open.label, getState().editTools.eraseFrom, lockedLabels(open)) };
}

/** Says that the chosen object is locked, where that is why nothing changes. */
export function tellLocked({ open }: Drawing, { label }: PencilRules): void {
  const isHindered = label !== 0 || getState().editTools.eraseFrom === 'active';
  if (isHindered && lockedLabels(open).has(open.label)) notifyPlain(i18next.t('edit.locked'));
}

/** Says at the tool why a stroke changed nothing; takes back what was said of the one before. */
export function tellStroke({ open }: Drawing, { label }: PencilRules, met: Met | null): void {
  tellHindered(met === null ? null : hindranceOf(met, open.label, lockedLabels(open), label === 0));
}

/** Tells the viewers what a pencil has changed since they last heard. */
export function tellTouched(pencil: Pencil): void {
  const rect = pencil.takeTouched();
  if (rect !== null) tellPainted({ slice: pencil.plane, rect });
}

/** Slices that the person vouches for by having drawn on them: those that hold the object afterwards. */
function vouched({ open, plane, record }: Drawing): ConfirmedSlice[] {
  if (censusOf(record.mask).onSlice(plane.axis, plane.sliceIndex, open.label) === 0) return [];
  return [{ axis: plane.axis, slice_index: plane.sliceIndex, label: open.label }];
}

/** Ends an edit: it is queued for the server, unless it changed nothing. False then. */
export function finishDrawing(drawing: Drawing, action: EditAction, vouches = true): boolean {
  const { record, work } = drawing;
  const change = record.finish();
  endDrawing();
  if (change.offsets.length === 0) return false;
  const confirmed = vouches ? vouched(drawing) : [];
  addEdit(work, { change, action, confirmed });
  if (confirmed.length > 0) keepMarks({ axis: drawing.plane.axis, sliceIndex: drawing.plane.sliceIndex, label: drawing.open.label });
  return true;
}

/** A revision that vouches for a slice takes the place of its prompt; what was marked there stays beside it. */
function keepMarks(key: PromptKey): void {
  const open = getState().open;
  if (open === null) return;
  const before = promptAt(open.job.prompts, key);
  const { absent: _absent, mask: _mask, ...marks } = before ?? emptyPrompt(key);
  const prompt = { ...marks, mask: true };
  if (before?.mask !== true) patchOpen(({ job, edits }) => ({ job: { ...job, prompts: withPrompt(job.prompts, key, prompt) }, edits: edits + 1 }));
  const hasMarks = !isEmpty(marks);
  if (hasMarks) addPrompt(workOf(open.job.job_id, open.grid.shape), { ...emptyPrompt(key), mask: true }, prompt);
}

/** Takes an edit back that was not finished: a second finger came down. */
export function dropDrawing({ record, work, plane }: Drawing): void {
  const change = record.finish();
  revert(record.mask.voxels, change);
  censusOf(record.mask).follow(change, true);
  endDrawing();
  tellPainted({ slice: plane, rect: [0, 0, plane.size[0] - 1, plane.size[1] - 1] });
  showWork(work);
}

/** An area of a slice as one edit. */
export function editArea(drawing: Drawing, inside: Uint8Array, rules: PencilRules, action: EditAction): boolean {
  tellLocked(drawing, rules);
  const pencil = new Pencil(drawing.record, drawing.plane, rules);
  pencil.spans(spansOf(inside, drawing.plane.size[0]));
  tellTouched(pencil);
  return finishDrawing(drawing, action);
}

function nothingOf(table: Writable): Writable {
  return table.fill(0);
}

/** The active object's mask of the shown slice, in place of what it has on the slice next to it; that slice is shown. */
export function copySlice(direction: 1 | -1): void {
  const before = getState().open;
  if (before === null) return;
  const { grid, plane: shown, cursor, label } = before;
  const { axis, sliceIndex } = activeSlice(before);
  const ras: [number, number, number] = [...cursor];
  ras[PLANE_AXES[shown].normal] += direction;
  const target = sliceOfPlane(grid, shown, clampRas(grid, ras)).sliceIndex;
  if (target === sliceIndex) return;
  const source = slicePlane(grid, axis, sliceIndex);
  const area = before.mask === null ? null : areaOf(before.mask.voxels, source, label);
  if (area?.includes(1) !== true) {
    notifyPlain(i18next.t('edit.nothingToCopy'));
    return;
  }
  const drawing = startDrawing(axis, target);
  if (drawing === null) return;
  const width = drawing.plane.size[0];
  const paint = paintRule(drawing);
  tellLocked(drawing, paint);
  // What the object had there and the copy does not have goes.
  const old = areaOf(drawing.record.mask.voxels, drawing.plane, label).map((had, at) => (had === 1 && area[at] === 0 ? 1 : 0));
  const erase = erasable(label, 'active', lockedLabels(before));
  const eraser = new Pencil(drawing.record, drawing.plane, { label: 0, writable: paint.writable[0] === 1 ? erase : nothingOf(erase) });
  eraser.spans(spansOf(old, width));
  new Pencil(drawing.record, drawing.plane, paint).spans(spansOf(area, width));
  patchOpen({ cursor: clampRas(grid, rasAt(before, axis, target)) });
  // A copy is a beginning, not a claim that it is right there.
  finishDrawing(drawing, 'copy_slice', false);
}

function rasAt({ grid, cursor }: OpenJob, axis: AxisIndex, sliceIndex: number): ReturnType<typeof rasFromStored> {
  const stored: [number, number, number] = [...storedFromRas(grid.axes, grid.shape, cursor)];
  stored[axis] = sliceIndex;
  return rasFromStored(grid.axes, grid.shape, stored);
}

/** Takes all voxels of an object away, as one edit; false where that cannot be done. */
export function clearObject(value: number): boolean {
  const mask = getState().open?.mask ?? null;
  const extents = mask === null ? [] : ([0, 1, 2] as const).map((axis) => censusOf(mask).extent(axis, value));
  const [i, j, k] = extents;
  if (mask === null || !i || !j || !k) return true;
  const drawing = startDrawing(2, k[0]);
  if (drawing === null) return false;
  const { record, open } = drawing;
  if (lockedLabels(open).has(value)) notifyPlain(i18next.t('edit.locked'));
  else {
    eachRow(mask.shape, [[i[0], j[0], k[0]], [i[1], j[1], k[1]]], (offset, _at, length) => {
      for (let at = offset; at < offset + length; at++) if (record.labelAt(at) === value) record.set(at, 0);
    });
  }
  return finishDrawing(drawing, 'edit', false);
}

/**
 * Vouches for an object on a slice as it is, or as absent: it is emptied there. An edit even where no voxel changes.
 * False where there is no voxel to vouch for.
 */
export function vouchSlice({ axis, sliceIndex, label }: PromptKey, absent: boolean): boolean {
  const mask = getState().open?.mask ?? null;
  if (mask === null || censusOf(mask).onSlice(axis, sliceIndex, label) === 0) return false;
  const drawing = startDrawing(axis, sliceIndex);
  if (drawing === null) return false;
  const { record, plane, work, open } = drawing;
  if (absent) {
    const eraser = new Pencil(record, plane, { label: 0, writable: erasable(label, 'active', lockedLabels(open)) });
    eraser.spans(spansOf(areaOf(mask.voxels, plane, label), plane.size[0]));
  }
  const change = record.finish();
  endDrawing();
  addEdit(work, { change, action: 'confirm', confirmed: [{ axis, slice_index: sliceIndex, label, absent }] });
  return true;
}

/** Confirms what an object has on slices, as one step. False where it cannot be. */
export function vouchSlices(keys: readonly PromptKey[]): boolean {
  const [first] = keys;
  const drawing = first === undefined ? null : startDrawing(first.axis, first.sliceIndex);
  if (drawing === null) return false;
  const change = drawing.record.finish();
  endDrawing();
  const confirmed = keys.map(({ axis, sliceIndex, label }) => ({ axis, slice_index: sliceIndex, label }));
  addEdit(drawing.work, { change, action: 'confirm', confirmed });
  return true;
}

/** Takes the active object off the shown slice. */
export function clearSlice(): void {
  const open = getState().open;
  if (open === null) return;
  const { axis, sliceIndex } = activeSlice(open);
  const drawing = startDrawing(axis, sliceIndex);
  if (drawing === null) return;
  const rules = { label: 0, writable: erasable(open.label, 'active', lockedLabels(open)) };
  const inside = areaOf(drawing.record.mask.voxels, drawing.plane, open.label);
  if (!editArea(drawing, inside, rules, 'erase')) notifyPlain(i18next.t(lockedLabels(open).has(open.label) ? 'edit.locked' : 'edit.nothingHere'));
}
