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

/** The newest revision of an object that says how sure its slices are. `revisions` are newest first. */
export function ratedRevision(revisions: readonly Revision[], label: number): Revision | null {
  return revisions.find((revision) => revision.label === label && (revision.slices ?? []).length > 0) ?? null;
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
