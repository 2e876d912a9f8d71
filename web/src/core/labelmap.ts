// What the page asks of a labelmap: RAS order for the viewer, one slice, outlines, sizes.
import { PLANE_AXES, type Plane, type Vec3 } from './axes';
import { rasStrides, storedOffset, type Grid } from './grid';
import type { Labelmap } from './rle';

/** Labels in RAS order, R fastest, as the viewer's drawing layer wants them. */
export function labelsInRasOrder(grid: Grid, labelmap: Labelmap): Uint8Array {
  const [nr, na, ns] = grid.rasShape;
  const { start, strides } = rasStrides(grid);
  if (strides[0] === 1 && strides[1] === nr && strides[2] === nr * na) return labelmap.voxels;
  const out = new Uint8Array(labelmap.voxels.length);
  let position = 0;
  for (let s = 0; s < ns; s++) {
    for (let a = 0; a < na; a++) {
      let from = start + s * strides[2] + a * strides[1];
      for (let r = 0; r < nr; r++) {
        out[position++] = labelmap.voxels[from] ?? 0;
        from += strides[0];
      }
    }
  }
  return out;
}

/** Labels on the slice that a plane shows: `across` fastest, both in RAS order. */
export interface PlaneLabels {
  readonly width: number;
  readonly height: number;
  readonly labels: Uint8Array;
}

export function planeLabels(grid: Grid, labelmap: Labelmap, plane: Plane, ras: Vec3): PlaneLabels {
  const { across, up, normal } = PLANE_AXES[plane];
  const { start, strides } = rasStrides(grid);
  const [width, height] = [grid.rasShape[across], grid.rasShape[up]];
  const labels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    let from = start + ras[normal] * strides[normal] + row * strides[up];
    for (let column = 0; column < width; column++) {
      labels[row * width + column] = labelmap.voxels[from] ?? 0;
      from += strides[across];
    }
  }
  return { width, height, labels };
}

/** A voxel edge between two places of a plane, in voxel corners: `[across, up, across, up]`. */
export type Edge = readonly [number, number, number, number];

/** The edges around one label on a plane. Corners lie half a voxel from centres. */
export function outlineEdges(slice: PlaneLabels, label: number): Edge[] {
  const { width, height, labels } = slice;
  const inside = (column: number, row: number): boolean =>
    column >= 0 && row >= 0 && column < width && row < height && labels[row * width + column] === label;
  const edges: Edge[] = [];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (labels[row * width + column] !== label) continue;
      const [left, right, low, high] = [column - 0.5, column + 0.5, row - 0.5, row + 0.5];
      if (!inside(column - 1, row)) edges.push([left, low, left, high]);
      if (!inside(column + 1, row)) edges.push([right, low, right, high]);
      if (!inside(column, row - 1)) edges.push([left, low, right, low]);
      if (!inside(column, row + 1)) edges.push([left, high, right, high]);
    }
  }
  return edges;
}

/** The label at a stored voxel; 0 where there is none. */
export function labelAt(labelmap: Labelmap | null, stored: Vec3): number {
  return labelmap?.voxels[storedOffset(labelmap.shape, stored)] ?? 0;
}

/** The labels that occur on a stored slice. */
export function labelsOnSlice(labelmap: Labelmap, axis: 0 | 1 | 2, sliceIndex: number): ReadonlySet<number> {
  const [ni, nj, nk] = labelmap.shape;
  const found = new Set<number>();
  const ranges: [number, number][] = [[0, ni], [0, nj], [0, nk]];
  ranges[axis] = [sliceIndex, sliceIndex + 1];
  const [[i0, i1], [j0, j1], [k0, k1]] = ranges as [[number, number], [number, number], [number, number]];
  for (let k = k0; k < k1; k++) {
    for (let j = j0; j < j1; j++) {
      for (let i = i0; i < i1; i++) {
        const label = labelmap.voxels[i + ni * (j + nj * k)] ?? 0;
        if (label !== 0) found.add(label);
      }
    }
  }
  return found;
}

/** Voxels of each label. */
export function labelCounts(labelmap: Labelmap): ReadonlyMap<number, number> {
  const counts = new Uint32Array(256);
  for (const label of labelmap.voxels) counts[label] = (counts[label] ?? 0) + 1;
  const out = new Map<number, number>();
  counts.forEach((count, label) => {
    if (label !== 0 && count > 0) out.set(label, count);
  });
  return out;
}

/** A running propagation's mask shown over the newest revision: the object is replaced, other objects stay. */
export function withPartial(head: Labelmap | null, partial: Labelmap, label: number): Labelmap {
  const voxels = head === null ? new Uint8Array(partial.voxels.length) : Uint8Array.from(head.voxels);
  partial.voxels.forEach((value, index) => {
    if (value !== 0 && (voxels[index] === 0 || voxels[index] === label)) voxels[index] = label;
  });
  return { shape: partial.shape, voxels };
}
