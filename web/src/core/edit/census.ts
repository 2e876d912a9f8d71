// How many voxels each label has, in all and on each slice, kept while a mask is edited: a volume is counted once.
import type { AxisIndex, Vec3 } from '../axes';
import type { Labelmap } from '../rle';
import type { Change } from './change';
import { eachRow, wholeBox, type VoxelBox } from './voxel_box';

const LABELS = 256;

/** Counts of one mask. `slices[axis][256 * sliceIndex + label]`. */
export class Census {
  readonly totals = new Uint32Array(LABELS);
  readonly slices: readonly [Uint32Array, Uint32Array, Uint32Array];

  constructor(private readonly shape: Vec3) {
    this.slices = [new Uint32Array(LABELS * shape[0]), new Uint32Array(LABELS * shape[1]), new Uint32Array(LABELS * shape[2])];
  }

  /** Voxels of a label on a slice. */
  onSlice(axis: AxisIndex, sliceIndex: number, label: number): number {
    return this.slices[axis][LABELS * sliceIndex + label] ?? 0;
  }

  /** First and last slice that hold a label; null where none does. */
  extent(axis: AxisIndex, label: number): readonly [number, number] | null {
    if ((this.totals[label] ?? 0) === 0) return null;
    let [first, last] = [0, this.shape[axis] - 1];
    while (first < last && this.onSlice(axis, first, label) === 0) first++;
    while (last > first && this.onSlice(axis, last, label) === 0) last--;
    return [first, last];
  }

  /** Adds the voxels of a box, or takes them away. */
  count(voxels: Uint8Array, box: VoxelBox, sign: 1 | -1): void {
    const [ni, nj] = this.shape;
    eachRow(this.shape, box, (offset, _at, length) => {
      const j = Math.floor(offset / ni) % nj;
      const k = Math.floor(offset / (ni * nj));
      const end = offset + length;
      const rowStart = offset - (offset % ni);
      for (let at = offset; at < end; at++) {
        const label = voxels[at] ?? 0;
        if (label !== 0) this.add(at - rowStart, j, k, label, sign);
      }
    });
  }

  /** Follows an edit. */
  follow({ offsets, before, after }: Change, isUndone = false): void {
    const [ni, nj] = this.shape;
    const [from, to] = isUndone ? [after, before] : [before, after];
    offsets.forEach((offset, at) => {
      const i = offset % ni;
      const rest = (offset - i) / ni;
      const j = rest % nj;
      const k = (rest - j) / nj;
      const [old = 0, now = 0] = [from[at], to[at]];
      if (old !== 0) this.add(i, j, k, old, -1);
      if (now !== 0) this.add(i, j, k, now, 1);
    });
  }

  private add(i: number, j: number, k: number, label: number, sign: 1 | -1): void {
    const { totals, slices } = this;
    totals[label] = (totals[label] ?? 0) + sign;
    slices[0][LABELS * i + label] = (slices[0][LABELS * i + label] ?? 0) + sign;
    slices[1][LABELS * j + label] = (slices[1][LABELS * j + label] ?? 0) + sign;
    slices[2][LABELS * k + label] = (slices[2][LABELS * k + label] ?? 0) + sign;
  }
}

const known = new WeakMap<Uint8Array, Census>();

/** The counts of a mask, made when they are first asked for. Whoever edits the voxels in place tells the census. */
export function censusOf({ shape, voxels }: Labelmap): Census {
  let census = known.get(voxels);
  if (census === undefined) {
    census = new Census(shape);
    census.count(voxels, wholeBox(shape), 1);
    known.set(voxels, census);
  }
  return census;
}

/** Voxels of each label that has some. */
export function labelCounts(labelmap: Labelmap): ReadonlyMap<number, number> {
  const counts = [...censusOf(labelmap).totals.entries()];
  return new Map(counts.filter(([label, count]) => label !== 0 && count > 0));
}

/** The labels that occur on a stored slice. */
export function labelsOnSlice(labelmap: Labelmap, axis: AxisIndex, sliceIndex: number): ReadonlySet<number> {
  const counts = censusOf(labelmap).slices[axis].subarray(LABELS * sliceIndex, LABELS * (sliceIndex + 1));
  return new Set([...counts.keys()].filter((label) => (counts[label] ?? 0) > 0));
}

/** The slice nearest to the middle of a label's extent that holds it; the lower of two; null where none does. */
export function middleOf(labelmap: Labelmap, axis: AxisIndex, label: number): number | null {
  const census = censusOf(labelmap);
  const extent = census.extent(axis, label);
  if (extent === null) return null;
  const middle = (extent[0] + extent[1]) / 2;
  let nearest = extent[0];
  for (let at = extent[0]; at <= extent[1]; at++) {
    const isNearer = Math.abs(at - middle) < Math.abs(nearest - middle);
    if (isNearer && census.onSlice(axis, at, label) > 0) nearest = at;
  }
  return nearest;
}
