// What one undo takes back: a step of the history, or a prompt's adjustments on one slice as a whole.
import type { Revision, SlicePrompt } from '../../api/types';

/** What of a revision an undo needs. */
export type UndoStep = Pick<Revision, 'revision_id' | 'author' | 'prompts'> & {
  readonly parent?: string | null;
  readonly action?: string | null;
};

/** Which marks a slice has, not where they lie. */
function marksOf({ axis, slice_index: slice, label, box, points, scribbles, mask }: SlicePrompt): string {
  const counts = [box ? 1 : 0, points?.length ?? 0, scribbles?.length ?? 0, mask === true ? 1 : 0];
  return [axis, slice, label ?? 1, ...counts].join('/');
}

/** The prompt that an engine segmented a slice by, and which engine; null where the step was another one. */
function askedOf({ action, author, prompts }: UndoStep): string | null {
  const [prompt] = prompts;
  if (action !== 'segment_slice' || author.by !== 'engine' || prompt === undefined) return null;
  return `${author.engine.name}/${marksOf(prompt)}`;
}

/** Whether a step only moved what the one before it had marked on the slice: a box that is dragged, a number that is typed. */
function adjusts(later: UndoStep, earlier: UndoStep): boolean {
  const asked = askedOf(later);
  return asked !== null && later.parent === earlier.revision_id && asked === askedOf(earlier);
}

/** The state before the last step, or before all adjustments of one prompt; undefined where the head is not among the revisions. */
export function undoTarget(revisions: readonly UndoStep[], head: string): string | null | undefined {
  const steps = new Map(revisions.map((it) => [it.revision_id, it]));
  let at = steps.get(head);
  for (let before = steps.get(at?.parent ?? ''); at !== undefined && before !== undefined && adjusts(at, before); before = steps.get(at.parent ?? '')) {
    at = before;
  }
  return at === undefined ? undefined : (at.parent ?? null);
}

/** The last of the adjustments that begin with an undone step; none beyond a place where the history parts. */
export function redoTarget(revisions: readonly UndoStep[], redo: string): string {
  let at = revisions.find((it) => it.revision_id === redo);
  if (at === undefined) return redo;
  for (;;) {
    const here: UndoStep = at;
    const [next, ...others] = revisions.filter((it) => it.parent === here.revision_id);
    if (next === undefined || others.length > 0 || !adjusts(next, here)) return here.revision_id;
    at = next;
  }
}
