// Stored voxel axes against the patient's axes: which stored index runs along R-L, A-P, S-I, and which way.

/** Three numbers along three axes; the name of the variable says which axes. */
export type Vec3 = readonly [number, number, number];

/** An axis of the stored image, or of the patient: 0, 1 or 2. */
export type AxisIndex = 0 | 1 | 2;

export const AXES: readonly AxisIndex[] = [0, 1, 2];

/** The three anatomical planes. */
export type Plane = 'axial' | 'coronal' | 'sagittal';

export const PLANES: readonly Plane[] = ['axial', 'coronal', 'sagittal'];

export function isPlane(name: string): name is Plane {
  return PLANES.some((plane) => plane === name);
}

/** How the stored axes lie in the patient, to the nearest anatomical direction. */
export interface Axes {
  /** For each stored axis, the patient's axis it runs along: 0 right-left, 1 anterior-posterior, 2 superior-inferior. */
  readonly ras: readonly [AxisIndex, AxisIndex, AxisIndex];
  /** For each stored axis, whether its index rises towards R, A or S. */
  readonly rising: readonly [boolean, boolean, boolean];
}

/** The patient's axes that a plane shows: `normal` through it, `across` horizontally, `up` vertically. */
export interface PlaneAxes {
  readonly normal: AxisIndex;
  readonly across: AxisIndex;
  readonly up: AxisIndex;
}

export const PLANE_AXES: Readonly<Record<Plane, PlaneAxes>> = {
  axial: { normal: 2, across: 0, up: 1 },
  coronal: { normal: 1, across: 0, up: 2 },
  sagittal: { normal: 0, across: 1, up: 2 },
};

const LETTERS: Readonly<Record<string, readonly [AxisIndex, boolean]>> = {
  R: [0, true],
  L: [0, false],
  A: [1, true],
  P: [1, false],
  S: [2, true],
  I: [2, false],
};

/** Reads axis codes such as `RAS` or `PLI`. Throws where they name no orientation. */
export function axesFromCodes(codes: string): Axes {
  const read = (position: AxisIndex): readonly [AxisIndex, boolean] => {
    const entry = LETTERS[codes.charAt(position)];
    if (entry === undefined) throw new Error(`axis codes are not valid: ${codes}`);
    return entry;
  };
  const [i, j, k] = [read(0), read(1), read(2)];
  if (codes.length !== 3 || new Set([i[0], j[0], k[0]]).size !== 3) {
    throw new Error(`axis codes are not valid: ${codes}`);
  }
  return { ras: [i[0], j[0], k[0]], rising: [i[1], j[1], k[1]] };
}

/** The stored axis that runs along one of the patient's axes. */
export function storedAxisOf(axes: Axes, rasAxis: AxisIndex): AxisIndex {
  return AXES.find((axis) => axes.ras[axis] === rasAxis) ?? 0;
}

/** The stored axis that a plane is orthogonal to. */
export function storedAxisOfPlane(axes: Axes, plane: Plane): AxisIndex {
  return storedAxisOf(axes, PLANE_AXES[plane].normal);
}

/** The plane that shows slices of a stored axis. */
export function planeOfStoredAxis(axes: Axes, axis: AxisIndex): Plane {
  const rasAxis = axes.ras[axis];
  return PLANES.find((plane) => PLANE_AXES[plane].normal === rasAxis) ?? 'axial';
}

/** Three values of the stored axes, put in the order R-L, A-P, S-I. */
export function inRasOrder(axes: Axes, stored: Vec3): Vec3 {
  return [stored[storedAxisOf(axes, 0)], stored[storedAxisOf(axes, 1)], stored[storedAxisOf(axes, 2)]];
}

/** RAS-ordered voxel of a stored voxel. `shape` is the stored shape. */
export function rasFromStored(axes: Axes, shape: Vec3, stored: Vec3): Vec3 {
  const ras: [number, number, number] = [0, 0, 0];
  for (const axis of AXES) {
    ras[axes.ras[axis]] = axes.rising[axis] ? stored[axis] : shape[axis] - 1 - stored[axis];
  }
  return ras;
}

/** Stored voxel of a RAS-ordered voxel. `shape` is the stored shape. */
export function storedFromRas(axes: Axes, shape: Vec3, ras: Vec3): Vec3 {
  const at = (axis: AxisIndex): number => {
    const value = ras[axes.ras[axis]];
    return axes.rising[axis] ? value : shape[axis] - 1 - value;
  };
  return [at(0), at(1), at(2)];
}

/** The stored axes that a slice's x and y run along: the other two, ascending. */
export function sliceAxes(axis: AxisIndex): readonly [AxisIndex, AxisIndex] {
  if (axis === 0) return [1, 2];
  return axis === 1 ? [0, 2] : [0, 1];
}

/** A stored voxel from a slice and a place on it. */
export function storedFromSlice(axis: AxisIndex, sliceIndex: number, x: number, y: number): Vec3 {
  const stored: [number, number, number] = [0, 0, 0];
  const [xAxis, yAxis] = sliceAxes(axis);
  stored[axis] = sliceIndex;
  stored[xAxis] = x;
  stored[yAxis] = y;
  return stored;
}

/** Narrows a number of the API to an axis. */
export function axisIndex(value: number): AxisIndex {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new Error(`no such axis: ${value}`);
}
