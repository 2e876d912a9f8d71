// The grid of an image: shape, spacing, axes and affine, and the changes of coordinates between them.
import {
  AXES,
  axesFromCodes,
  inRasOrder,
  PLANE_AXES,
  rasFromStored,
  storedAxisOfPlane,
  storedFromRas,
  type Axes,
  type AxisIndex,
  type Plane,
  type Vec3,
} from './axes';

/** Rows of a 4 × 4 matrix. */
export type Affine = readonly (readonly number[])[];

export interface Grid {
  /** Voxels along the stored axes (i, j, k). */
  readonly shape: Vec3;
  /** Millimetres between voxels along the stored axes. */
  readonly spacingMm: Vec3;
  readonly axes: Axes;
  /** Millimetres in RAS from stored voxel indices. */
  readonly rasMmFromStored: Affine;
  /** Voxels along R-L, A-P, S-I. */
  readonly rasShape: Vec3;
  /** Millimetres between voxels along R-L, A-P, S-I. */
  readonly rasSpacingMm: Vec3;
}

/** What the server says of an image, as far as the grid needs it. */
export interface GridSource {
  readonly shape: readonly number[];
  readonly spacing_mm: readonly number[];
  readonly axis_codes: string;
  readonly ras_from_voxel: Affine;
}

function vec3(values: readonly number[]): Vec3 {
  const [a, b, c] = values;
  if (a === undefined || b === undefined || c === undefined) throw new Error('expected three numbers');
  return [a, b, c];
}

export function gridOf(image: GridSource): Grid {
  const axes = axesFromCodes(image.axis_codes);
  const shape = vec3(image.shape);
  const spacingMm = vec3(image.spacing_mm);
  return {
    shape,
    spacingMm,
    axes,
    rasMmFromStored: image.ras_from_voxel,
    rasShape: inRasOrder(axes, shape),
    rasSpacingMm: inRasOrder(axes, spacingMm),
  };
}

/** Applies the first three rows of a 4 × 4 matrix to a point. */
export function applyAffine(affine: Affine, point: Vec3): Vec3 {
  const row = (index: number): number => {
    const [a = 0, b = 0, c = 0, d = 0] = affine[index] ?? [];
    return a * point[0] + b * point[1] + c * point[2] + d;
  };
  return [row(0), row(1), row(2)];
}

/** The inverse of an affine. Throws where the axes are not independent. */
export function invertAffine(affine: Affine): Affine {
  const m = (row: number, column: number): number => affine[row]?.[column] ?? 0;
  const cofactor = (row: number, column: number): number => {
    const [r1, r2] = [(row + 1) % 3, (row + 2) % 3];
    const [c1, c2] = [(column + 1) % 3, (column + 2) % 3];
    return m(r1, c1) * m(r2, c2) - m(r1, c2) * m(r2, c1);
  };
  const determinant = m(0, 0) * cofactor(0, 0) + m(0, 1) * cofactor(0, 1) + m(0, 2) * cofactor(0, 2);
  if (determinant === 0 || !Number.isFinite(determinant)) throw new Error('the affine has no inverse');
  const rows = [0, 1, 2].map((row) => {
    const linear = [0, 1, 2].map((column) => cofactor(column, row) / determinant);
    const [a = 0, b = 0, c = 0] = linear;
    return [a, b, c, -(a * m(0, 3) + b * m(1, 3) + c * m(2, 3))];
  });
  return [...rows, [0, 0, 0, 1]];
}

/** Millimetres in RAS of a RAS-ordered voxel. */
export function mmFromRas(grid: Grid, ras: Vec3): Vec3 {
  return applyAffine(grid.rasMmFromStored, storedFromRas(grid.axes, grid.shape, ras));
}

/** RAS-ordered voxel, not rounded, of millimetres in RAS. */
export function rasFromMm(grid: Grid, mm: Vec3): Vec3 {
  return rasFromStored(grid.axes, grid.shape, applyAffine(invertAffine(grid.rasMmFromStored), mm));
}

/** The nearest voxel inside the grid. */
export function clampRas(grid: Grid, ras: Vec3): Vec3 {
  const clamp = (axis: AxisIndex): number =>
    Math.min(Math.max(Math.round(ras[axis]), 0), grid.rasShape[axis] - 1);
  return [clamp(0), clamp(1), clamp(2)];
}

/** The voxel in the middle of the grid. */
export function centreRas(grid: Grid): Vec3 {
  const [r, a, s] = grid.rasShape;
  return [Math.floor(r / 2), Math.floor(a / 2), Math.floor(s / 2)];
}

/** Stored slice that a plane shows at a voxel. */
export function sliceOfPlane(grid: Grid, plane: Plane, ras: Vec3): { axis: AxisIndex; sliceIndex: number } {
  const axis = storedAxisOfPlane(grid.axes, plane);
  return { axis, sliceIndex: storedFromRas(grid.axes, grid.shape, ras)[axis] };
}

/** The voxel moved so that a plane shows the given stored slice. */
export function rasAtSlice(grid: Grid, plane: Plane, ras: Vec3, sliceIndex: number): Vec3 {
  const axis = storedAxisOfPlane(grid.axes, plane);
  const stored: [number, number, number] = [...storedFromRas(grid.axes, grid.shape, ras)];
  stored[axis] = sliceIndex;
  return clampRas(grid, rasFromStored(grid.axes, grid.shape, stored));
}

/** The voxel moved by whole slices through a plane; positive towards S, A or R. */
export function rasStepped(grid: Grid, plane: Plane, ras: Vec3, steps: number): Vec3 {
  const moved: [number, number, number] = [...ras];
  moved[PLANE_AXES[plane].normal] += steps;
  return clampRas(grid, moved);
}

/** Index into an array of voxels, i fastest. */
export function storedOffset(shape: Vec3, stored: Vec3): number {
  return stored[0] + shape[0] * (stored[1] + shape[1] * stored[2]);
}

/** How far apart neighbours along each RAS axis lie in an array of stored voxels, and where RAS (0, 0, 0) lies. */
export function rasStrides(grid: Grid): { start: number; strides: Vec3 } {
  const storedStrides: Vec3 = [1, grid.shape[0], grid.shape[0] * grid.shape[1]];
  const strides: [number, number, number] = [0, 0, 0];
  for (const axis of AXES) {
    strides[grid.axes.ras[axis]] = grid.axes.rising[axis] ? storedStrides[axis] : -storedStrides[axis];
  }
  const start = storedOffset(grid.shape, storedFromRas(grid.axes, grid.shape, [0, 0, 0]));
  return { start, strides };
}
