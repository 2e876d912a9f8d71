// Slices on Canvas2D: from the volume's voxels where they are loaded, else from the server's pictures.
// Paints the first slice while NiiVue loads, small panes, and everything where WebGL2 is missing.
import { sliceUrl } from '../api/client';
import { PLANE_AXES, type Plane, type Vec3 } from '../core/axes';
import { rasStrides, sliceOfPlane, type Grid } from '../core/grid';
import type { Arrangement, Tile } from '../core/tile';
import type { DisplayVolume } from '../core/volume_file';
import type { Window } from '../core/window';
import { canvasOf, placePicture } from './place';
import { clipped, freshContext, type Scene, type SliceViewer } from './slice_viewer';

/** Grey values of a plane's slice, `across` fastest, the top row highest. */
export function paintVoxels(grid: Grid, volume: DisplayVolume, plane: Plane, cursor: Vec3, window: Window): ImageData {
  const { across, up, normal } = PLANE_AXES[plane];
  const { start, strides } = rasStrides(grid);
  const [width, height] = [grid.rasShape[across], grid.rasShape[up]];
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const { voxels } = volume;
  // grey = factor · voxel + offset, rounded.
  const factor = (255 * volume.slope) / (window.high - window.low);
  const offset = (255 * (volume.intercept - window.low)) / (window.high - window.low) + 0.5;
  const step = strides[across];
  let at = 0;
  for (let row = 0; row < height; row++) {
    let from = start + cursor[normal] * strides[normal] + (height - 1 - row) * strides[up];
    for (let column = 0; column < width; column++) {
      const value = (voxels[from] ?? 0) * factor + offset;
      const grey = value >= 255 ? 255 : value > 0 ? value | 0 : 0;
      pixels[at++] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
      from += step;
    }
  }
  return image;
}

const MAX_PICTURES = 64;

/** A painted slice, and what it was painted from. */
interface Painted {
  readonly grid: Grid;
  readonly volume: DisplayVolume;
  readonly window: Window;
  readonly at: number;
  readonly canvas: HTMLCanvasElement;
}

/** What lies on the canvas. */
interface Drawn {
  readonly arrangement: Arrangement | null;
  readonly skipped: Plane | null;
  readonly slices: Map<Plane, Painted>;
}

export class CanvasViewer implements SliceViewer {
  private readonly pictures = new Map<string, HTMLImageElement>();
  private readonly painted = new Map<Plane, Painted>();
  private drawn: Drawn = { arrangement: null, skipped: null, slices: new Map() };
  private scene: Scene | null = null;
  private volume: DisplayVolume | null = null;
  private frame = 0;
  /** The plane that another viewer shows. */
  private skipped: Plane | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly jobId: string,
  ) {}

  setVolume(volume: DisplayVolume | null, frame: number): void {
    this.volume = volume;
    this.frame = frame;
  }

  /** Leaves a plane to another viewer. */
  skip(plane: Plane | null): void {
    this.skipped = plane;
  }

  show(scene: Scene): void {
    this.scene = scene;
    const { canvas } = this;
    const isNew = this.drawn.arrangement !== scene.arrangement || this.drawn.skipped !== this.skipped;
    const context = isNew ? freshContext(canvas) : canvas.getContext('2d');
    if (context === null) return;
    if (isNew) {
      context.fillStyle = '#000';
      context.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
      this.drawn = { arrangement: scene.arrangement, skipped: this.skipped, slices: new Map() };
    }
    for (const tile of scene.arrangement.tiles) {
      if (tile.plane !== this.skipped) this.paintTile(context, scene, tile);
    }
  }

  destroy(): void {
    this.scene = null;
    this.pictures.clear();
    this.painted.clear();
  }

  /** Draws one pane, unless it shows the same slice already. */
  private paintTile(context: CanvasRenderingContext2D, scene: Scene, tile: Tile): void {
    const painted = this.volume === null ? null : this.slice(scene, this.volume, tile.plane);
    if (painted !== null && this.drawn.slices.get(tile.plane) === painted) return;
    clipped(context, tile.pane, () => {
      context.fillStyle = '#000';
      context.fillRect(tile.pane.x, tile.pane.y, tile.pane.width, tile.pane.height);
      if (painted === null) this.paintPicture(context, scene, tile);
      else placePicture(context, scene.grid, tile, painted.canvas, true);
    });
    if (painted !== null) this.drawn.slices.set(tile.plane, painted);
  }

  /** A plane's slice in grey; painted anew only when slice, window or voxels are others. */
  private slice(scene: Scene, volume: DisplayVolume, plane: Plane): Painted {
    const { grid, window, cursor } = scene;
    const at = cursor[PLANE_AXES[plane].normal];
    const before = this.painted.get(plane);
    if (before?.grid === grid && before.volume === volume && before.window === window && before.at === at) return before;
    const canvas = canvasOf(paintVoxels(grid, volume, plane, cursor, window), before?.canvas);
    const painted = { grid, volume, window, at, canvas };
    this.painted.set(plane, painted);
    return painted;
  }

  private paintPicture(context: CanvasRenderingContext2D, scene: Scene, tile: Tile): void {
    const picture = this.pictureOf(scene, tile.plane);
    if (!picture.complete || picture.naturalWidth === 0) return;
    const { across } = PLANE_AXES[tile.plane];
    // The server's pictures are in radiological convention: their left column is the highest `across` voxel.
    const mirrored: Tile = {
      ...tile,
      across: {
        origin: tile.across.origin + tile.across.pixelsPerVoxel * (scene.grid.rasShape[across] - 1),
        pixelsPerVoxel: -tile.across.pixelsPerVoxel,
      },
    };
    placePicture(context, scene.grid, mirrored, picture, true);
  }

  private pictureOf(scene: Scene, plane: Plane): HTMLImageElement {
    const { axis, sliceIndex } = sliceOfPlane(scene.grid, plane, scene.cursor);
    const { low, high } = scene.window;
    const address = sliceUrl(this.jobId, axis, sliceIndex, { low, high, frame: this.frame });
    let picture = this.pictures.get(address);
    if (picture === undefined) {
      picture = new Image();
      picture.onload = () => {
        if (this.scene !== null) this.show(this.scene);
      };
      picture.src = address;
      if (this.pictures.size >= MAX_PICTURES) {
        const [oldest] = this.pictures.keys();
        if (oldest !== undefined) this.pictures.delete(oldest);
      }
      this.pictures.set(address, picture);
    }
    return picture;
  }
}
