// Per-slice confidence of a propagation: how doubtful a slice is, and which to look at next.
import type { Revision, SliceConfidence } from '../api/types';

export type Doubt = 'sure' | 'check' | 'doubtful';

/** Above the first a slice is worth a look, above the second it is probably wrong (share of the key slice's area). */
const CHECK_ABOVE = 0.12;
const DOUBTFUL_ABOVE = 0.3;

/** Doubt of 0 to 1 in a word. */
export function doubtAbove(doubt: number): Doubt {
  if (doubt > DOUBTFUL_ABOVE) return 'doubtful';
  return doubt > CHECK_ABOVE ? 'check' : 'sure';
}

export function doubtOf(slice: SliceConfidence): Doubt {
  return doubtAbove(slice.uncertainty);
}

/** Slices worth showing: those that hold the object, and those that may. */
export function tellingSlices(slices: readonly SliceConfidence[]): SliceConfidence[] {
  return slices.filter((slice) => slice.area_voxels > 0 || doubtOf(slice) !== 'sure');
}

/** A mask as it is, and the states that it came from: what others are judged by says nothing of it. */
export interface Lineage {
  readonly revisions: readonly Revision[];
  readonly job: { readonly head?: string | null; readonly head_revision?: Revision | null };
  readonly label: number;
}

/**
 * What says how sure each slice of the shown mask is: the object's last propagation on the way back from the head.
 * Null where there is none, and where that propagation was stopped before it judged its slices.
 */
export function ratedRevision({ revisions, job, label }: Lineage): Revision | null {
  const byId = new Map(revisions.map((it) => [it.revision_id, it]));
  const headRevision = job.head_revision ?? null;
  if (headRevision !== null) byId.set(headRevision.revision_id, headRevision);
  const seen = new Set<Revision>();
  for (let at = byId.get(job.head ?? ''); at !== undefined && !seen.has(at); at = byId.get(at.parent ?? '')) {
    seen.add(at);
    if (at.label !== label) continue;
    if ((at.slices ?? []).length > 0) return at;
    if (at.action === 'propagate') return null;
  }
  return null;
}

/** Whether the shown mask is, voxel by voxel, the one that was judged. */
export function isJudged({ revisions, job }: Lineage, rated: Revision): boolean {
  const head = job.head_revision?.revision_id === job.head ? job.head_revision : revisions.find((it) => it.revision_id === job.head);
  return head?.mask === rated.mask;
}

/** Slices worth a look that a person has not settled, the most doubtful first. */
export function doubtfulOrder(slices: readonly SliceConfidence[], settled: ReadonlySet<number>): number[] {
  return slices
    .filter((slice) => doubtOf(slice) !== 'sure' && !settled.has(slice.slice_index))
    .sort((a, b) => b.uncertainty - a.uncertainty || a.slice_index - b.slice_index)
    .map((slice) => slice.slice_index);
}

/** The first of an order that was not looked at yet; null when none is left. */
export function nextDoubtful(order: readonly number[], seen: ReadonlySet<number>): number | null {
  return order.find((slice) => !seen.has(slice)) ?? null;
}

/** What was looked at before the last one, and the rest of the way there; null at the beginning. */
export function previousDoubtful(seen: ReadonlySet<number>): { readonly slice: number; readonly seen: ReadonlySet<number> } | null {
  const way = [...seen].slice(0, -1);
  const slice = way[way.length - 1];
  return slice === undefined ? null : { slice, seen: new Set(way) };
}
