// From one object to the next.
import { rasFromStored, type Vec3 } from '../core/axes';
import { middleOf } from '../core/edit/census';
import { chooseLabel } from './labels';
import { getState } from './store';
import { setCursor } from './view';

/** Chooses the next object of the list, or the one before, and goes to its middle; where it has no voxels, the place stays. */
export function stepObject(direction: 1 | -1): void {
  const open = getState().open;
  if (open === null) return;
  const { job, grid, mask, label } = open;
  const n = job.labels.length;
  const at = job.labels.findIndex((it) => it.value === label);
  const next = job.labels[(at + direction + n) % n]?.value;
  if (next === undefined) return;
  chooseLabel(next);
  if (mask === null) return;
  const [i, j, k] = ([0, 1, 2] as const).map((axis) => middleOf(mask, axis, next));
  if (i === null || i === undefined || j === null || j === undefined || k === null || k === undefined) return;
  const stored: Vec3 = [i, j, k];
  setCursor(rasFromStored(grid.axes, grid.shape, stored));
}
