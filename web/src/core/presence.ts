// Which slices along each stored axis hold an object: what the sliders show of a mask.
import type { Vec3 } from './axes';
import type { Labelmap } from './rle';

/** For each stored axis, a 1 for each slice that holds the label. */
export type AxisPresence = readonly [Uint8Array, Uint8Array, Uint8Array];

/** By label. */
export type Presence = Map<number, AxisPresence>;

function of(presence: Presence, label: number, [ni, nj, nk]: Vec3): AxisPresence {
  let found = presence.get(label);
  if (found === undefined) {
    found = [new Uint8Array(ni), new Uint8Array(nj), new Uint8Array(nk)];
    presence.set(label, found);
  }
  return found;
}

/** Adds the voxels from one offset up to another, which is not counted. Empty stretches are passed four voxels at a time. */
export function addPresence(presence: Presence, { shape, voxels }: Labelmap, from: number, to: number): void {
  const [ni, nj] = shape;
  const isAligned = voxels.byteOffset % 4 === 0;
  const words = isAligned ? new Uint32Array(voxels.buffer, voxels.byteOffset, voxels.length >> 2) : null;
  let at = from;
  while (at < to) {
    if (words !== null && (at & 3) === 0 && at + 4 <= to && words[at >> 2] === 0) {
      at += 4;
      continue;
    }
    const label = voxels[at] ?? 0;
    if (label !== 0) {
      const rest = Math.floor(at / ni);
      const [i, j, k] = of(presence, label, shape);
      i[at - rest * ni] = 1;
      j[rest % nj] = 1;
      k[Math.floor(rest / nj)] = 1;
    }
    at++;
  }
}
