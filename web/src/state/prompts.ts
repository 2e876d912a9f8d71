// What a person tells the engine: boxes, points, absent slices, objects; and the calls that run it.
import i18next from 'i18next';
import * as api from '../api/client';
import type { Combine, Direction, EngineName, EngineStatus, Scribble, SlicePrompt } from '../api/types';
import { axisIndex, sliceAxes, type AxisIndex } from '../core/axes';
import { boxBetween, clampBox, type Box, type SliceSize } from '../core/box';
import { currentEngine } from '../core/engines';
import type { Grid } from '../core/grid';
import {
  canSegment,
  emptyPrompt,
  isEmpty,
  isSameKey,
  promptAt,
  propagationAxis,
  startingSlices,
  withPrompt,
  type PromptKey,
} from '../core/prompts';
import { MAX_SCRIBBLE_RADIUS } from '../core/scribble';
import { dragOn, endDrag, isDragging } from './dragged';
import { follow, followAtOnce, segmentNow, takeBack, TYPING_MS, whenQuiet } from './follow';
import { isReadOnly, refuseReadOnly } from './accepted';
import { addPrompt, catchUp, maskSaved } from './mask_work';
import { attempt, notifyPlain } from './notices';
import { editsSaved, promptsSaved, saveInTurn } from './saving';
import { getState, patchJob, patchOpen, type OpenJob, type SliceRange } from './store';
import { inTurn } from './turns';
import { activeAxis, activeSlice } from './view';
import { workOf } from './works';

/** The prompt that edits go to. */
export function activeKey(open: OpenJob): PromptKey {
  return { ...activeSlice(open), label: open.label };
}

export function activePrompt(open: OpenJob): SlicePrompt | null {
  return promptAt(open.job.prompts, activeKey(open));
}

export function sliceSize(grid: Grid, axis: AxisIndex): SliceSize {
  const [x, y] = sliceAxes(axis);
  return [grid.shape[x], grid.shape[y]];
}

/** An edit of a prompt: what was seen, and what was made of it. */
interface Edit {
  readonly before: SlicePrompt | null;
  readonly prompt: SlicePrompt | null;
}

function saysNothing(prompt: SlicePrompt | null): boolean {
  return prompt === null || isEmpty(prompt);
}

/** Sends edits in the order they were made, and after what they wait for. */
function save({ job, grid }: OpenJob, key: PromptKey, { before, prompt }: Edit, after?: Promise<unknown>): void {
  if (saysNothing(before) && saysNothing(prompt)) return;
  const send = addPrompt(workOf(job.job_id, grid.shape), before ?? emptyPrompt(key), prompt ?? emptyPrompt(key), true);
  saveInTurn(async () => {
    try {
      await after;
    } finally {
      send();
    }
    await maskSaved();
  });
}

/** Whether prompts are being changed here: what the server says of them is older. */
export function isMarking(): boolean {
  return isDragging() || !promptsSaved() || getState().saving.waiting > 0;
}

/** How far an edit is: a drag that goes on, a number that may get more digits, or done. */
export type Phase = 'going on' | 'typing' | 'done';

/** Changes one prompt on the page, and on the server unless the edit goes on; the mask follows. */
function edit(key: PromptKey, change: (prompt: SlicePrompt) => SlicePrompt | null, phase: Phase = 'done'): void {
  const open = getState().open;
  if (open === null || (phase !== 'going on' && refuseReadOnly())) return;
  const before = promptAt(open.job.prompts, key);
  const next = change(before ?? emptyPrompt(key));
  patchJob({ prompts: withPrompt(open.job.prompts, key, next) });
  patchOpen({ edits: open.edits + 1 });
  if (phase === 'going on') {
    dragOn(key, before);
    return;
  }
  const drag = endDrag();
  const untouched = drag !== null && isSameKey(drag.key, key) ? drag.before : before;
  save(open, key, { before: untouched, prompt: next });
  follow(key, untouched, phase === 'typing' ? TYPING_MS : 0);
}

/** Takes a drag away that goes on: its slice is marked as before. */
export function cancelDrag(): void {
  const open = getState().open;
  const drag = endDrag();
  if (open !== null && drag !== null) patchJob({ prompts: withPrompt(open.job.prompts, drag.key, drag.before) });
}

/** Takes the last change of a prompt back that no engine has answered, and stops its task; false where there is none. */
export function undoUnanswered(): boolean {
  const open = getState().open;
  const taken = open === null ? null : takeBack();
  if (open === null || taken === null) return false;
  const { key, prompt, told } = taken;
  patchOpen(({ job, edits }) => ({ job: { ...job, prompts: withPrompt(job.prompts, key, prompt) }, edits: edits + 1 }));
  // The call that queued the task stores the prompt as well.
  save(open, key, { before: promptAt(open.job.prompts, key), prompt }, told);
  return true;
}

function withoutAbsent(prompt: SlicePrompt): SlicePrompt {
  const { absent: _absent, ...rest } = prompt;
  return rest;
}

/** Sets the box of a slice. */
export function setBox(key: PromptKey, box: Box, phase: Phase): void {
  const grid = getState().open?.grid;
  if (grid === undefined) return;
  const clamped = clampBox(box, sliceSize(grid, key.axis));
  edit(key, (prompt) => ({ ...withoutAbsent(prompt), box: [...clamped] }), phase);
}

/** A box in the middle of the slice, to be moved or typed over. */
export function startBox(key: PromptKey): void {
  const grid = getState().open?.grid;
  if (grid === undefined) return;
  const size = sliceSize(grid, key.axis);
  setBox(key, boxBetween([size[0] * 0.375, size[1] * 0.375], [size[0] * 0.625, size[1] * 0.625], size), 'done');
}

export function removeBox(key: PromptKey): void {
  edit(key, ({ box: _box, ...rest }) => rest);
}

export function addPoint(key: PromptKey, x: number, y: number, positive: boolean): void {
  edit(key, (prompt) => ({ ...withoutAbsent(prompt), points: [...(prompt.points ?? []), { x, y, positive }] }));
}

export function removePoint(key: PromptKey, index: number): void {
  edit(key, (prompt) => ({ ...prompt, points: (prompt.points ?? []).filter((_, at) => at !== index) }));
}

/** Puts a stroke at a place in the slice's list: a new one behind the others, or the one that is being drawn. */
export function setScribble(key: PromptKey, index: number, scribble: Scribble, phase: Phase): void {
  edit(
    key,
    (prompt) => ({ ...withoutAbsent(prompt), scribbles: [...(prompt.scribbles ?? []).slice(0, index), scribble] }),
    phase,
  );
}

export function removeScribble(key: PromptKey, index: number): void {
  edit(key, (prompt) => ({ ...prompt, scribbles: (prompt.scribbles ?? []).filter((_, at) => at !== index) }));
}

export function setScribbleRadius(radius: number): void {
  patchOpen({ scribbleRadius: Math.min(Math.max(radius, 0), MAX_SCRIBBLE_RADIUS) });
}

export function removePrompt(key: PromptKey): void {
  edit(key, () => null);
}

/** Runs the engine on the active slice. */
export function segment(): void {
  const open = getState().open;
  if (open !== null) segmentNow(activeKey(open));
}

/** The axis a propagation of the active object would run along: the active plane's where it has a prompt. */
export function runAxis(open: OpenJob): AxisIndex | null {
  const own = activeAxis(open);
  if (startingSlices(open.job.prompts, open.label).some((prompt) => prompt.axis === own)) return own;
  const axis = propagationAxis(open.job.prompts, open.label);
  return axis === null ? null : axisIndex(axis);
}

/** Whether there is something to start from: a mask, or for the network marks that show the object. */
export function hasStart(open: OpenJob, engines: readonly EngineStatus[]): boolean {
  if (runAxis(open) === null) return false;
  const isNetwork = currentEngine(engines, open.engine)?.name === 'medsam2';
  return open.mask !== null || ((isNetwork || open.thinking) && startingSlices(open.job.prompts, open.label).some(canSegment));
}

export function canPropagate(open: OpenJob, engines: readonly EngineStatus[]): boolean {
  return hasStart(open, engines) && open.job.task?.kind !== 'propagate' && !open.asking && !isReadOnly(open);
}

export function rangeOf(open: OpenJob, axis: AxisIndex): SliceRange {
  return open.ranges[axis] ?? [0, open.grid.shape[axis] - 1];
}

export function setRange(axis: AxisIndex, range: SliceRange | null): void {
  patchOpen((open) => {
    const { [axis]: _old, ...others } = open.ranges;
    const isWhole = range === null || (range[0] <= 0 && range[1] >= open.grid.shape[axis] - 1);
    return { ranges: isWhole ? others : { ...others, [axis]: range } };
  });
}

export function setDirection(direction: Direction): void {
  patchOpen({ direction });
}

export function setCombine(combine: Combine): void {
  patchOpen({ combine });
}

export function setLargest(largest: boolean): void {
  patchOpen({ largest });
}

export function setEngine(engine: EngineName | null): void {
  patchOpen({ engine });
}

/** Why nothing can be propagated now, in words; null where it can. */
function hindrance(open: OpenJob): string | null {
  if (open.job.task?.kind === 'propagate') return i18next.t('edit.busy');
  return hasStart(open, getState().engines) ? null : i18next.t('propagate.needsMask');
}

/** The open job once the mask that its marks have brought is here, which may be on its way; null, and why is told, without one. */
async function withStart(): Promise<OpenJob | null> {
  const before = getState().open;
  if (before === null || before.asking || refuseReadOnly()) return null;
  if (hindrance(before) !== null && before.job.task?.kind !== 'propagate' && runAxis(before) !== null) {
    patchOpen({ asking: true });
    await attempt(() => inTurn(() => catchUp(workOf(before.job.job_id, before.grid.shape))), i18next.t('error.mask'));
    patchOpen({ asking: false });
  }
  const open = getState().open;
  const why = open === null ? null : hindrance(open);
  if (why !== null) notifyPlain(why);
  return open?.job.job_id === before.job.job_id && why === null ? open : null;
}

/** Queues the propagation of the active object. */
export async function runPropagation(): Promise<void> {
  followAtOnce();
  const open = await withStart();
  const axis = open === null ? null : runAxis(open);
  if (open === null || axis === null) return;
  const { job, direction, combine, largest, engine, label, frame } = open;
  const range = open.ranges[axis];
  patchOpen({ asking: true, failure: null });
  // The slice that is being segmented is what the propagation starts from.
  const isQuiet = await whenQuiet();
  if (isQuiet) {
    await attempt(async () => {
      await editsSaved();
      await api.propagate(job.job_id, {
        direction,
        combine,
        largest_component: largest,
        label,
        axis,
        frame,
        ...(range === undefined ? {} : { range }),
        ...(engine === null ? {} : { engine }),
      });
    }, i18next.t('error.action'));
  }
  patchOpen({ asking: false });
}

export async function stopTask(): Promise<void> {
  const task = getState().open?.job.task ?? null;
  if (task === null) return;
  await attempt(async () => {
    patchJob({ task: { ...task, cancel_requested: true } });
    await api.cancelTask(task.task_id);
  });
}
