// One slice of a volume as a flat field of voxels: where each lies in the array, how large it is in the patient.
import { sliceAxes, storedFromSlice, type AxisIndex } from '../axes';
import { storedOffset, type Grid } from '../grid';

export interface SlicePlane {
  readonly axis: AxisIndex;
  readonly sliceIndex: number;
  /** Voxels along the slice's x and y. */
  readonly size: readonly [number, number];
  /** Offset of voxel (0, 0), and how far apart neighbours along x and y lie. */
  readonly start: number;
  readonly strides: readonly [number, number];
  /** Millimetres between voxels along x and y. */
  readonly spacingMm: readonly [number, number];
}

export function slicePlane({ shape, spacingMm }: Pick<Grid, 'shape' | 'spacingMm'>, axis: AxisIndex, sliceIndex: number): SlicePlane {
  const [xAxis, yAxis] = sliceAxes(axis);
  const strides = [1, shape[0], shape[0] * shape[1]] as const;
  return {
    axis,
    sliceIndex,
    size: [shape[xAxis], shape[yAxis]],
    start: storedOffset(shape, storedFromSlice(axis, sliceIndex, 0, 0)),
    strides: [strides[xAxis], strides[yAxis]],
    spacingMm: [spacingMm[xAxis], spacingMm[yAxis]],
  };
}

/** Offset of a voxel of the slice. */
export function planeOffset(plane: SlicePlane, x: number, y: number): number {
  return plane.start + x * plane.strides[0] + y * plane.strides[1];
}
