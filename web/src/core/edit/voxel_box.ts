// Boxes of stored voxels: what an edit changed, what travels.
import type { Vec3 } from '../axes';
import { storedOffset } from '../grid';
import { decodeRle, encodeRle, type Labelmap } from '../rle';

/** First and last voxel, inclusive. */
export type VoxelBox = readonly [Vec3, Vec3];

/** The box that a server's answer names; null where it names none. */
export function voxelBox(values: readonly (readonly number[])[] | null | undefined): VoxelBox | null {
  const [first, last] = values ?? [];
  if (first?.length !== 3 || last?.length !== 3) return null;
  return [first as unknown as Vec3, last as unknown as Vec3];
}

export function wholeBox(shape: Vec3): VoxelBox {
  return [[0, 0, 0], [shape[0] - 1, shape[1] - 1, shape[2] - 1]];
}

export function boxShape([first, last]: VoxelBox): Vec3 {
  return [last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1];
}

/** The smallest box that holds both. */
export function boxAround(a: VoxelBox, b: VoxelBox): VoxelBox {
  const at = (pick: (...values: number[]) => number, end: 0 | 1): Vec3 => [
    pick(a[end][0], b[end][0]),
    pick(a[end][1], b[end][1]),
    pick(a[end][2], b[end][2]),
  ];
  return [at(Math.min, 0), at(Math.max, 1)];
}

/** The smallest box around voxels; null for none. */
export function boxOfOffsets(shape: Vec3, offsets: Uint32Array | readonly number[]): VoxelBox | null {
  if (offsets.length === 0) return null;
  let [i1, j1, k1, i2, j2, k2] = [Infinity, Infinity, Infinity, -1, -1, -1];
  for (const offset of offsets) {
    const i = offset % shape[0];
    const rest = (offset - i) / shape[0];
    const j = rest % shape[1];
    const k = (rest - j) / shape[1];
    if (i < i1) i1 = i;
    if (i > i2) i2 = i;
    if (j < j1) j1 = j;
    if (j > j2) j2 = j;
    if (k < k1) k1 = k;
    if (k > k2) k2 = k;
  }
  return [[i1, j1, k1], [i2, j2, k2]];
}

/** Calls back for each row of a box: offset in the volume, offset in the box, voxels. */
export function eachRow(shape: Vec3, box: VoxelBox, visit: (offset: number, at: number, length: number) => void): void {
  const [ni, nj, nk] = boxShape(box);
  for (let k = 0; k < nk; k++) {
    for (let j = 0; j < nj; j++) {
      visit(storedOffset(shape, [box[0][0], box[0][1] + j, box[0][2] + k]), ni * (j + nj * k), ni);
    }
  }
}

/** A copy of a box's labels. */
export function takeBox({ shape, voxels }: Labelmap, box: VoxelBox): Labelmap {
  const taken = boxShape(box);
  const out = new Uint8Array(taken[0] * taken[1] * taken[2]);
  eachRow(shape, box, (offset, at, length) => {
    out.set(voxels.subarray(offset, offset + length), at);
  });
  return { shape: taken, voxels: out };
}

/** Writes a box's labels into a volume. */
export function putBox({ shape, voxels }: Labelmap, box: VoxelBox, part: Labelmap): void {
  eachRow(shape, box, (offset, at, length) => {
    voxels.set(part.voxels.subarray(at, at + length), offset);
  });
}

/** A box's labels in the code of the wire, in base64. */
export function boxToBase64(part: Labelmap): string {
  const bytes = encodeRle(part);
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/** Reads a box's labels. Refuses one of another shape. */
export function readBox(bytes: Uint8Array, box: VoxelBox): Labelmap {
  const part = decodeRle(bytes);
  const expected = boxShape(box);
  if (part.shape.some((size, axis) => size !== expected[axis])) throw new Error('the labels do not have the shape of the box');
  return part;
}
