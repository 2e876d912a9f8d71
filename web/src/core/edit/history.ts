// The history of a mask: revisions form a tree, the head is one of them. What differs between two, and how it is listed.
import type { Revision } from '../../api/types';
import type { AxisIndex, Vec3 } from '../axes';
import { boxAround, boxShape, voxelBox, type VoxelBox } from './voxel_box';

/** What of a revision the history needs. */
export type Step = Pick<Revision, 'revision_id'> & {
  readonly parent?: string | null;
  readonly action?: string | null;
  readonly changed?: readonly (readonly number[])[] | null;
  readonly created_ms: number;
};

/** A revision's ancestors from itself to the first one; stops at one that is not known. */
function lineOf(steps: ReadonlyMap<string, Step>, id: string | null): Step[] {
  const line: Step[] = [];
  for (let at = id === null ? undefined : steps.get(id); at !== undefined; ) {
    line.push(at);
    at = steps.get(at.parent ?? '');
  }
  return line;
}

/** `all` where a revision does not say what it changed; null where nothing differs. */
export type Difference = VoxelBox | 'all' | null;

/** The box in which two states of the mask may differ: what was changed on the way from one to the other. */
export function differenceOf(revisions: readonly Step[], from: string | null, to: string | null): Difference {
  if (from === to) return null;
  const steps = new Map(revisions.map((it) => [it.revision_id, it]));
  if ((from !== null && !steps.has(from)) || (to !== null && !steps.has(to))) return 'all';
  const [a, b] = [lineOf(steps, from), lineOf(steps, to)];
  const inB = new Set(b);
  const shared = new Set(a.filter((it) => inB.has(it)));
  let box: VoxelBox | null = null;
  for (const step of [...a, ...b]) {
    if (shared.has(step)) continue;
    const changed = voxelBox(step.changed);
    // Revisions from before boxes were kept say neither what was done nor where.
    if (changed === null && (step.action ?? null) === null) return 'all';
    if (changed !== null) box = box === null ? changed : boxAround(box, changed);
  }
  return box;
}

/** Where a step stands to the head: it, on the way to it, undone, or on a line that was left. */
export type Standing = 'head' | 'past' | 'ahead' | 'branch';

/** Steps by the standing that they have; `redo` is the next one of those that were undone. */
export function standings(revisions: readonly Step[], head: string | null, redo: string | null): ReadonlyMap<string, Standing> {
  const steps = new Map(revisions.map((it) => [it.revision_id, it]));
  const out = new Map<string, Standing>(revisions.map((it) => [it.revision_id, 'branch']));
  for (const { revision_id } of lineOf(steps, head)) out.set(revision_id, revision_id === head ? 'head' : 'past');
  // What was undone: the redo step, and of what follows each the newest.
  for (let at = redo; at !== null; ) {
    const here = at;
    if (!steps.has(here) || out.get(here) !== 'branch') break;
    out.set(here, 'ahead');
    const next = revisions.filter((it) => it.parent === here).sort((a, b) => b.created_ms - a.created_ms)[0];
    at = next === undefined ? null : next.revision_id;
  }
  return out;
}

/** The slices that a step changed, along the axis it was made on: an engine's, else the one it is thinnest along. */
export function sliceSpan(
  { changed, extent }: Pick<Revision, 'changed' | 'extent'>,
  shape: Vec3,
): { readonly axis: number; readonly first: number; readonly last: number } | null {
  const box = voxelBox(changed);
  if (box === null) return extent === null || extent === undefined ? null : { axis: extent.axis, first: extent.first, last: extent.last };
  const sizes = boxShape(box);
  // In a tie the last stored axis, which scanners mostly run along.
  const thinnest = ([2, 1, 0] as const).reduce((a, b) => (sizes[b] / shape[b] < sizes[a] / shape[a] ? b : a));
  const single = ([2, 1, 0] as const).find((axis) => sizes[axis] === 1);
  const axis = extent?.axis ?? single ?? thinnest;
  return { axis, first: box[0][axis as AxisIndex], last: box[1][axis as AxisIndex] };
}
