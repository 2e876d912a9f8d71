// Boxes of a labelmap as edits send them: the voxels of one object on one slice.
import type { AxisIndex, Vec3 } from './axes';
import { storedOffset } from './grid';
import type { Labelmap } from './rle';

/** First and last voxel, inclusive. */
export type VoxelBox = readonly [Vec3, Vec3];

function eachVoxel([first, last]: VoxelBox, visit: (stored: Vec3) => void): void {
  for (let k = first[2]; k <= last[2]; k++) {
    for (let j = first[1]; j <= last[1]; j++) {
      for (let i = first[0]; i <= last[0]; i++) visit([i, j, k]);
    }
  }
}

/** The whole of a slice as a box. */
export function sliceBox(shape: Vec3, axis: AxisIndex, sliceIndex: number): VoxelBox {
  const first: [number, number, number] = [0, 0, 0];
  const last: [number, number, number] = [shape[0] - 1, shape[1] - 1, shape[2] - 1];
  first[axis] = sliceIndex;
  last[axis] = sliceIndex;
  return [first, last];
}

/** The smallest box on a slice that holds all of an object there; null where it has no voxel. */
export function objectBox(labelmap: Labelmap, axis: AxisIndex, sliceIndex: number, label: number): VoxelBox | null {
  const low: [number, number, number] = [Infinity, Infinity, Infinity];
  const high: [number, number, number] = [-1, -1, -1];
  eachVoxel(sliceBox(labelmap.shape, axis, sliceIndex), (stored) => {
    if (labelmap.voxels[storedOffset(labelmap.shape, stored)] !== label) return;
    stored.forEach((value, at) => {
      low[at] = Math.min(low[at] ?? value, value);
      high[at] = Math.max(high[at] ?? value, value);
    });
  });
  return high[0] < 0 ? null : [low, high];
}

/** The labels of a box, without one object where `erased` names it. */
export function cropped(labelmap: Labelmap, box: VoxelBox, erased: number | null = null): Labelmap {
  const [first, last] = box;
  const shape: Vec3 = [last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1];
  const voxels = new Uint8Array(shape[0] * shape[1] * shape[2]);
  let at = 0;
  eachVoxel(box, (stored) => {
    const label = labelmap.voxels[storedOffset(labelmap.shape, stored)] ?? 0;
    voxels[at++] = label === erased ? 0 : label;
  });
  return { shape, voxels };
}
