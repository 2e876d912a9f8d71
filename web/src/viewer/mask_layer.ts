// Masks over the slices, on a canvas of their own: fills voxel by voxel, and outlines. Both viewers lie beneath it.
// What did not change is not worked out again: fills and outlines are kept per plane, slice and mask.
import { PLANE_AXES, rasFromStored, storedFromSlice, type AxisIndex, type Plane, type Vec3 } from '../core/axes';
import type { SliceRect } from '../core/edit/pencil';
import { rasStrides, sliceOfPlane, type Grid } from '../core/grid';
import { labelledBox, outlines, planeLabels, type PlaneLabels } from '../core/labelmap';
import type { Labelmap } from '../core/rle';
import type { Arrangement, Tile } from '../core/tile';
import { canvasOf, placePicture } from './place';
import { clipped, freshContext } from './slice_viewer';

export interface MaskScene {
  readonly grid: Grid;
  readonly arrangement: Arrangement;
  readonly cursor: Vec3;
  readonly mask: Labelmap | null;
  /** Colours by label value, RGBA; transparent where a label is hidden. */
  readonly palette: Uint8ClampedArray;
  /** Colours of the outlines by label value. */
  readonly outlines: ReadonlyMap<number, string>;
  /** Two masks whose outlines are shown; `a` is null where it is the mask that is filled. */
  readonly compared: { readonly a: Labelmap | null; readonly b: Labelmap } | null;
}

/** Outlines of the second of two compared masks: dashed, in a colour that no object has, on a shadow for bright images. */
const COMPARED_DASH = [5, 4];
const COMPARED_COLOR = '#ffffff';
const COMPARED_SHADOW = '#000000';
const OUTLINE_WIDTH = 1.5;

/** A stored slice. */
export interface SliceRef {
  readonly axis: AxisIndex;
  readonly sliceIndex: number;
}

interface Slice {
  readonly grid: Grid;
  readonly mask: Labelmap;
  readonly at: number;
  readonly labels: PlaneLabels;
  /** Outlines in voxels by label; worked out when they are first drawn. */
  paths: ReadonlyMap<number, Path2D> | null;
}

interface Fill {
  readonly slice: Slice;
  readonly palette: Uint8ClampedArray;
  readonly canvas: HTMLCanvasElement | null;
}

/** The labels of a plane in their colours, top row highest; null where there are none. */
export function fillOf({ width, height, labels }: PlaneLabels, palette: Uint8ClampedArray): ImageData | null {
  const [left, right, low, high] = labelledBox({ width, height, labels });
  if (high < low) return null;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = new Uint32Array(palette.buffer, palette.byteOffset, 256);
  for (let row = low; row <= high; row++) {
    const [from, to] = [row * width, (height - 1 - row) * width];
    for (let column = left; column <= right; column++) {
      const label = labels[from + column] ?? 0;
      if (label !== 0) pixels[to + column] = colors[label] ?? 0;
    }
  }
  return image;
}

/** A part of a plane's labels in their colours, top row highest. */
function partOf({ width, labels }: PlaneLabels, palette: Uint8ClampedArray, [left, right, low, high]: PlanePart): ImageData {
  const image = new ImageData(right - left + 1, high - low + 1);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = new Uint32Array(palette.buffer, palette.byteOffset, 256);
  for (let row = low; row <= high; row++) {
    const to = (high - row) * image.width;
    for (let column = left; column <= right; column++) {
      const label = labels[row * width + column] ?? 0;
      if (label !== 0) pixels[to + column - left] = colors[label] ?? 0;
    }
  }
  return image;
}

function pathOf(lines: readonly number[]): Path2D {
  const path = new Path2D();
  for (let at = 0; at < lines.length; at += 4) {
    path.moveTo(lines[at] ?? 0, lines[at + 1] ?? 0);
    path.lineTo(lines[at + 2] ?? 0, lines[at + 3] ?? 0);
  }
  return path;
}

/** A part of a plane: left, right, low, high, in RAS order. */
type PlanePart = readonly [number, number, number, number];

/** Reads a part of a slice again, after its voxels were changed in place. */
function readAgain({ grid, mask, labels, at }: Slice, plane: Plane, [left, right, low, high]: PlanePart): void {
  const { across, up, normal } = PLANE_AXES[plane];
  const { start, strides } = rasStrides(grid);
  for (let row = low; row <= high; row++) {
    let from = start + at * strides[normal] + row * strides[up] + left * strides[across];
    for (let column = left; column <= right; column++) {
      labels.labels[row * labels.width + column] = mask.voxels[from] ?? 0;
      from += strides[across];
    }
  }
}

/** Slices of one mask, by plane. */
class Slices {
  private readonly kept = new Map<Plane, Slice>();

  /** The slice of a plane as it was last asked for. */
  last(plane: Plane): Slice | undefined {
    return this.kept.get(plane);
  }

  at(grid: Grid, mask: Labelmap, plane: Plane, cursor: Vec3): Slice {
    const at = cursor[PLANE_AXES[plane].normal];
    const before = this.kept.get(plane);
    if (before?.grid === grid && before.mask === mask && before.at === at) return before;
    const slice = { grid, mask, at, labels: planeLabels(grid, mask, plane, cursor), paths: null };
    this.kept.set(plane, slice);
    return slice;
  }
}

export class MaskLayer {
  private readonly slices = new Slices();
  private readonly compared = { a: new Slices(), b: new Slices() };
  private readonly fills = new Map<Plane, Fill>();
  private scene: MaskScene | null = null;
  private frame = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  show(scene: MaskScene): void {
    this.scene = scene;
    const context = freshContext(this.canvas);
    if (context === null) return;
    for (const tile of scene.arrangement.tiles) {
      clipped(context, tile.pane, () => {
        this.draw(context, scene, tile);
      });
    }
  }

  /** Draws a part of a stored slice again whose voxels changed in place; within the frame, however often it is told. */
  repaint(slice: SliceRef, [x1, y1, x2, y2]: SliceRect): void {
    const { scene } = this;
    if (scene === null) return;
    const { grid, cursor } = scene;
    for (const { plane } of scene.arrangement.tiles) {
      const shown = sliceOfPlane(grid, plane, cursor);
      if (shown.axis !== slice.axis || shown.sliceIndex !== slice.sliceIndex) continue;
      const { across, up } = PLANE_AXES[plane];
      const corners = [storedFromSlice(slice.axis, slice.sliceIndex, x1, y1), storedFromSlice(slice.axis, slice.sliceIndex, x2, y2)] as const;
      const [a, b] = [rasFromStored(grid.axes, grid.shape, corners[0]), rasFromStored(grid.axes, grid.shape, corners[1])];
      this.refill(plane, [Math.min(a[across], b[across]), Math.max(a[across], b[across]), Math.min(a[up], b[up]), Math.max(a[up], b[up])]);
    }
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.scene !== null) this.show(this.scene);
    });
  }

  private refill(plane: Plane, part: PlanePart): void {
    const slice = this.slices.last(plane);
    if (slice === undefined) return;
    readAgain(slice, plane, part);
    slice.paths = null;
    const fill = this.fills.get(plane);
    if (fill?.slice !== slice) return;
    if (fill.canvas === null) this.fills.delete(plane);
    else fill.canvas.getContext('2d')?.putImageData(partOf(slice.labels, fill.palette, part), part[0], slice.labels.height - 1 - part[3]);
  }

  private draw(context: CanvasRenderingContext2D, scene: MaskScene, tile: Tile): void {
    const { grid, mask, cursor, compared } = scene;
    const outlined = compared?.a ?? null;
    if (mask !== null) {
      const slice = this.slices.at(grid, mask, tile.plane, cursor);
      const fill = this.fill(slice, scene.palette, tile.plane);
      if (fill !== null) placePicture(context, grid, tile, fill, false);
      if (outlined === null) strokeOutlines(context, tile, slice, scene.outlines);
    }
    if (outlined !== null) strokeOutlines(context, tile, this.compared.a.at(grid, outlined, tile.plane, cursor), scene.outlines);
    if (compared !== null) {
      const slice = this.compared.b.at(grid, compared.b, tile.plane, cursor);
      const inOne = (color: string): ReadonlyMap<number, string> => new Map([...scene.outlines.keys()].map((label) => [label, color]));
      context.setLineDash(COMPARED_DASH);
      strokeOutlines(context, tile, slice, inOne(COMPARED_SHADOW), OUTLINE_WIDTH + 2);
      strokeOutlines(context, tile, slice, inOne(COMPARED_COLOR));
      context.setLineDash([]);
    }
  }

  private fill(slice: Slice, palette: Uint8ClampedArray, plane: Plane): HTMLCanvasElement | null {
    const before = this.fills.get(plane);
    if (before?.slice === slice && before.palette === palette) return before.canvas;
    const image = fillOf(slice.labels, palette);
    const canvas = image === null ? null : canvasOf(image, before?.canvas ?? undefined);
    this.fills.set(plane, { slice, palette, canvas });
    return canvas;
  }
}

function strokeOutlines(context: CanvasRenderingContext2D, tile: Tile, slice: Slice, colors: ReadonlyMap<number, string>, width = OUTLINE_WIDTH): void {
  if (colors.size === 0) return;
  slice.paths ??= new Map([...outlines(slice.labels)].map(([label, lines]) => [label, pathOf(lines)]));
  const placed = new DOMMatrix([tile.across.pixelsPerVoxel, 0, 0, tile.up.pixelsPerVoxel, tile.across.origin, tile.up.origin]);
  context.lineCap = context.getLineDash().length === 0 ? 'square' : 'butt';
  context.lineWidth = width;
  for (const [label, path] of slice.paths) {
    const color = colors.get(label);
    if (color === undefined) continue;
    const onScreen = new Path2D();
    onScreen.addPath(path, placed);
    context.strokeStyle = color;
    context.stroke(onScreen);
  }
}
