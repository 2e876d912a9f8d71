// The topmost canvas: the brush on the voxels it would paint, the line of the scissors, the intensities in range.
// It follows every move of the pointer, so it is drawn by itself, once per frame.
import { planeOffset, slicePlane } from '../core/edit/plane';
import type { ToolPreview } from '../core/edit/preview';
import type { Grid } from '../core/grid';
import { canvasFromSlice, type Tile } from '../core/tile';
import { intensityAt, type DisplayVolume } from '../core/volume_file';

export interface ToolScene {
  readonly grid: Grid;
  readonly tiles: readonly Tile[];
  readonly volume: DisplayVolume | null;
}

const SHADOW = 'rgba(0, 0, 0, 0.8)';
/** Little-endian RGBA of the tint: a light blue that no object has by default. */
const TINT = 0x99ffd040;

interface Tint {
  readonly key: string;
  readonly volume: DisplayVolume;
  readonly canvas: HTMLCanvasElement;
}

/** From a slice's x and y to the canvas, whatever way the stored axes run. */
function placement(grid: Grid, tile: Tile, slice: ToolPreview['slice']): DOMMatrix {
  const [x, y] = canvasFromSlice(grid, tile, slice, [0, 0]);
  const [ax, ay] = canvasFromSlice(grid, tile, slice, [1, 0]);
  const [bx, by] = canvasFromSlice(grid, tile, slice, [0, 1]);
  return new DOMMatrix([ax - x, ay - y, bx - x, by - y, x, y]);
}

export class ToolLayer {
  private scene: ToolScene | null = null;
  private preview: ToolPreview | null = null;
  private frame = 0;
  private tint: Tint | null = null;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  setScene(scene: ToolScene): void {
    this.scene = scene;
    this.later();
  }

  show(preview: ToolPreview | null): void {
    if (preview === null && this.preview === null) return;
    this.preview = preview;
    this.later();
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  private later(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const { canvas, scene, preview } = this;
    const ratio = window.devicePixelRatio;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext('2d');
    if (context === null) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    const tile = scene?.tiles.find(({ plane }) => plane === preview?.plane);
    if (scene === null || preview === null || tile === undefined) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.save();
    context.beginPath();
    context.rect(tile.pane.x, tile.pane.y, tile.pane.width, tile.pane.height);
    context.clip();
    const placed = placement(scene.grid, tile, preview.slice);
    this.drawTint(context, scene, preview, placed);
    drawLines(context, preview, placed);
    context.restore();
  }

  private drawTint(context: CanvasRenderingContext2D, { grid, volume }: ToolScene, { range, slice }: ToolPreview, placed: DOMMatrix): void {
    if (range === null || volume === null) return;
    const key = [slice.axis, slice.sliceIndex, ...range].join(' ');
    if (this.tint?.key !== key || this.tint.volume !== volume) this.tint = { key, volume, canvas: tintOf(grid, volume, slice, range) };
    const { canvas } = this.tint;
    context.save();
    context.transform(placed.a, placed.b, placed.c, placed.d, placed.e, placed.f);
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, -0.5, -0.5, canvas.width, canvas.height);
    context.restore();
  }
}

function tintOf(grid: Grid, volume: DisplayVolume, slice: ToolPreview['slice'], [low, high]: readonly [number, number]): HTMLCanvasElement {
  const plane = slicePlane(grid, slice.axis, slice.sliceIndex);
  const [width, height] = plane.size;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const intensity = intensityAt(volume, planeOffset(plane, x, y));
      if (intensity >= low && intensity <= high) pixels[x + width * y] = TINT;
    }
  }
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}

function drawLines(context: CanvasRenderingContext2D, { edges, lasso, color }: ToolPreview, placed: DOMMatrix): void {
  const inVoxels = new Path2D();
  for (const [x1, y1, x2, y2] of edges) {
    inVoxels.moveTo(x1, y1);
    inVoxels.lineTo(x2, y2);
  }
  lasso.forEach(([x, y], at) => {
    if (at === 0) inVoxels.moveTo(x, y);
    else inVoxels.lineTo(x, y);
  });
  if (lasso.length > 2) inVoxels.closePath();
  const onScreen = new Path2D();
  onScreen.addPath(inVoxels, placed);
  context.lineCap = 'square';
  context.strokeStyle = SHADOW;
  context.lineWidth = 3;
  context.stroke(onScreen);
  context.strokeStyle = color;
  context.lineWidth = 1.25;
  context.stroke(onScreen);
}
