// What the page asks of a labelmap: one slice, outlines, sizes.
import { PLANE_AXES, type Plane, type Vec3 } from './axes';
import { rasStrides, storedOffset, type Grid } from './grid';
import type { Labelmap } from './rle';

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

/** The columns and rows that hold labels: left, right, low, high; none where the last is below the first. */
export function labelledBox({ width, height, labels }: PlaneLabels): readonly [number, number, number, number] {
  let [left, right, low, high] = [width, -1, height, -1];
  for (let row = 0; row < height; row++) {
    const start = row * width;
    for (let column = 0; column < width; column++) {
      if (labels[start + column] === 0) continue;
      if (column < left) left = column;
      if (column > right) right = column;
      if (low > row) low = row;
      high = row;
    }
  }
  return [left, right, low, high];
}

/**
 * The outlines of a plane's labels: straight lines `across, up, across, up` one after the other, in voxel corners, which
 * lie half a voxel from centres. Neighbouring edges of one direction are one line.
 */
export function outlines(slice: PlaneLabels): ReadonlyMap<number, readonly number[]> {
  const { width, height, labels } = slice;
  const lines = new Map<number, number[]>();
  const [left, right, low, high] = labelledBox(slice);
  const at = (column: number, row: number): number =>
    column < 0 || row < 0 || column >= width || row >= height ? 0 : (labels[row * width + column] ?? 0);
  const add = (label: number, isRow: boolean, place: number, from: number, to: number): void => {
    if (label === 0) return;
    const line = lines.get(label) ?? [];
    if (line.length === 0) lines.set(label, line);
    if (isRow) line.push(from - 0.5, place - 0.5, to - 0.5, place - 0.5);
    else line.push(place - 0.5, from - 0.5, place - 0.5, to - 0.5);
  };
  /** Lines between two neighbouring rows, or columns: runs in which the label on one side stays and the other differs. */
  const between = (isRow: boolean, place: number, side: (along: number) => number, other: (along: number) => number): void => {
    let [label, from] = [0, 0];
    const [first, last] = isRow ? [left, right] : [low, high];
    for (let along = first; along <= last + 1; along++) {
      const value = along <= last ? side(along) : 0;
      const here = value !== 0 && value !== other(along) ? value : 0;
      if (here === label) continue;
      add(label, isRow, place, from, along);
      [label, from] = [here, along];
    }
  };
  for (let row = low; row <= high + 1; row++) {
    between(true, row, (column) => at(column, row), (column) => at(column, row - 1));
    between(true, row, (column) => at(column, row - 1), (column) => at(column, row));
  }
  for (let column = left; column <= right + 1; column++) {
    between(false, column, (row) => at(column, row), (row) => at(column - 1, row));
    between(false, column, (row) => at(column - 1, row), (row) => at(column, row));
  }
  return lines;
}

/** The label at a stored voxel; 0 where there is none. */
export function labelAt(labelmap: Labelmap | null, stored: Vec3): number {
  return labelmap?.voxels[storedOffset(labelmap.shape, stored)] ?? 0;
}

/** A running propagation's mask shown over the newest revision: the object is replaced, other objects stay. */
export function withPartial(head: Labelmap | null, partial: Labelmap, label: number): Labelmap {
  const voxels = head === null ? new Uint8Array(partial.voxels.length) : Uint8Array.from(head.voxels);
  partial.voxels.forEach((value, index) => {
    if (value !== 0 && (voxels[index] === 0 || voxels[index] === label)) voxels[index] = label;
  });
  return { shape: partial.shape, voxels };
}
