// Mouse and pen on the slices: which drag begins, the wheel, and what lies under the pointer. Fingers: touch.ts.
import type { Vec3 } from '../core/axes';
import { contains, rasFromCanvas, type CanvasPoint, type Tile } from '../core/tile';
import { showPreview } from '../state/live';
import { getState, patchOpen, type OpenJob, type Tool } from '../state/store';
import { enlarge, setHover, stepSlice } from '../state/view';
import type { Drag } from './drag';
import { panDrag, windowDrag, zoomAt } from './navigate';
import { TOOL_INPUT, type Touch } from './tools';
import { isFinger, listenToFingers } from './touch';

function startDrag({ open, tile, point, event }: Touch, isSpaceDown: boolean): Drag | null {
  if (event.button === 2) return windowDrag(open, point);
  if (event.button === 1 || (event.button === 0 && isSpaceDown)) return panDrag(open, tile, point);
  return event.button === 0 ? toolDrag({ open, tile, point, event }) : null;
}

/** What the tool in hand does from here on. */
function toolDrag(touch: Touch): Drag | null {
  const { open, tile } = touch;
  if (open.plane !== tile.plane) patchOpen({ plane: tile.plane });
  return TOOL_INPUT[open.tool].begin(touch);
}

/** Tools for which two quick clicks mean nothing else: there they make a pane larger. */
const ENLARGING_TOOLS: ReadonlySet<Tool> = new Set(['navigate', 'box']);

function enlargeOnDoubleClick(overlay: HTMLCanvasElement, tileUnder: (event: MouseEvent) => Tile | undefined, signal: AbortSignal): void {
  overlay.addEventListener(
    'dblclick',
    (event) => {
      const tile = tileUnder(event);
      const tool = getState().open?.tool;
      if (tile !== undefined && tool !== undefined && ENLARGING_TOOLS.has(tool)) enlarge(tile.plane);
    },
    { signal },
  );
}

/** The wheel: the tool's own use of it with Ctrl or Alt, magnification with Ctrl, else slices. */
function wheelOf(): (touch: Touch, event: WheelEvent) => void {
  let rest = 0;
  return (touch, event) => {
    const { open, tile, point } = touch;
    const isHeld = event.ctrlKey || event.altKey;
    if (isHeld && TOOL_INPUT[open.tool].wheel?.(touch, event) === true) return;
    if (event.ctrlKey) {
      zoomAt(open, tile, point, Math.exp(-event.deltaY / 400));
      return;
    }
    // A trackpad sends many small turns; a mouse wheel's notch is one slice.
    rest += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 50 : event.deltaY;
    if (Math.abs(rest) < 1) return;
    const steps = Math.sign(rest);
    rest = 0;
    stepSlice(tile.plane, -steps);
  };
}

export interface ImageInput {
  /** Tells again what lies under the pointer, after the picture moved beneath it. */
  readonly refresh: () => void;
  readonly stop: () => void;
}

/** Listens on the overlay; `tilesNow` gives the panes as they are. */
export function listenToImage(overlay: HTMLCanvasElement, tilesNow: () => readonly Tile[]): ImageInput {
  let pointer: PointerEvent | null = null;
  let drag: Drag | null = null;
  let isSpaceDown = false;
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const placeOf = (event: MouseEvent): CanvasPoint => {
    const bounds = overlay.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  /** Browsers hand over several moves at once; between them the pointer may have gone around a corner. */
  const allPlaces = (event: PointerEvent): CanvasPoint[] => {
    const events = event.getCoalescedEvents();
    return (events.length === 0 ? [event] : events).map(placeOf);
  };
  const tileAt = (point: CanvasPoint): Tile | undefined => tilesNow().find(({ pane }) => contains(pane, point));
  listenToFingers(overlay, { tileAt, placesOf: allPlaces, begin: toolDrag }, stop.signal);
  const refresh = (): void => {
    const before = getState();
    if (before.open === null) return;
    const point = pointer === null ? null : placeOf(pointer);
    const tile = point === null ? undefined : tileAt(point);
    const hover = point === null ? null : hovered(before.open, tile, point);
    if (hover !== null || before.hover !== null) setHover(hover);
    const open = getState().open ?? before.open;
    const touch = point === null || pointer === null || tile === undefined ? null : { open, tile, point, event: pointer };
    overlay.style.cursor = shapeOf(touch, drag !== null);
    const tool = TOOL_INPUT[open.tool];
    if (tool.hover === undefined) showPreview(null);
    else tool.hover(touch);
  };

  overlay.addEventListener(
    'pointerdown',
    (event) => {
      const open = getState().open;
      const point = placeOf(event);
      const tile = tileAt(point);
      if (isFinger(event) || open === null || tile === undefined || drag !== null) return;
      drag = startDrag({ open, tile, point, event }, isSpaceDown);
      if (drag === null) return;
      event.preventDefault();
      overlay.focus({ preventScroll: true });
      overlay.setPointerCapture(event.pointerId);
    },
    options,
  );
  overlay.addEventListener(
    'pointermove',
    (event) => {
      if (drag?.trace === undefined) drag?.move(placeOf(event));
      else drag.trace(allPlaces(event));
      pointer = event;
      refresh();
    },
    options,
  );
  const finish = (event: PointerEvent): void => {
    if (isFinger(event)) return;
    drag?.end(placeOf(event));
    drag = null;
  };
  overlay.addEventListener('pointerup', finish, options);
  overlay.addEventListener(
    'pointercancel',
    (event) => {
      if (drag?.cancel === undefined) finish(event);
      else drag.cancel();
      drag = null;
    },
    options,
  );
  enlargeOnDoubleClick(overlay, (event) => tileAt(placeOf(event)), stop.signal);
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
  const onWheel = wheelOf();
  overlay.addEventListener(
    'wheel',
    (event) => {
      const open = getState().open;
      const point = placeOf(event);
      const tile = tileAt(point);
      event.preventDefault();
      // A stroke stays on its slice.
      if (open !== null && tile !== undefined && drag?.trace === undefined) onWheel({ open, tile, point, event }, event);
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
  if (tile === undefined || !contains(tile.pane, point)) return null;
  const ras = rasFromCanvas(tile, point, open.cursor);
  const isInside = ras.every((value, axis) => Math.round(value) >= 0 && Math.round(value) < (open.grid.rasShape[axis] ?? 0));
  return isInside ? ras : null;
}

function shapeOf(touch: Touch | null, isDragging: boolean): string {
  if (touch === null) return 'default';
  const shape = TOOL_INPUT[touch.open.tool].shape?.(touch) ?? 'crosshair';
  return isDragging && shape !== 'none' ? 'crosshair' : shape;
}
