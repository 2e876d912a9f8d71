// A NIfTI-1 writer and reader of the tests' own, so that the page's are not checked against themselves.
import { gunzipSync } from 'node:zlib';

export type Triple = readonly [number, number, number];

export interface NiftiImage<Voxels = Int16Array | Uint8Array> {
  readonly shape: Triple;
  /** Three rows of the 4 × 4 matrix: millimetres in RAS from voxel indices. */
  readonly affine: readonly (readonly number[])[];
  /** i fastest. */
  readonly voxels: Voxels;
}

export function writeNifti(image: NiftiImage): Buffer {
  const header = Buffer.alloc(352);
  header.writeInt32LE(348, 0);
  [3, ...image.shape, 1, 1, 1, 1].forEach((size, at) => header.writeInt16LE(size, 40 + 2 * at));
  header.writeInt16LE(image.voxels instanceof Int16Array ? 4 : 2, 70);
  header.writeInt16LE(image.voxels instanceof Int16Array ? 16 : 8, 72);
  const spacing = [0, 1, 2].map((axis) => Math.hypot(...image.affine.map((row) => row[axis] ?? 0)));
  [1, ...spacing].forEach((size, at) => header.writeFloatLE(size, 76 + 4 * at));
  header.writeFloatLE(352, 108);
  header.writeFloatLE(1, 112);
  header[123] = 2;
  header.writeInt16LE(2, 254);
  image.affine.forEach((row, r) => {
    row.forEach((value, column) => header.writeFloatLE(value, 280 + 16 * r + 4 * column));
  });
  header.write('n+1\0', 344, 'latin1');
  const { buffer, byteOffset, byteLength } = image.voxels;
  return Buffer.concat([header, Buffer.from(buffer, byteOffset, byteLength)]);
}

/** Reads a mask: 8-bit voxels. */
export function readMask(file: Buffer): NiftiImage<Uint8Array> {
  const bytes = file[0] === 0x1f ? gunzipSync(file) : file;
  if (bytes.readInt32LE(0) !== 348 || bytes.readInt16LE(70) !== 2) throw new Error('not a NIfTI-1 mask of bytes');
  const shape = [bytes.readInt16LE(42), bytes.readInt16LE(44), bytes.readInt16LE(46)] as const;
  const start = bytes.readFloatLE(108);
  const affine = [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => bytes.readFloatLE(280 + 16 * row + 4 * column)));
  const voxels = Uint8Array.from(bytes.subarray(start, start + shape[0] * shape[1] * shape[2]));
  return { shape, affine, voxels };
}

/** Labels out of the server's run-length answer. */
export function readRuns(bytes: Buffer): { shape: Triple; voxels: Uint8Array } {
  if (bytes.toString('latin1', 0, 4) !== 'VXR1') throw new Error('not a labelmap');
  const shape = [bytes.readUInt32LE(4), bytes.readUInt32LE(8), bytes.readUInt32LE(12)] as const;
  const voxels: number[] = [];
  let at = 16;
  while (at < bytes.length) {
    let run = 0;
    let shift = 0;
    for (;;) {
      const byte = bytes[at++] ?? 0;
      run += (byte & 127) << shift;
      shift += 7;
      if (byte < 128) break;
    }
    const label = bytes[at++] ?? 0;
    for (let n = 0; n < run; n++) voxels.push(label);
  }
  if (voxels.length !== shape[0] * shape[1] * shape[2]) throw new Error('the runs do not fill the labelmap');
  return { shape, voxels: Uint8Array.from(voxels) };
}
