// Clicks that set and take away points.
import { promptAt } from '../core/prompts';
import { canvasFromSlice, sliceFromCanvas, type CanvasPoint, type Tile } from '../core/tile';
import { addPoint, removePoint } from '../state/prompts';
import type { OpenJob } from '../state/store';
import { distance, keyOf, nothing, tileSize, type Drag } from './drag';

const POINT_RADIUS = 8;

/** A click adds a point, or takes away the one it hits. */
export function pointDrag(open: OpenJob, tile: Tile, start: CanvasPoint, positive: boolean): Drag {
  const key = keyOf(open, tile);
  const points = promptAt(open.job.prompts, key)?.points ?? [];
  const slice = { axis: key.axis, sliceIndex: key.sliceIndex };
  const hit = points.findIndex(({ x, y }) => distance(canvasFromSlice(open.grid, tile, slice, [x, y]), start) <= POINT_RADIUS);
  const [x, y] = sliceFromCanvas(open.grid, tile, start, open.cursor).map(Math.round);
  const size = tileSize(open, tile);
  if (hit >= 0) removePoint(key, hit);
  else if (x !== undefined && y !== undefined && x >= 0 && y >= 0 && x < size[0] && y < size[1]) addPoint(key, x, y, positive);
  return { move: nothing, end: nothing };
}
