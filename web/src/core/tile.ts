// Where a plane lies on the screen: panes, the image inside a pane, and canvas ↔ voxel coordinates.
import { AXES, PLANE_AXES, rasFromStored, storedFromRas, storedFromSlice, type AxisIndex, type Plane, type Vec3 } from './axes';
import { sliceOfPlane, type Grid } from './grid';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A place on the canvas, in CSS pixels from its top left corner. */
export type CanvasPoint = readonly [number, number];

/** `radiological`: the patient's right is on the left of the screen. */
export type Convention = 'radiological' | 'neurological';

/** Magnification and shift, shared by all planes. */
export interface Camera {
  readonly zoom: number;
  /** Shift of the image in millimetres along R-L, A-P, S-I. */
  readonly panMm: Vec3;
}

export const WHOLE_IMAGE: Camera = { zoom: 1, panMm: [0, 0, 0] };

/** One plane on the screen. Voxel coordinates are RAS-ordered, whole numbers at voxel centres. */
export interface Tile {
  readonly plane: Plane;
  /** The space given to the plane. */
  readonly pane: Rect;
  /** The part of the pane that pictures are drawn in. */
  readonly frame: Rect;
  readonly across: { readonly origin: number; readonly pixelsPerVoxel: number };
  readonly up: { readonly origin: number; readonly pixelsPerVoxel: number };
}

/** Planes on a canvas, all at one scale. */
export interface Arrangement {
  readonly width: number;
  readonly height: number;
  readonly tiles: readonly Tile[];
  /** Millimetres along R, A, S of the box about the image's middle that the frames show at zoom 1. */
  readonly extentMm: Vec3;
}

function sizeMm(grid: Grid, axis: AxisIndex): number {
  return grid.rasShape[axis] * grid.rasSpacingMm[axis];
}

/** Pixels that the shown box has along R, A, S; none along an axis that no plane shows. Panes are of one size. */
function boxPixels(panes: readonly PlacedPane[]): readonly [number | null, number | null, number | null] {
  const [first] = panes;
  if (first === undefined) return [null, null, null];
  const { width, height } = first.pane;
  // Three planes share one box: A lies across one of them and up another, so it gets the shorter side, and S with it.
  if (panes.length > 1) return [width, Math.min(width, height), Math.min(width, height)];
  const { across, up } = PLANE_AXES[first.plane];
  const along = (axis: AxisIndex): number | null => (axis === across ? width : axis === up ? height : null);
  return [along(0), along(1), along(2)];
}

/** The largest scale, in pixels per millimetre, at which the image fits the box; and the box in millimetres. */
function fit(grid: Grid, panes: readonly PlacedPane[]): { scale: number; extentMm: Vec3 } {
  const pixels = boxPixels(panes);
  const scale = Math.min(...AXES.map((axis) => (pixels[axis] ?? Infinity) / sizeMm(grid, axis)));
  const extent = (axis: AxisIndex): number => {
    const along = pixels[axis];
    return along === null ? sizeMm(grid, axis) : along / scale;
  };
  return { scale, extentMm: [extent(0), extent(1), extent(2)] };
}

function tileOf(grid: Grid, { plane, pane }: PlacedPane, scale: number, extentMm: Vec3, camera: Camera, convention: Convention): Tile {
  const { across, up } = PLANE_AXES[plane];
  const [width, height] = [extentMm[across] * scale, extentMm[up] * scale];
  const frame = { x: pane.x + (pane.width - width) / 2, y: pane.y + (pane.height - height) / 2, width, height };
  const pixelsPerMm = scale * camera.zoom;
  const mirror = convention === 'radiological' ? -1 : 1;
  const acrossPixels = mirror * pixelsPerMm * grid.rasSpacingMm[across];
  const upPixels = -pixelsPerMm * grid.rasSpacingMm[up];
  const middleX = pane.x + pane.width / 2 + mirror * pixelsPerMm * camera.panMm[across];
  const middleY = pane.y + pane.height / 2 - pixelsPerMm * camera.panMm[up];
  return {
    plane,
    pane,
    frame,
    across: { origin: middleX - (acrossPixels * (grid.rasShape[across] - 1)) / 2, pixelsPerVoxel: acrossPixels },
    up: { origin: middleY - (upPixels * (grid.rasShape[up] - 1)) / 2, pixelsPerVoxel: upPixels },
  };
}

/** Lays planes out on a canvas: each whole at zoom 1, true proportions, centred, all at one scale. */
export function arrange(grid: Grid, layout: Layout, width: number, height: number, camera: Camera, convention: Convention): Arrangement {
  const panes = panesOf(layout, width, height);
  const { scale, extentMm } = fit(grid, panes);
  const tiles = panes.map((placed) => tileOf(grid, placed, scale, extentMm, camera, convention));
  return { width, height, tiles, extentMm };
}

/** Canvas place of a RAS-ordered voxel coordinate. */
export function canvasFromRas(tile: Tile, ras: Vec3): CanvasPoint {
  const { across, up } = PLANE_AXES[tile.plane];
  return [
    tile.across.origin + tile.across.pixelsPerVoxel * ras[across],
    tile.up.origin + tile.up.pixelsPerVoxel * ras[up],
  ];
}

/** RAS-ordered voxel coordinate, not rounded, under a canvas place; the plane's slice is that of `through`. */
export function rasFromCanvas(tile: Tile, point: CanvasPoint, through: Vec3): Vec3 {
  const { across, up } = PLANE_AXES[tile.plane];
  const ras: [number, number, number] = [...through];
  ras[across] = (point[0] - tile.across.origin) / tile.across.pixelsPerVoxel;
  ras[up] = (point[1] - tile.up.origin) / tile.up.pixelsPerVoxel;
  return ras;
}

/** A place on the slice that a tile shows, in the slice's x and y of stored voxels, not rounded. */
export function sliceFromCanvas(grid: Grid, tile: Tile, point: CanvasPoint, through: Vec3): readonly [number, number] {
  const stored = storedFromRas(grid.axes, grid.shape, rasFromCanvas(tile, point, through));
  const { axis } = sliceOfPlane(grid, tile.plane, through);
  const [x, y] = stored.filter((_, index) => index !== axis);
  return [x ?? 0, y ?? 0];
}

/** Canvas place of x and y on a slice of a stored axis. */
export function canvasFromSlice(
  grid: Grid,
  tile: Tile,
  slice: { readonly axis: AxisIndex; readonly sliceIndex: number },
  point: readonly [number, number],
): CanvasPoint {
  const stored = storedFromSlice(slice.axis, slice.sliceIndex, point[0], point[1]);
  return canvasFromRas(tile, rasFromStored(grid.axes, grid.shape, stored));
}

export function contains(rect: Rect, point: CanvasPoint): boolean {
  return (
    point[0] >= rect.x &&
    point[0] < rect.x + rect.width &&
    point[1] >= rect.y &&
    point[1] < rect.y + rect.height
  );
}

/** `grid`: three planes at once. */
export type Layout = Plane | 'grid';

export const LAYOUTS: readonly Layout[] = ['axial', 'coronal', 'sagittal', 'grid'];

const GAP = 2;

export interface PlacedPane {
  readonly plane: Plane;
  readonly pane: Rect;
}

/** Panes of a layout: one large plane, or axial and sagittal above coronal and a free quarter. */
export function panesOf(layout: Layout, width: number, height: number): readonly PlacedPane[] {
  if (layout !== 'grid') return [{ plane: layout, pane: { x: 0, y: 0, width, height } }];
  const [w, h] = [(width - GAP) / 2, (height - GAP) / 2];
  return [
    { plane: 'axial', pane: { x: 0, y: 0, width: w, height: h } },
    { plane: 'sagittal', pane: { x: w + GAP, y: 0, width: w, height: h } },
    { plane: 'coronal', pane: { x: 0, y: h + GAP, width: w, height: h } },
  ];
}

/** Letters at the edges of a plane. */
export function edgeLetters(plane: Plane, convention: Convention): { left: string; right: string; top: string; bottom: string } {
  const { across, up } = PLANE_AXES[plane];
  const rising = ['R', 'A', 'S'];
  const falling = ['L', 'P', 'I'];
  const mirrored = convention === 'radiological';
  return {
    left: (mirrored ? rising : falling)[across] ?? '',
    right: (mirrored ? falling : rising)[across] ?? '',
    top: rising[up] ?? '',
    bottom: falling[up] ?? '',
  };
}
