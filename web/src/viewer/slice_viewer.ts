// What a viewer of slices must do. Two do it: NiiVue on WebGL2, and plain Canvas2D without it.
import type { Vec3 } from '../core/axes';
import type { Grid } from '../core/grid';
import type { Labelmap } from '../core/rle';
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
  readonly mask: Labelmap | null;
  /** Colours by label value, RGBA. */
  readonly palette: Uint8ClampedArray;
  /** Opacity of the mask, 0–1. */
  readonly opacity: number;
}

export interface SliceViewer {
  show(scene: Scene): void;
  destroy(): void;
}

/** Whether the browser can run the NiiVue viewer. */
export function hasWebgl2(): boolean {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('webgl2');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}
