// What a drag on the slices is, and what most drags ask.
import { storedAxisOfPlane } from '../core/axes';
import { sliceOfPlane } from '../core/grid';
import type { PromptKey } from '../core/prompts';
import type { CanvasPoint, Tile } from '../core/tile';
import { sliceSize } from '../state/prompts';
import type { OpenJob } from '../state/store';

/** What a drag does, from its start to its end. */
export interface Drag {
  move(point: CanvasPoint): void;
  end(point: CanvasPoint): void;
  /** All places since the last call, where a stroke must leave no gap; called instead of `move`. */
  trace?(points: readonly CanvasPoint[]): void;
  /** The drag was taken away, by a second finger say; without it the drag ends where it is. */
  cancel?(): void;
}

/** Shorter drags are clicks. */
export const MIN_DRAG = 3;

export function nothing(): void {
  // A drag whose end needs no more than its last move.
}

/** The prompt that marks on a tile go to. */
export function keyOf(open: OpenJob, tile: Tile): PromptKey {
  return { ...sliceOfPlane(open.grid, tile.plane, open.cursor), label: open.label };
}

/** Voxels along x and y of the slice that a tile shows. */
export function tileSize(open: OpenJob, tile: Tile): readonly [number, number] {
  return sliceSize(open.grid, storedAxisOfPlane(open.grid.axes, tile.plane));
}

export function distance(a: CanvasPoint, b: CanvasPoint): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
