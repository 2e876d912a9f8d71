// Mouse, pen and touch on the slices: crosshair, boxes, points, window, pan, magnification, wheel.
import { PLANE_AXES, storedAxisOfPlane, type Vec3 } from '../core/axes';
import { boxBetween, boxContains, HANDLES, handlePlace, moveBox, resizeBox, type Box, type Handle } from '../core/box';
import { sliceOfPlane } from '../core/grid';
import { boxOf, promptAt, type PromptKey } from '../core/prompts';
import { canvasFromSlice, contains, rasFromCanvas, sliceFromCanvas, type CanvasPoint, type Tile } from '../core/tile';
import { draggedWindow } from '../core/window';
import { addPoint, removePoint, setBox, sliceSize } from '../state/prompts';
import { getState, patchOpen, type OpenJob } from '../state/store';
import { setCamera, setCursor, setHover, setWindow, stepSlice } from '../state/view';
import { HANDLE_RADIUS } from '../viewer/overlay';

/** What a drag does, from its start to its end. */
interface Drag {
  move(point: CanvasPoint): void;
  end(point: CanvasPoint): void;
}

const POINT_RADIUS = 8;
const MIN_DRAG = 3;
const MAX_ZOOM = 20;

function nothing(): void {
  // A drag whose end needs no more than its last move.
}

function keyOf(open: OpenJob, tile: Tile): PromptKey {
  return { ...sliceOfPlane(open.grid, tile.plane, open.cursor), label: open.label };
}

function distance(a: CanvasPoint, b: CanvasPoint): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

/** The handle of a box under a place on the canvas. */
export function handleAt(open: OpenJob, tile: Tile, box: Box, point: CanvasPoint): Handle | null {
  const slice = sliceOfPlane(open.grid, tile.plane, open.cursor);
  const near = (handle: Handle): boolean =>
    distance(canvasFromSlice(open.grid, tile, slice, handlePlace(box, handle)), point) <= HANDLE_RADIUS + 4;
  return [...HANDLES].reverse().find(near) ?? null;
}

function cursorDrag(tile: Tile): Drag {
  const move = (point: CanvasPoint): void => {
    const open = getState().open;
    if (open !== null) setCursor(rasFromCanvas(tile, point, open.cursor), tile.plane);
  };
  return { move, end: nothing };
}

function windowDrag(open: OpenJob, start: CanvasPoint): Drag {
  const { window } = open;
  return {
    move: (point) => {
      setWindow(draggedWindow(window, point[0] - start[0], point[1] - start[1], open.job.image.intensity_range));
    },
    end: nothing,
  };
}

function panDrag(open: OpenJob, tile: Tile, start: CanvasPoint): Drag {
  const { across, up } = PLANE_AXES[tile.plane];
  const { camera, grid } = open;
  return {
    move: (point) => {
      const panMm: [number, number, number] = [...camera.panMm];
      panMm[across] += ((point[0] - start[0]) / tile.across.pixelsPerVoxel) * grid.rasSpacingMm[across];
      panMm[up] += ((point[1] - start[1]) / tile.up.pixelsPerVoxel) * grid.rasSpacingMm[up];
      setCamera({ ...camera, panMm });
    },
    end: nothing,
  };
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
      if (distance(start, point) >= MIN_DRAG) setBox(key, boxTo(point), false);
    },
    end: (point) => {
      if (distance(start, point) < MIN_DRAG) {
        setCursor(rasFromCanvas(tile, point, open.cursor), tile.plane);
        return;
      }
      setBox(key, boxTo(point), true);
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
      setBox(key, resized(point), false);
    },
    end: (point) => {
      setBox(key, resized(point), true);
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
      setBox(key, moved(point), false);
    },
    end: (point) => {
      if (distance(start, point) >= MIN_DRAG) setBox(key, moved(point), true);
    },
  };
}

function boxDrag(open: OpenJob, tile: Tile, start: CanvasPoint): Drag {
  const box = boxOf(promptAt(open.job.prompts, keyOf(open, tile)));
  if (box === null) return newBoxDrag(open, tile, start);
  const handle = handleAt(open, tile, box, start);
  if (handle !== null) return resizeDrag(open, tile, box, handle);
  const place = sliceFromCanvas(open.grid, tile, start, open.cursor);
  return boxContains(box, place) ? moveDrag(open, tile, box, start) : newBoxDrag(open, tile, start);
}

/** A click adds a point, or takes away the one it hits. */
function pointDrag(open: OpenJob, tile: Tile, start: CanvasPoint, positive: boolean): Drag {
  const key = keyOf(open, tile);
  const points = promptAt(open.job.prompts, key)?.points ?? [];
  const slice = { axis: key.axis, sliceIndex: key.sliceIndex };
  const hit = points.findIndex(({ x, y }) => distance(canvasFromSlice(open.grid, tile, slice, [x, y]), start) <= POINT_RADIUS);
  const [x, y] = sliceFromCanvas(open.grid, tile, start, open.cursor).map(Math.round);
  const size = sliceSize(open.grid, storedAxisOfPlane(open.grid.axes, tile.plane));
  if (hit >= 0) removePoint(key, hit);
  else if (x !== undefined && y !== undefined && x >= 0 && y >= 0 && x < size[0] && y < size[1]) addPoint(key, x, y, positive);
  return { move: nothing, end: nothing };
}

function startDrag(open: OpenJob, tile: Tile, point: CanvasPoint, event: PointerEvent, isSpaceDown: boolean): Drag | null {
  if (event.button === 2) return windowDrag(open, point);
  if (event.button === 1 || (event.button === 0 && isSpaceDown)) return panDrag(open, tile, point);
  if (event.button !== 0) return null;
  if (open.plane !== tile.plane) patchOpen({ plane: tile.plane });
  switch (open.tool) {
    case 'navigate':
      return cursorDrag(tile);
    case 'box':
      return boxDrag(open, tile, point);
    case 'positive':
    case 'negative':
      return pointDrag(open, tile, point, open.tool === 'positive');
  }
}

/** Magnifies about a place, which stays where it is. */
function zoomAt(open: OpenJob, tile: Tile, point: CanvasPoint, factor: number): void {
  const { across, up } = PLANE_AXES[tile.plane];
  const zoom = Math.min(Math.max(open.camera.zoom * factor, 1), MAX_ZOOM);
  if (zoom === 1) {
    setCamera({ zoom: 1, panMm: [0, 0, 0] });
    return;
  }
  const under = rasFromCanvas(tile, point, open.cursor);
  const panMm: [number, number, number] = [...open.camera.panMm];
  for (const axis of [across, up]) {
    // Millimetres from the image's middle to the place; pan and place together must keep its pixels.
    const fromMiddle = (under[axis] - (open.grid.rasShape[axis] - 1) / 2) * open.grid.rasSpacingMm[axis];
    panMm[axis] = ((fromMiddle + panMm[axis]) * open.camera.zoom) / zoom - fromMiddle;
  }
  setCamera({ zoom, panMm });
}

export interface ImageInput {
  /** Tells again what lies under the pointer, after the picture moved beneath it. */
  readonly refresh: () => void;
  readonly stop: () => void;
}

/** Listens on the overlay; `tilesNow` gives the panes as they are. */
export function listenToImage(overlay: HTMLCanvasElement, tilesNow: () => readonly Tile[]): ImageInput {
  let pointer: CanvasPoint | null = null;
  let drag: Drag | null = null;
  let isSpaceDown = false;
  let wheelRest = 0;
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const placeOf = (event: MouseEvent): CanvasPoint => {
    const bounds = overlay.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  const refresh = (): void => {
    const open = getState().open;
    if (open === null) return;
    const hover = pointer === null ? null : hovered(open, tileAt(pointer), pointer);
    if (hover !== null || getState().hover !== null) setHover(hover);
  };
  const tileAt = (point: CanvasPoint): Tile | undefined => tilesNow().find(({ pane }) => contains(pane, point));

  overlay.addEventListener(
    'pointerdown',
    (event) => {
      const open = getState().open;
      const point = placeOf(event);
      const tile = tileAt(point);
      if (open === null || tile === undefined || drag !== null) return;
      drag = startDrag(open, tile, point, event, isSpaceDown);
      if (drag === null) return;
      event.preventDefault();
      overlay.focus({ preventScroll: true });
      overlay.setPointerCapture(event.pointerId);
      if (event.button === 0 && open.tool === 'navigate' && !isSpaceDown) drag.move(point);
    },
    options,
  );
  overlay.addEventListener(
    'pointermove',
    (event) => {
      const open = getState().open;
      const point = placeOf(event);
      drag?.move(point);
      const tile = tileAt(point);
      pointer = point;
      refresh();
      if (open === null) return;
      overlay.style.cursor = cursorShape(open, tile, point, drag !== null);
    },
    options,
  );
  const finish = (event: PointerEvent): void => {
    drag?.end(placeOf(event));
    drag = null;
  };
  overlay.addEventListener('pointerup', finish, options);
  overlay.addEventListener('pointercancel', finish, options);
  overlay.addEventListener(
    'pointerleave',
    () => {
      pointer = null;
      refresh();
    },
    options,
  );
  overlay.addEventListener(
    'contextmenu',
    (event) => {
      event.preventDefault();
    },
    options,
  );
  overlay.addEventListener(
    'wheel',
    (event) => {
      const open = getState().open;
      const point = placeOf(event);
      const tile = tileAt(point);
      event.preventDefault();
      if (open === null || tile === undefined) return;
      if (event.ctrlKey) {
        zoomAt(open, tile, point, Math.exp(-event.deltaY / 400));
        return;
      }
      // A trackpad sends many small turns; a mouse wheel's notch is one slice.
      wheelRest += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 50 : event.deltaY;
      const steps = Math.abs(wheelRest) >= 1 ? Math.sign(wheelRest) : 0;
      if (steps !== 0) {
        wheelRest = 0;
        stepSlice(tile.plane, -steps);
      }
    },
    { ...options, passive: false },
  );
  const onSpace = (event: KeyboardEvent): void => {
    if (event.code !== 'Space') return;
    isSpaceDown = event.type === 'keydown';
    if (document.activeElement === overlay) event.preventDefault();
  };
  window.addEventListener('keydown', onSpace, options);
  window.addEventListener('keyup', onSpace, options);
  return {
    refresh,
    stop: () => {
      stop.abort();
    },
  };
}

function hovered(open: OpenJob, tile: Tile | undefined, point: CanvasPoint): Vec3 | null {
  if (tile === undefined || !contains(tile.frame, point)) return null;
  const ras = rasFromCanvas(tile, point, open.cursor);
  const isInside = ras.every((value, axis) => Math.round(value) >= 0 && Math.round(value) < (open.grid.rasShape[axis] ?? 0));
  return isInside ? ras : null;
}

function cursorShape(open: OpenJob, tile: Tile | undefined, point: CanvasPoint, isDragging: boolean): string {
  if (tile === undefined) return 'default';
  if (open.tool !== 'box' || isDragging) return 'crosshair';
  const box = boxOf(promptAt(open.job.prompts, keyOf(open, tile)));
  if (box === null) return 'crosshair';
  if (handleAt(open, tile, box, point) !== null) return 'pointer';
  return boxContains(box, sliceFromCanvas(open.grid, tile, point, open.cursor)) ? 'move' : 'crosshair';
}
