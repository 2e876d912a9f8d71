// Strokes of prompts over the slices: as wide as the voxels they mark.
import type { Scribble } from '../api/types';
import type { AxisIndex } from '../core/axes';
import type { Grid } from '../core/grid';
import { canvasFromSlice, type Tile } from '../core/tile';

export const POSITIVE_COLOR = '#4ade80';
export const NEGATIVE_COLOR = '#ff6b5e';
const SHADOW = 'rgba(0, 0, 0, 0.85)';

interface Slice {
  readonly axis: AxisIndex;
  readonly sliceIndex: number;
}

function drawStroke(context: CanvasRenderingContext2D, path: Path2D, scribble: Scribble, pixelsPerVoxel: number): void {
  const color = scribble.positive ? POSITIVE_COLOR : NEGATIVE_COLOR;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.globalAlpha = 0.35;
  context.strokeStyle = color;
  context.lineWidth = Math.max((2 * (scribble.radius ?? 0) + 1) * pixelsPerVoxel, 4);
  context.stroke(path);
  context.globalAlpha = 1;
  context.strokeStyle = SHADOW;
  context.lineWidth = 4;
  context.stroke(path);
  context.strokeStyle = color;
  context.lineWidth = 2;
  if (!scribble.positive) context.setLineDash([5, 4]);
  context.stroke(path);
}

/** Draws the strokes of a slice. */
export function drawScribbles(context: CanvasRenderingContext2D, grid: Grid, tile: Tile, slice: Slice, scribbles: readonly Scribble[]): void {
  const pixelsPerVoxel = (Math.abs(tile.across.pixelsPerVoxel) + Math.abs(tile.up.pixelsPerVoxel)) / 2;
  for (const scribble of scribbles) {
    const path = new Path2D();
    const places = scribble.path.map(([x = 0, y = 0]) => canvasFromSlice(grid, tile, slice, [x, y]));
    const [first] = places;
    if (first === undefined) continue;
    path.moveTo(...first);
    // A single place is drawn as a dot: a line of no length has no round ends in every browser.
    if (places.length === 1) path.lineTo(first[0] + 0.01, first[1]);
    for (const place of places.slice(1)) path.lineTo(...place);
    context.save();
    drawStroke(context, path, scribble, pixelsPerVoxel);
    context.restore();
  }
}
