// What an editing tool shows before anything is changed.
import type { AxisIndex, Plane } from '../axes';
import type { Edge } from './brush';

/** On one slice, in its stored x and y. */
export interface ToolPreview {
  readonly plane: Plane;
  readonly slice: { readonly axis: AxisIndex; readonly sliceIndex: number };
  /** Lines around the voxels that a press would change, in voxel corners. */
  readonly edges: readonly Edge[];
  /** A line being drawn; it will be closed. */
  readonly lasso: readonly (readonly [number, number])[];
  readonly color: string;
  /** Intensities that a press would paint, tinted on the whole slice. */
  readonly range: readonly [number, number] | null;
}
