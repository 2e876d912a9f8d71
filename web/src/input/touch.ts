// Fingers on the slices: one uses the tool in hand, two move and magnify, three change the window; one that rests
// moves the crosshair, whatever the tool. A tool begins only when it is clear that no second finger comes.
import { PLANE_AXES, type AxisIndex, type Vec3 } from '../core/axes';
import { rasFromCanvas, type CanvasPoint, type Tile } from '../core/tile';
import { getState } from '../state/store';
import { setCamera } from '../state/view';
import { distance, type Drag } from './drag';
import { cursorDrag, magnified, windowDrag } from './navigate';
import type { Touch } from './tools';

/** A finger that moved less has not begun to draw: it may be the first of two, or rest. */
const SLACK_PX = 6;
const REST_MS = 450;

/** What the touch of fingers needs of the listener. */
export interface TouchHost {
  readonly tileAt: (point: CanvasPoint) => Tile | undefined;
  /** Places on the canvas that an event names, the newest last. */
  readonly placesOf: (event: PointerEvent) => readonly CanvasPoint[];
  /** Begins the tool's drag. */
  readonly begin: (touch: Touch) => Drag | null;
}

interface Touches {
  readonly down: (event: PointerEvent, point: CanvasPoint) => void;
  /** The places since the last call, the newest last. */
  readonly move: (event: PointerEvent, points: readonly CanvasPoint[]) => void;
  readonly up: (event: PointerEvent, point: CanvasPoint) => void;
  readonly cancel: (event: PointerEvent) => void;
}

function middleOf(points: readonly CanvasPoint[]): CanvasPoint {
  const n = Math.max(points.length, 1);
  return [points.reduce((sum, [x]) => sum + x, 0) / n, points.reduce((sum, [, y]) => sum + y, 0) / n];
}

function spreadOf([a, b]: readonly CanvasPoint[]): number {
  return a === undefined || b === undefined ? 1 : Math.max(distance(a, b), 1);
}

/** Moves and magnifies with two fingers: what lay under their middle stays under it. */
function pinchDrag(tile: Tile, start: readonly CanvasPoint[]): ((points: readonly CanvasPoint[]) => void) | null {
  const open = getState().open;
  if (open === null) return null;
  const under: Vec3 = rasFromCanvas(tile, middleOf(start), open.cursor);
  const { grid, camera } = open;
  const { across, up, normal } = PLANE_AXES[tile.plane];
  const middle: CanvasPoint = [tile.pane.x + tile.pane.width / 2, tile.pane.y + tile.pane.height / 2];
  return (points) => {
    const { zoom } = magnified(camera, spreadOf(points) / spreadOf(start));
    const scale = tile.pixelsPerMm * (zoom / camera.zoom);
    const [x, y] = middleOf(points);
    const panMm: [number, number, number] = [...camera.panMm];
    const place = (axis: AxisIndex, pixels: number): void => {
      panMm[axis] = pixels / scale - (under[axis] - (grid.rasShape[axis] - 1) / 2) * grid.rasSpacingMm[axis];
    };
    place(across, (x - middle[0]) * Math.sign(tile.across.pixelsPerVoxel));
    place(up, middle[1] - y);
    // The crosshair keeps its place on the planes that the fingers are not on.
    const fromMiddle = (under[normal] - (grid.rasShape[normal] - 1) / 2) * grid.rasSpacingMm[normal];
    panMm[normal] = ((fromMiddle + camera.panMm[normal]) * camera.zoom) / zoom - fromMiddle;
    setCamera({ zoom, panMm });
  };
}

function touches(host: TouchHost): Touches {
  const fingers = new Map<number, CanvasPoint>();
  let first: { readonly tile: Tile; readonly point: CanvasPoint; readonly event: PointerEvent } | null = null;
  let drag: Drag | null = null;
  let pinch: ((points: readonly CanvasPoint[]) => void) | null = null;
  let wasTogether = false;
  let resting: ReturnType<typeof setTimeout> | undefined;
  const points = (): readonly CanvasPoint[] => [...fingers.values()];

  const begin = (): void => {
    clearTimeout(resting);
    const open = getState().open;
    if (first === null || drag !== null || open === null) return;
    drag = host.begin({ open, ...first });
  };
  const rest = (): void => {
    if (first === null || drag !== null) return;
    drag = cursorDrag(first.tile);
    drag.move(first.point);
  };
  /** Two or three fingers: what one would have done is not done. */
  const beginTogether = (): void => {
    clearTimeout(resting);
    wasTogether = true;
    const open = getState().open;
    if (first === null || open === null) return;
    if (fingers.size === 2) pinch = pinchDrag(first.tile, points());
    else {
      pinch = null;
      drag = windowDrag(open, middleOf(points()));
    }
  };
  /** After several fingers nothing begins until all are gone. */
  const release = (id: number): void => {
    fingers.delete(id);
    [drag, pinch] = [null, null];
    clearTimeout(resting);
    if (fingers.size > 0) return;
    first = null;
    wasTogether = false;
  };

  /** One finger: it begins to draw once it has moved far enough. */
  const drawn = (at: CanvasPoint, places: readonly CanvasPoint[]): void => {
    if (drag === null && first !== null && distance(first.point, at) > SLACK_PX) begin();
    if (drag?.trace === undefined) drag?.move(at);
    else drag.trace(places);
  };

  return {
    down: (event, point) => {
      // A palm that comes to rest while one finger draws.
      if (fingers.size > 0 && drag !== null) return;
      fingers.set(event.pointerId, point);
      if (fingers.size === 1) {
        const tile = host.tileAt(point);
        first = tile === undefined ? null : { tile, point, event };
        drag = null;
        resting = setTimeout(rest, REST_MS);
      } else beginTogether();
    },
    move: ({ pointerId }, places) => {
      const at = places.at(-1);
      if (at === undefined || !fingers.has(pointerId)) return;
      fingers.set(pointerId, at);
      if (fingers.size === 3) drag?.move(middleOf(points()));
      else if (pinch !== null) pinch(points());
      else if (fingers.size === 1 && !wasTogether) drawn(at, places);
    },
    up: ({ pointerId }, point) => {
      if (!fingers.has(pointerId)) return;
      const wasAlone = fingers.size === 1 && !wasTogether;
      // A tap: the tool begins and ends where the finger was.
      if (wasAlone) begin();
      if (drag !== null) drag.end(point);
      release(pointerId);
    },
    cancel: ({ pointerId }) => {
      const at = fingers.get(pointerId);
      if (drag?.cancel !== undefined) drag.cancel();
      else if (at !== undefined) drag?.end(at);
      release(pointerId);
    },
  };
}

export function isFinger(event: PointerEvent): boolean {
  return event.pointerType === 'touch';
}

/** Listens to fingers until the signal ends it; mice and pens are left alone. */
export function listenToFingers(overlay: HTMLCanvasElement, host: TouchHost, signal: AbortSignal): void {
  const fingers = touches(host);
  const listen = (name: 'pointerdown' | 'pointermove' | 'pointerup' | 'pointercancel', act: (event: PointerEvent, point: CanvasPoint) => void): void => {
    overlay.addEventListener(
      name,
      (event) => {
        const point = isFinger(event) ? host.placesOf(event).at(-1) : undefined;
        if (point !== undefined) act(event, point);
      },
      { signal },
    );
  };
  listen('pointerdown', (event, point) => {
    event.preventDefault();
    overlay.focus({ preventScroll: true });
    overlay.setPointerCapture(event.pointerId);
    fingers.down(event, point);
  });
  listen('pointermove', (event) => {
    fingers.move(event, host.placesOf(event));
  });
  listen('pointerup', fingers.up);
  listen('pointercancel', fingers.cancel);
}
