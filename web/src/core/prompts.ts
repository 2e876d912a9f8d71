// Prompts of a job as the page handles them: find, replace, describe, decide what can run.
import type { SlicePrompt } from '../api/types';
import { axisIndex, type AxisIndex } from './axes';
import type { Box } from './box';

/** Which prompt: one object on one slice. */
export interface PromptKey {
  readonly axis: AxisIndex;
  readonly sliceIndex: number;
  readonly label: number;
}

export function isSameKey(a: PromptKey, b: PromptKey): boolean {
  return a.axis === b.axis && a.sliceIndex === b.sliceIndex && a.label === b.label;
}

export function keyOf({ axis, slice_index: sliceIndex, label }: SlicePrompt): PromptKey {
  return { axis: axisIndex(axis), sliceIndex, label: label ?? 1 };
}

export function isAt(prompt: SlicePrompt, key: PromptKey): boolean {
  return (
    prompt.axis === key.axis && prompt.slice_index === key.sliceIndex && (prompt.label ?? 1) === key.label
  );
}

export function promptAt(prompts: readonly SlicePrompt[], key: PromptKey): SlicePrompt | null {
  return prompts.find((prompt) => isAt(prompt, key)) ?? null;
}

export function emptyPrompt(key: PromptKey): SlicePrompt {
  return { axis: key.axis, slice_index: key.sliceIndex, label: key.label };
}

/** Whether nothing is said any more. */
export function isEmpty(prompt: SlicePrompt): boolean {
  return (
    boxOf(prompt) === null &&
    (prompt.points ?? []).length === 0 &&
    (prompt.scribbles ?? []).length === 0 &&
    prompt.mask !== true &&
    prompt.absent !== true
  );
}

/** Whether two prompts of one slice say the same, in whatever order their fields stand. */
export function sameMarks(a: SlicePrompt, b: SlicePrompt): boolean {
  const said = ({ box, points, scribbles, mask, absent }: SlicePrompt): string =>
    JSON.stringify([
      box ?? null,
      (points ?? []).map(({ x, y, positive }) => [x, y, positive]),
      (scribbles ?? []).map(({ path, radius, positive }) => [path, radius, positive]),
      mask === true,
      absent === true,
    ]);
  return said(a) === said(b);
}

/** The list with one prompt put in its place, or taken out where it says nothing; ordered by slice. */
export function withPrompt(prompts: readonly SlicePrompt[], key: PromptKey, prompt: SlicePrompt | null): SlicePrompt[] {
  const others = prompts.filter((it) => !isAt(it, key));
  const next = prompt === null || isEmpty(prompt) ? others : [...others, prompt];
  return next.sort((a, b) => a.axis - b.axis || a.slice_index - b.slice_index || (a.label ?? 1) - (b.label ?? 1));
}

export function boxOf(prompt: SlicePrompt | null): Box | null {
  const [x1, y1, x2, y2] = prompt?.box ?? [];
  if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined) return null;
  return [x1, y1, x2, y2];
}

/** Whether an engine has enough to find the object: a box, or a point or stroke inside it. */
export function canSegment(prompt: SlicePrompt | null): boolean {
  if (prompt === null || prompt.absent === true) return false;
  return boxOf(prompt) !== null || [...(prompt.points ?? []), ...(prompt.scribbles ?? [])].some((mark) => mark.positive);
}

/** Slices of an object that a propagation can start from: prompted, not absent. */
export function startingSlices(prompts: readonly SlicePrompt[], label: number): SlicePrompt[] {
  return prompts.filter((prompt) => (prompt.label ?? 1) === label && prompt.absent !== true && !isEmpty(prompt));
}

/** The axis that most of an object's starting slices lie on; the first of them where several tie. */
export function propagationAxis(prompts: readonly SlicePrompt[], label: number): number | null {
  const counts = new Map<number, number>();
  for (const prompt of startingSlices(prompts, label)) counts.set(prompt.axis, (counts.get(prompt.axis) ?? 0) + 1);
  let best: number | null = null;
  for (const [axis, count] of counts) {
    if (best === null || count > (counts.get(best) ?? 0)) best = axis;
  }
  return best;
}
