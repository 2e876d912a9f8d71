// Mouse, fingers, wheel and keys on the surfaces: turning, moving, magnifying.
import { FIRST_CAMERA, shifted, turned, zoomed, type SurfaceCamera } from '../core/surface_camera';
import type { CanvasPoint } from '../core/tile';
import { distance } from './drag';

/** Changes the camera from what it is. */
export type ChangeCamera = (change: (camera: SurfaceCamera) => SurfaceCamera) => void;

/** A drag over the pane's shorter side turns half around. */
const TURN_PER_SIDE = Math.PI;
const KEY_TURN = Math.PI / 18;
const KEY_ZOOM = 1.2;

const KEYS: Readonly<Record<string, (camera: SurfaceCamera) => SurfaceCamera>> = {
  ArrowLeft: (camera) => turned(camera, KEY_TURN, 0),
  ArrowRight: (camera) => turned(camera, -KEY_TURN, 0),
  ArrowUp: (camera) => turned(camera, 0, -KEY_TURN),
  ArrowDown: (camera) => turned(camera, 0, KEY_TURN),
  '+': (camera) => zoomed(camera, KEY_ZOOM),
  '=': (camera) => zoomed(camera, KEY_ZOOM),
  '-': (camera) => zoomed(camera, 1 / KEY_ZOOM),
  '0': () => FIRST_CAMERA,
};

const SHIFT_KEYS: Readonly<Record<string, (camera: SurfaceCamera) => SurfaceCamera>> = {
  ArrowLeft: (camera) => shifted(camera, -0.05, 0),
  ArrowRight: (camera) => shifted(camera, 0.05, 0),
  ArrowUp: (camera) => shifted(camera, 0, 0.05),
  ArrowDown: (camera) => shifted(camera, 0, -0.05),
};

function middleOf([a, b]: readonly CanvasPoint[]): CanvasPoint {
  return a === undefined || b === undefined ? (a ?? [0, 0]) : [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

function spreadOf([a, b]: readonly CanvasPoint[]): number {
  return a === undefined || b === undefined ? 1 : Math.max(distance(a, b), 1);
}

/** Listens on the pane until the returned function is called. */
export function listenToSurface(canvas: HTMLCanvasElement, change: ChangeCamera): () => void {
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const held = new Map<number, CanvasPoint>();
  let isMoving = false;
  const side = (): number => Math.max(Math.min(canvas.clientWidth, canvas.clientHeight), 1);
  const placeOf = (event: MouseEvent): CanvasPoint => {
    const bounds = canvas.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  /** A place as the camera counts: from the middle, in shares of the shorter side, up positive. */
  const aboutOf = ([x, y]: CanvasPoint): readonly [number, number] => [
    (x - canvas.clientWidth / 2) / side(),
    (canvas.clientHeight / 2 - y) / side(),
  ];
  const dragged = (before: readonly CanvasPoint[], now: readonly CanvasPoint[]): void => {
    const [from, to] = [middleOf(before), middleOf(now)];
    const [right, up] = [(to[0] - from[0]) / side(), (from[1] - to[1]) / side()];
    change((camera) => {
      if (now.length > 1) return zoomed(shifted(camera, right, up), spreadOf(now) / spreadOf(before), aboutOf(to));
      return isMoving ? shifted(camera, right, up) : turned(camera, right * TURN_PER_SIDE, -up * TURN_PER_SIDE);
    });
  };

  canvas.addEventListener(
    'pointerdown',
    (event) => {
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      held.set(event.pointerId, placeOf(event));
      isMoving = event.button !== 0 || event.shiftKey;
    },
    options,
  );
  canvas.addEventListener(
    'pointermove',
    (event) => {
      if (!held.has(event.pointerId)) return;
      const before = [...held.values()];
      held.set(event.pointerId, placeOf(event));
      dragged(before, [...held.values()]);
    },
    options,
  );
  const release = (event: PointerEvent): void => {
    held.delete(event.pointerId);
  };
  canvas.addEventListener('pointerup', release, options);
  canvas.addEventListener('pointercancel', release, options);
  canvas.addEventListener(
    'contextmenu',
    (event) => {
      event.preventDefault();
    },
    options,
  );
  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const about = aboutOf(placeOf(event));
      change((camera) => zoomed(camera, Math.exp(-event.deltaY / 500), about));
    },
    { ...options, passive: false },
  );
  canvas.addEventListener(
    'keydown',
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const action = (event.shiftKey ? SHIFT_KEYS[event.key] : undefined) ?? KEYS[event.key];
      if (action === undefined) return;
      event.preventDefault();
      // The page's keys step through slices.
      event.stopPropagation();
      change(action);
    },
    options,
  );
  return () => {
    stop.abort();
  };
}
