// What a viewer of slices must do. Two do it: NiiVue on WebGL2, and plain Canvas2D without it and in small panes.
import type { Vec3 } from '../core/axes';
import type { Grid } from '../core/grid';
import type { Arrangement, Camera, Convention } from '../core/tile';
import type { Window } from '../core/window';

/** Everything that decides how the slices look. Viewers compare with the last scene and do what changed. */
export interface Scene {
  readonly grid: Grid;
  /** Where the planes lie on a canvas of this size; the real one may just have changed. */
  readonly arrangement: Arrangement;
  /** RAS-ordered voxel whose slices are shown. */
  readonly cursor: Vec3;
  readonly window: Window;
  readonly camera: Camera;
  readonly convention: Convention;
}

export interface SliceViewer {
  show(scene: Scene): void;
  destroy(): void;
}

/** How the browser draws WebGL2: on a graphics card, by computing, or not at all. */
export type Acceleration = 'hardware' | 'software' | 'none';

export function acceleration(): Acceleration {
  const context = document.createElement('canvas').getContext('webgl2');
  if (context === null) return 'none';
  const names = context.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(context.getParameter(names === null ? context.RENDERER : names.UNMASKED_RENDERER_WEBGL));
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer) ? 'software' : 'hardware';
}

/** Above this, computed WebGL2 takes seconds for a new window; Canvas2D paints the shown slices at once. */
const MAX_SOFTWARE_VOXELS = 2 ** 24;

/** Whether NiiVue is the better viewer for a volume. */
export function suitsNiivue(kind: Acceleration, nVoxels: number): boolean {
  return kind === 'hardware' || (kind === 'software' && nVoxels <= MAX_SOFTWARE_VOXELS);
}

/** Makes a canvas as large as it is shown, in device pixels, and gives its context in CSS pixels, cleared. */
export function freshContext(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  // Setting a size allocates the canvas anew, even where it stays the same.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d');
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  // In two halves: where nothing follows the clearing of a whole canvas, Chromium (156) goes on showing what was there.
  const half = canvas.clientHeight / 2;
  context?.clearRect(0, 0, canvas.clientWidth, half);
  context?.clearRect(0, half, canvas.clientWidth, half);
  return context;
}

/** Draws within a rectangle only. */
export function clipped(context: CanvasRenderingContext2D, rect: Arrangement['tiles'][number]['pane'], draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.clip();
  draw();
  context.restore();
}
