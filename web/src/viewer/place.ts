// Puts a picture of a slice where its voxels lie on the screen.
import { PLANE_AXES } from '../core/axes';
import type { Grid } from '../core/grid';
import type { Tile } from '../core/tile';

/** Draws a picture whose left column is the plane's lowest `across` voxel and whose top row its highest `up` voxel. */
export function placePicture(context: CanvasRenderingContext2D, grid: Grid, tile: Tile, picture: CanvasImageSource, isSmooth: boolean): void {
  const { across, up } = PLANE_AXES[tile.plane];
  context.save();
  context.imageSmoothingEnabled = isSmooth;
  context.translate(
    tile.across.origin - tile.across.pixelsPerVoxel / 2,
    tile.up.origin + tile.up.pixelsPerVoxel * (grid.rasShape[up] - 0.5),
  );
  context.scale(tile.across.pixelsPerVoxel, -tile.up.pixelsPerVoxel);
  context.drawImage(picture, 0, 0, grid.rasShape[across], grid.rasShape[up]);
  context.restore();
}

/** A canvas that holds an image, to be drawn at any scale; the one given is used again. */
export function canvasOf(image: ImageData, canvas = document.createElement('canvas')): HTMLCanvasElement {
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}
