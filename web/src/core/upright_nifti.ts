// The file handed to the renderer: the stored voxels under an affine without rotation or shear.
// A slice on the screen is then a slice of stored voxels, whatever the header's angle, and places convert exactly.
import { AXES } from './axes';
import type { Grid } from './grid';
import type { DisplayVolume, VoxelArray } from './volume_file';

const HEADER_BYTES = 352;

function datatypeOf(voxels: VoxelArray): { code: number; bits: number } {
  if (voxels instanceof Int8Array) return { code: 256, bits: 8 };
  if (voxels instanceof Uint8Array) return { code: 2, bits: 8 };
  if (voxels instanceof Int16Array) return { code: 4, bits: 16 };
  if (voxels instanceof Uint16Array) return { code: 512, bits: 16 };
  if (voxels instanceof Int32Array) return { code: 8, bits: 32 };
  if (voxels instanceof Uint32Array) return { code: 768, bits: 32 };
  return voxels instanceof Float32Array ? { code: 16, bits: 32 } : { code: 64, bits: 64 };
}

/** Millimetres from stored voxels along the patient's axes, the image's middle at the origin. */
export function uprightAffine(grid: Grid): number[][] {
  const rows = [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ];
  for (const axis of AXES) {
    const row = rows[grid.axes.ras[axis]];
    if (row === undefined) continue;
    const step = grid.axes.rising[axis] ? grid.spacingMm[axis] : -grid.spacingMm[axis];
    row[axis] = step;
    row[3] = (-step * (grid.shape[axis] - 1)) / 2;
  }
  return rows;
}

/** A NIfTI-1 header for the volume, to be followed by its voxels. */
export function uprightHeader(grid: Grid, volume: DisplayVolume): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  const { code, bits } = datatypeOf(volume.voxels);
  view.setInt32(0, 348, true);
  [3, ...volume.shape, 1, 1, 1, 1].forEach((size, index) => {
    view.setInt16(40 + 2 * index, size, true);
  });
  view.setInt16(70, code, true);
  view.setInt16(72, bits, true);
  [1, ...grid.spacingMm].forEach((size, index) => {
    view.setFloat32(76 + 4 * index, size, true);
  });
  view.setFloat32(108, HEADER_BYTES, true);
  view.setFloat32(112, volume.slope, true);
  view.setFloat32(116, volume.intercept, true);
  view.setUint8(123, 2);
  view.setInt16(254, 1, true);
  uprightAffine(grid).forEach((row, r) => {
    row.forEach((value, column) => {
      view.setFloat32(280 + 16 * r + 4 * column, value, true);
    });
  });
  header.set([0x6e, 0x2b, 0x31, 0], 344);
  return header;
}
