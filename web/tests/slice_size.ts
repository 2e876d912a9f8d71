// Size of a slice, for tests.
import { sliceAxes, type AxisIndex } from '../src/core/axes';
import type { SliceSize } from '../src/core/box';
import type { Grid } from '../src/core/grid';

export function sliceSizeOf(grid: Grid, axis: AxisIndex): SliceSize {
  const [x, y] = sliceAxes(axis);
  return [grid.shape[x], grid.shape[y]];
}
