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

/** The most doubtful slice that is neither prompted nor seen already; null when none is left. */
export function nextDoubtful(slices: readonly SliceConfidence[], exclude: ReadonlySet<number>): number | null {
  let best: SliceConfidence | null = null;
  for (const slice of slices) {
    if (exclude.has(slice.slice_index) || slice.uncertainty <= 0) continue;
    if (best === null || slice.uncertainty > best.uncertainty) best = slice;
  }
  return best?.slice_index ?? null;
}
