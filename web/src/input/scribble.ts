// Drags that draw strokes inside and outside the object; a click takes one away.
import { promptAt } from '../core/prompts';
import { placeInside, scribbleAt, simplified, type Place } from '../core/scribble';
import { sliceFromCanvas, type CanvasPoint, type Tile } from '../core/tile';
import { cancelDrag, removeScribble, setScribble, setScribbleRadius, type Phase } from '../state/prompts';
import type { OpenJob } from '../state/store';
import { distance, keyOf, MIN_DRAG, tileSize, type Drag } from './drag';

/** Corners of a stroke lie at least this far apart, in voxels. */
const STEP_VOXELS = 0.25;

/** A click this far beside a stroke, in pixels, still means it. */
const NEAR_PIXELS = 5;

export function scribbleDrag(open: OpenJob, tile: Tile, start: CanvasPoint, positive: boolean): Drag {
  const key = keyOf(open, tile);
  const size = tileSize(open, tile);
  const strokes = promptAt(open.job.prompts, key)?.scribbles ?? [];
  const placeAt = (point: CanvasPoint): Place => placeInside(sliceFromCanvas(open.grid, tile, point, open.cursor), size);
  const path: Place[] = [placeAt(start)];
  let isDrawing = false;
  const draw = (places: readonly Place[], phase: Phase): void => {
    const scribble = { path: places.map(([x, y]) => [x, y]), radius: open.scribbleRadius, positive };
    setScribble(key, strokes.length, scribble, phase);
  };
  const trace = (points: readonly CanvasPoint[]): void => {
    for (const point of points) {
      isDrawing ||= distance(start, point) >= MIN_DRAG;
      const place = placeAt(point);
      const last = path[path.length - 1] ?? place;
      if (Math.hypot(place[0] - last[0], place[1] - last[1]) >= STEP_VOXELS) path.push(place);
    }
    if (isDrawing) draw(path, 'going on');
  };
  return {
    move: (point) => {
      trace([point]);
    },
    trace,
    end: (point) => {
      const hit = isDrawing ? -1 : scribbleAt(strokes, placeAt(point), NEAR_PIXELS / Math.abs(tile.across.pixelsPerVoxel));
      if (hit >= 0) removeScribble(key, hit);
      else draw(isDrawing ? simplified(path) : path.slice(0, 1), 'done');
    },
    cancel: cancelDrag,
  };
}

/** The wheel makes the next stroke wider or narrower. */
export function turnScribbleRadius(open: OpenJob, event: WheelEvent): boolean {
  if (!event.altKey) return false;
  setScribbleRadius(open.scribbleRadius - Math.sign(event.deltaY) * 0.5);
  return true;
}
