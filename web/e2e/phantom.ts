// One small CT-like body, described in the patient's coordinates, stored along any axes.
import type { NiftiImage, Triple } from './nifti';

/** Voxels and millimetres along R, A, S. */
export const RAS_SHAPE: Triple = [72, 60, 40];
export const RAS_SPACING: Triple = [1.5, 1.5, 2.5];

/** The lesion: centre and half axes in RAS voxels. Its middle slices are the image's middle slices. */
export const LESION = { centre: [44, 30, 20] as Triple, radii: [9, 8, 6] as Triple };

function inside(at: Triple, centre: Triple, radii: Triple): boolean {
  return [0, 1, 2].reduce((sum, axis) => sum + (((at[axis] ?? 0) - (centre[axis] ?? 0)) / (radii[axis] ?? 1)) ** 2, 0) <= 1;
}

/** Noise that depends on the place in the patient only. */
function noise(at: Triple): number {
  let hash = (at[0] * 73856093) ^ (at[1] * 19349663) ^ (at[2] * 83492791);
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995);
  return ((hash >>> 8) & 0xffff) / 0xffff - 0.5;
}

export function intensityAt(at: Triple): number {
  if (inside(at, LESION.centre, LESION.radii)) return Math.round(130 + 24 * noise(at));
  if (inside(at, [36, 30, 20], [33, 27, 30])) return Math.round(40 + 24 * noise(at));
  return -1000;
}

const LETTERS = ['RL', 'AP', 'SI'];

interface StoredAxis {
  readonly world: 0 | 1 | 2;
  readonly rising: boolean;
}

function axesOf(codes: string): readonly [StoredAxis, StoredAxis, StoredAxis] {
  const [i, j, k] = Array.from(codes, (letter) => {
    const world = LETTERS.findIndex((pair) => pair.includes(letter)) as 0 | 1 | 2;
    return { world, rising: (LETTERS[world] ?? '').startsWith(letter) };
  });
  if (i === undefined || j === undefined || k === undefined) throw new Error(codes);
  return [i, j, k];
}

/** Index into stored voxels of a RAS voxel, for a storage order. */
export function storedIndex(codes: string, ras: Triple): number {
  const axes = axesOf(codes);
  const sizes = axes.map(({ world }) => RAS_SHAPE[world]);
  const at = axes.map(({ world, rising }) => (rising ? ras[world] : RAS_SHAPE[world] - 1 - ras[world]));
  return (at[0] ?? 0) + (sizes[0] ?? 0) * ((at[1] ?? 0) + (sizes[1] ?? 0) * (at[2] ?? 0));
}

export function eachRas(visit: (ras: Triple) => void): void {
  for (let s = 0; s < RAS_SHAPE[2]; s++) {
    for (let a = 0; a < RAS_SHAPE[1]; a++) {
      for (let r = 0; r < RAS_SHAPE[0]; r++) visit([r, a, s]);
    }
  }
}

/** The body stored along the given axes. */
export function bodyAs(codes: string): NiftiImage {
  const axes = axesOf(codes);
  const shape = [RAS_SHAPE[axes[0].world], RAS_SHAPE[axes[1].world], RAS_SHAPE[axes[2].world]] as const;
  const voxels = new Int16Array(shape[0] * shape[1] * shape[2]);
  eachRas((ras) => {
    voxels[storedIndex(codes, ras)] = intensityAt(ras);
  });
  const affine = [0, 1, 2].map((world) => {
    const row = [0, 0, 0, -50 + 10 * world];
    axes.forEach((axis, stored) => {
      if (axis.world !== world) return;
      const step = RAS_SPACING[axis.world];
      row[stored] = axis.rising ? step : -step;
      if (!axis.rising) row[3] = (row[3] ?? 0) + step * (RAS_SHAPE[axis.world] - 1);
    });
    return row;
  });
  return { shape, affine, voxels };
}

/** The same stored voxels under a header turned about all three axes. */
export function turned(image: NiftiImage): NiftiImage {
  const [a, b, c] = [0.31, -0.2, 0.14];
  const [ca, sa, cb, sb, cc, sc] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b), Math.cos(c), Math.sin(c)];
  const turn = [
    [ca * cb, ca * sb * sc - sa * cc, ca * sb * cc + sa * sc],
    [sa * cb, sa * sb * sc + ca * cc, sa * sb * cc - ca * sc],
    [-sb, cb * sc, cb * cc],
  ];
  const affine = turn.map((row) =>
    [0, 1, 2, 3].map((column) => row.reduce((sum, value, at) => sum + value * (image.affine[at]?.[column] ?? 0), 0)),
  );
  return { ...image, affine };
}

/** A mask's voxels put into RAS order. */
export function inRasOrder(codes: string, voxels: Uint8Array): Uint8Array {
  const out = new Uint8Array(voxels.length);
  let at = 0;
  eachRas((ras) => {
    out[at++] = voxels[storedIndex(codes, ras)] ?? 0;
  });
  return out;
}

export function dice(a: Uint8Array, b: Uint8Array): number {
  let [both, sum] = [0, 0];
  a.forEach((value, at) => {
    const other = b[at] ?? 0;
    if (value !== 0 && other !== 0) both++;
    sum += (value === 0 ? 0 : 1) + (other === 0 ? 0 : 1);
  });
  return sum === 0 ? 1 : (2 * both) / sum;
}

/** The lesion itself, in RAS order. */
export function lesionMask(): Uint8Array {
  const out: number[] = [];
  eachRas((ras) => {
    out.push(inside(ras, LESION.centre, LESION.radii) ? 1 : 0);
  });
  return Uint8Array.from(out);
}
