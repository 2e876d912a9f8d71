// Two masks of one image side by side: how far an object overlaps, in all and slice by slice.
import type { Revision } from '../api/types';
import type { AxisIndex } from './axes';
import type { Labelmap } from './rle';

/** Voxels of an object in one mask, in another, and in both. */
export interface Overlap {
  readonly a: number;
  readonly b: number;
  readonly both: number;
}

/** An object's overlap on each slice of an axis. */
export function overlapBySlice(a: Labelmap, b: Labelmap, label: number, axis: AxisIndex): Overlap[] {
  const [ni, nj, nk] = a.shape;
  const n = a.shape[axis];
  const counts = [new Uint32Array(n), new Uint32Array(n), new Uint32Array(n)] as const;
  let at = 0;
  for (let k = 0; k < nk; k++) {
    for (let j = 0; j < nj; j++) {
      for (let i = 0; i < ni; i++, at++) {
        const inA = a.voxels[at] === label;
        const inB = b.voxels[at] === label;
        if (!inA && !inB) continue;
        const slice = axis === 0 ? i : axis === 1 ? j : k;
        if (inA) counts[0][slice] = (counts[0][slice] ?? 0) + 1;
        if (inB) counts[1][slice] = (counts[1][slice] ?? 0) + 1;
        if (inA && inB) counts[2][slice] = (counts[2][slice] ?? 0) + 1;
      }
    }
  }
  return Array.from(counts[0], (inA, slice) => ({ a: inA, b: counts[1][slice] ?? 0, both: counts[2][slice] ?? 0 }));
}

export function total(overlaps: readonly Overlap[]): Overlap {
  return overlaps.reduce((sum, it) => ({ a: sum.a + it.a, b: sum.b + it.b, both: sum.both + it.both }), { a: 0, b: 0, both: 0 });
}

/** 2 |A ∩ B| / (|A| + |B|); null where neither mask has the object. */
export function dice({ a, b, both }: Overlap): number | null {
  return a + b === 0 ? null : (2 * both) / (a + b);
}

/** Voxels that belong to the object in one mask only. */
export function differing({ a, b, both }: Overlap): number {
  return a + b - 2 * both;
}

/** The newest revision on the way back from the head whose mask is another one; null where there is none. */
export function previousResult(revisions: readonly Revision[], head: string | null): Revision | null {
  const byId = new Map(revisions.map((revision) => [revision.revision_id, revision]));
  const newest = head === null ? undefined : byId.get(head);
  let revision = newest;
  while (revision !== undefined && revision.mask === newest?.mask) {
    revision = byId.get(revision.parent ?? '');
  }
  return revision ?? null;
}
