// Drags that draw, move and resize a box.
import { boxBetween, boxContains, HANDLES, handlePlace, moveBox, resizeBox, type Box, type Handle } from '../core/box';
import { sliceOfPlane } from '../core/grid';
import { boxOf, promptAt, type PromptKey } from '../core/prompts';
import { canvasFromSlice, rasFromCanvas, sliceFromCanvas, type CanvasPoint, type Tile } from '../core/tile';
import { cancelDrag, setBox, sliceSize } from '../state/prompts';
import { patchOpen, type OpenJob } from '../state/store';
import { setCursor } from '../state/view';
import { HANDLE_RADIUS } from '../viewer/overlay';
import { distance, keyOf, MIN_DRAG, type Drag } from './drag';

/** The handle of a box under a place on the canvas. */
export function handleAt(open: OpenJob, tile: Tile, box: Box, point: CanvasPoint): Handle | null {
  const slice = sliceOfPlane(open.grid, tile.plane, open.cursor);
  const near = (handle: Handle): boolean =>
    distance(canvasFromSlice(open.grid, tile, slice, handlePlace(box, handle)), point) <= HANDLE_RADIUS + 4;
  return [...HANDLES].reverse().find(near) ?? null;
}

/** Puts the crosshair into the middle of a box, so that the other planes show the object. */
function lookAtBox(key: PromptKey, box: Box): void {
  patchOpen((open) => {
    const slice = { axis: key.axis, sliceIndex: key.sliceIndex };
    const stored: number[] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    stored.splice(slice.axis, 0, slice.sliceIndex);
    const ras: [number, number, number] = [0, 0, 0];
    stored.forEach((value, axis) => {
      const rising = open.grid.axes.rising[axis];
      const size = open.grid.shape[axis] ?? 1;
      ras[open.grid.axes.ras[axis] ?? 0] = Math.round(rising === true ? value : size - 1 - value);
    });
    return { cursor: ras };
  });
}

function newBoxDrag(open: OpenJob, tile: Tile, start: CanvasPoint): Drag {
  const key = keyOf(open, tile);
  const size = sliceSize(open.grid, key.axis);
  const from = sliceFromCanvas(open.grid, tile, start, open.cursor);
  const boxTo = (point: CanvasPoint): Box => boxBetween(from, sliceFromCanvas(open.grid, tile, point, open.cursor), size);
  return {
    move: (point) => {
      if (distance(start, point) >= MIN_DRAG) setBox(key, boxTo(point), 'going on');
    },
    end: (point) => {
      if (distance(start, point) < MIN_DRAG) {
        setCursor(rasFromCanvas(tile, point, open.cursor), tile.plane);
        return;
      }
      setBox(key, boxTo(point), 'done');
      lookAtBox(key, boxTo(point));
    },
  };
}

function resizeDrag(open: OpenJob, tile: Tile, box: Box, handle: Handle): Drag {
  const key = keyOf(open, tile);
  const size = sliceSize(open.grid, key.axis);
  const resized = (point: CanvasPoint): Box => {
    const [x, y] = sliceFromCanvas(open.grid, tile, point, open.cursor);
    // A handle lies half a voxel outside the corner voxel's centre.
    const inward = (side: '1' | '2'): number => (side === '1' ? 0.5 : -0.5);
    const to = [
      x + (handle.includes('x1') ? inward('1') : inward('2')),
      y + (handle.includes('y1') ? inward('1') : inward('2')),
    ] as const;
    return resizeBox(box, handle, to, size);
  };
  return {
    move: (point) => {
      setBox(key, resized(point), 'going on');
    },
    end: (point) => {
      setBox(key, resized(point), 'done');
    },
  };
}

function moveDrag(open: OpenJob, tile: Tile, box: Box, start: CanvasPoint): Drag {
  const key = keyOf(open, tile);
  const size = sliceSize(open.grid, key.axis);
  const from = sliceFromCanvas(open.grid, tile, start, open.cursor);
  const moved = (point: CanvasPoint): Box => {
    const to = sliceFromCanvas(open.grid, tile, point, open.cursor);
    return moveBox(box, to[0] - from[0], to[1] - from[1], size);
  };
  return {
    move: (point) => {
      setBox(key, moved(point), 'going on');
    },
    end: (point) => {
      if (distance(start, point) >= MIN_DRAG) setBox(key, moved(point), 'done');
      else cancelDrag();
    },
  };
}

export function boxDrag(open: OpenJob, tile: Tile, start: CanvasPoint): Drag {
  const box = boxOf(promptAt(open.job.prompts, keyOf(open, tile)));
  if (box === null) return newBoxDrag(open, tile, start);
  const handle = handleAt(open, tile, box, start);
  if (handle !== null) return resizeDrag(open, tile, box, handle);
  const place = sliceFromCanvas(open.grid, tile, start, open.cursor);
  return boxContains(box, place) ? moveDrag(open, tile, box, start) : newBoxDrag(open, tile, start);
}
