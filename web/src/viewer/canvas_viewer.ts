// Slices on Canvas2D: from the volume's voxels where they are loaded, else from the server's pictures.
// Paints the first slice while NiiVue loads, and all of them where WebGL2 is missing.
import { sliceUrl } from '../api/client';
import { PLANE_AXES, type Plane, type Vec3 } from '../core/axes';
import { rasStrides, sliceOfPlane, type Grid } from '../core/grid';
import { planeLabels } from '../core/labelmap';
import type { Tile } from '../core/tile';
import type { DisplayVolume } from '../core/volume_file';
import type { Window } from '../core/window';
import type { Scene, SliceViewer } from './slice_viewer';

/** Grey values of a plane's slice, `across` fastest, the top row highest. */
export function paintVoxels(grid: Grid, volume: DisplayVolume, plane: Plane, cursor: Vec3, window: Window): ImageData {
  const { across, up, normal } = PLANE_AXES[plane];
  const { start, strides } = rasStrides(grid);
  const [width, height] = [grid.rasShape[across], grid.rasShape[up]];
  const image = new ImageData(width, height);
  const scale = 255 / (window.high - window.low);
  for (let row = 0; row < height; row++) {
    let from = start + cursor[normal] * strides[normal] + (height - 1 - row) * strides[up];
    for (let column = 0; column < width; column++) {
      const value = (volume.voxels[from] ?? 0) * volume.slope + volume.intercept;
      const grey = (value - window.low) * scale;
      const at = 4 * (row * width + column);
      image.data[at] = image.data[at + 1] = image.data[at + 2] = grey;
      image.data[at + 3] = 255;
      from += strides[across];
    }
  }
  return image;
}

function paintMask(scene: Scene, plane: Plane): ImageData | null {
  if (scene.mask === null) return null;
  const { width, height, labels } = planeLabels(scene.grid, scene.mask, plane, scene.cursor);
  const image = new ImageData(width, height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const label = labels[(height - 1 - row) * width + column] ?? 0;
      if (label === 0) continue;
      const at = 4 * (row * width + column);
      image.data.set(scene.palette.subarray(4 * label, 4 * label + 4), at);
    }
  }
  return image;
}

function canvasOf(image: ImageData): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}

const MAX_PICTURES = 64;

export class CanvasViewer implements SliceViewer {
  private readonly pictures = new Map<string, HTMLImageElement>();
  private scene: Scene | null = null;
  private volume: DisplayVolume | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly jobId: string,
  ) {}

  setVolume(volume: DisplayVolume | null): void {
    this.volume = volume;
  }

  show(scene: Scene): void {
    this.scene = scene;
    const ratio = window.devicePixelRatio;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext('2d');
    if (context === null) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, width, height);
    for (const tile of scene.arrangement.tiles) this.paintTile(context, scene, tile);
  }

  destroy(): void {
    this.scene = null;
    this.pictures.clear();
  }

  private paintTile(context: CanvasRenderingContext2D, scene: Scene, tile: Tile): void {
    context.save();
    context.beginPath();
    context.rect(tile.frame.x, tile.frame.y, tile.frame.width, tile.frame.height);
    context.clip();
    if (this.volume === null) this.paintPicture(context, scene, tile);
    else {
      const grey = paintVoxels(scene.grid, this.volume, tile.plane, scene.cursor, scene.window);
      this.place(context, scene, tile, canvasOf(grey), true);
    }
    const mask = paintMask(scene, tile.plane);
    if (mask !== null) {
      context.globalAlpha = scene.opacity;
      this.place(context, scene, tile, canvasOf(mask), false);
    }
    context.restore();
  }

  /** Draws a picture whose left column is the plane's lowest `across` voxel and whose top row its highest `up` voxel. */
  private place(
    context: CanvasRenderingContext2D,
    scene: Scene,
    tile: Tile,
    picture: CanvasImageSource,
    isSmooth: boolean,
  ): void {
    const { across, up } = PLANE_AXES[tile.plane];
    context.save();
    context.imageSmoothingEnabled = isSmooth;
    context.translate(
      tile.across.origin - tile.across.pixelsPerVoxel / 2,
      tile.up.origin + tile.up.pixelsPerVoxel * (scene.grid.rasShape[up] - 0.5),
    );
    context.scale(tile.across.pixelsPerVoxel, -tile.up.pixelsPerVoxel);
    context.drawImage(picture, 0, 0, scene.grid.rasShape[across], scene.grid.rasShape[up]);
    context.restore();
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
    this.place(context, scene, mirrored, picture, true);
  }

  private pictureOf(scene: Scene, plane: Plane): HTMLImageElement {
    const { axis, sliceIndex } = sliceOfPlane(scene.grid, plane, scene.cursor);
    const { low, high } = scene.window;
    const address = sliceUrl(this.jobId, axis, sliceIndex, { low, high });
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
