// All ways to store a volume along the patient's axes: 6 orders × 8 directions, and affines for them.
import { AXES, type AxisIndex, type Vec3 } from '../src/core/axes';
import { gridOf, type Affine, type Grid } from '../src/core/grid';

const LETTERS = ['RL', 'AP', 'SI'];

export function allAxisCodes(): string[] {
  const codes: string[] = [];
  for (const a of AXES) {
    for (const b of AXES) {
      for (const c of AXES) {
        if (a === b || b === c || a === c) continue;
        for (let flips = 0; flips < 8; flips++) {
          codes.push([a, b, c].map((axis, at) => LETTERS[axis]?.charAt((flips >> at) & 1) ?? '').join(''));
        }
      }
    }
  }
  return codes;
}

/** A rotation by angles about R, A and S, in radians. */
export function rotation(about: Vec3): number[][] {
  const [x, y, z] = about;
  const rx = [[1, 0, 0], [0, Math.cos(x), -Math.sin(x)], [0, Math.sin(x), Math.cos(x)]];
  const ry = [[Math.cos(y), 0, Math.sin(y)], [0, 1, 0], [-Math.sin(y), 0, Math.cos(y)]];
  const rz = [[Math.cos(z), -Math.sin(z), 0], [Math.sin(z), Math.cos(z), 0], [0, 0, 1]];
  const times = (m: number[][], n: number[][]): number[][] =>
    m.map((row) => [0, 1, 2].map((column) => row.reduce((sum, value, at) => sum + value * (n[at]?.[column] ?? 0), 0)));
  return times(rx, times(ry, rz));
}

/** A grid whose stored axes point as the codes say, turned by a rotation. */
export function gridWith(codes: string, shape: Vec3, spacing: Vec3, about: Vec3 = [0, 0, 0]): Grid {
  const turn = rotation(about);
  const straight = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  Array.from(codes).forEach((letter, stored) => {
    const world = LETTERS.findIndex((pair) => pair.includes(letter));
    const row = straight[world];
    if (row !== undefined) row[stored] = (LETTERS[world]?.startsWith(letter) ? 1 : -1) * spacing[stored as AxisIndex];
  });
  const affine: Affine = [0, 1, 2].map((row) => [
    ...[0, 1, 2].map((column) => straight.reduce((sum, values, at) => sum + (turn[row]?.[at] ?? 0) * (values[column] ?? 0), 0)),
    [-31.5, 12.25, 80][row] ?? 0,
  ]);
  return gridOf({ shape, spacing_mm: spacing, axis_codes: codes, ras_from_voxel: [...affine, [0, 0, 0, 1]] });
}
