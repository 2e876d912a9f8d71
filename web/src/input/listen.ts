// Mouse, pen and touch on the slices: which drag begins, the wheel, and what lies under the pointer.
import type { Vec3 } from '../core/axes';
import { boxContains } from '../core/box';
import { boxOf, promptAt } from '../core/prompts';
import { contains, rasFromCanvas, sliceFromCanvas, type CanvasPoint, type Tile } from '../core/tile';
import { getState, patchOpen, type OpenJob } from '../state/store';
import { setHover, stepSlice } from '../state/view';
import { boxDrag, handleAt } from './box';
import { keyOf, type Drag } from './drag';
import { cursorDrag, panDrag, windowDrag, zoomAt } from './navigate';
import { pointDrag } from './points';

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
