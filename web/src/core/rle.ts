// Run-length code of labelmaps on the wire (`application/x-voxloop-rle`): "VXR1", ni, nj, nk, then (varint run, label) pairs.
import type { Vec3 } from './axes';

/** Labels on the full stored grid, i fastest. */
export interface Labelmap {
  readonly shape: Vec3;
  readonly voxels: Uint8Array;
}

export class RleError extends Error {}

const MAGIC = [0x56, 0x58, 0x52, 0x31];
const HEADER_BYTES = 16;
const MAX_VOXELS = 2 ** 33;

function readVarint(bytes: Uint8Array, start: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let position = start; position < start + 6; position++) {
    const byte = bytes[position];
    if (byte === undefined) throw new RleError('the labelmap is truncated');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: position + 1 };
    scale *= 128;
  }
  throw new RleError('a run of the labelmap is too long');
}

/** Reads a labelmap. Refuses anything that is not exactly one. */
export function decodeRle(bytes: Uint8Array): Labelmap {
  if (bytes.length < HEADER_BYTES) throw new RleError('the labelmap is truncated');
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) throw new RleError('not a labelmap');
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const shape: Vec3 = [header.getUint32(4, true), header.getUint32(8, true), header.getUint32(12, true)];
  const nVoxels = shape[0] * shape[1] * shape[2];
  if (nVoxels === 0) throw new RleError('the labelmap has no voxels');
  if (nVoxels > MAX_VOXELS) throw new RleError('the labelmap is too large');
  const voxels = new Uint8Array(nVoxels);
  let filled = 0;
  let position = HEADER_BYTES;
  while (filled < nVoxels) {
    const run = readVarint(bytes, position);
    const label = bytes[run.next];
    if (label === undefined) throw new RleError('the labelmap is truncated');
    if (run.value === 0) throw new RleError('a run of the labelmap is empty');
    if (run.value > nVoxels - filled) throw new RleError('a run of the labelmap goes past its end');
    if (label !== 0) voxels.fill(label, filled, filled + run.value);
    filled += run.value;
    position = run.next + 1;
  }
  if (position !== bytes.length) throw new RleError('the labelmap has trailing bytes');
  return { shape, voxels };
}

/** Writes a labelmap. */
export function encodeRle(labelmap: Labelmap): Uint8Array {
  const out: number[] = [...MAGIC];
  for (const size of labelmap.shape) {
    out.push(size & 0xff, (size >>> 8) & 0xff, (size >>> 16) & 0xff, (size >>> 24) & 0xff);
  }
  const { voxels } = labelmap;
  let start = 0;
  while (start < voxels.length) {
    const label = voxels[start] ?? 0;
    let end = start + 1;
    while (end < voxels.length && voxels[end] === label) end++;
    let rest = end - start;
    while (rest >= 0x80) {
      out.push((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    out.push(rest, label);
    start = end;
  }
  return Uint8Array.from(out);
}
