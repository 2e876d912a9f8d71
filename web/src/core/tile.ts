// Where a plane lies on the screen: panes, the image inside a pane, and canvas ↔ voxel coordinates.
import { PLANE_AXES, rasFromStored, storedFromRas, storedFromSlice, type AxisIndex, type Plane, type Vec3 } from './axes';
import { sliceOfPlane, type Grid } from './grid';
import { panesOf, type Layout, type PlacedPane, type Rect } from './layout';

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
  /** The space given to the plane; pictures fill it. */
  readonly pane: Rect;
  readonly pixelsPerMm: number;
  readonly across: { readonly origin: number; readonly pixelsPerVoxel: number };
  readonly up: { readonly origin: number; readonly pixelsPerVoxel: number };
}

/** Panes on a canvas, and the planes in them. */
export interface Arrangement {
  readonly width: number;
  readonly height: number;
  readonly panes: readonly PlacedPane[];
  readonly tiles: readonly Tile[];
}

export interface View2d {
  readonly layout: Layout;
  /** The large plane of the layout `main`. */
  readonly large: Plane;
  readonly camera: Camera;
  readonly convention: Convention;
}

function sizeMm(grid: Grid, axis: AxisIndex): number {
  return grid.rasShape[axis] * grid.rasSpacingMm[axis];
}

/** The largest scale, in pixels per millimetre, at which a plane is whole in a pane. */
function fit(grid: Grid, plane: Plane, { width, height }: Rect): number {
  const { across, up } = PLANE_AXES[plane];
  return Math.min(width / sizeMm(grid, across), height / sizeMm(grid, up));
}

function tileOf(grid: Grid, plane: Plane, pane: Rect, scale: number, { camera, convention }: View2d): Tile {
  const { across, up } = PLANE_AXES[plane];
  const pixelsPerMm = scale * camera.zoom;
  const mirror = convention === 'radiological' ? -1 : 1;
  const acrossPixels = mirror * pixelsPerMm * grid.rasSpacingMm[across];
  const upPixels = -pixelsPerMm * grid.rasSpacingMm[up];
  const middleX = pane.x + pane.width / 2 + mirror * pixelsPerMm * camera.panMm[across];
  const middleY = pane.y + pane.height / 2 - pixelsPerMm * camera.panMm[up];
  return {
    plane,
    pane,
    pixelsPerMm,
    across: { origin: middleX - (acrossPixels * (grid.rasShape[across] - 1)) / 2, pixelsPerVoxel: acrossPixels },
    up: { origin: middleY - (upPixels * (grid.rasShape[up] - 1)) / 2, pixelsPerVoxel: upPixels },
  };
}

/** Lays panes out on a canvas: each plane whole at zoom 1, true proportions, centred; panes of one size at one scale. */
export function arrange(grid: Grid, view: View2d, width: number, height: number): Arrangement {
  const panes = panesOf(view.layout, view.large, width, height);
  const planes = panes.flatMap(({ kind, pane }) => (kind === 'surface' ? [] : [{ plane: kind, pane, scale: fit(grid, kind, pane) }]));
  const smallest = Math.min(...planes.map(({ scale }) => scale));
  const tiles = planes.map(({ plane, pane, scale }) =>
    tileOf(grid, plane, pane, view.layout === 'grid' ? smallest : scale, view),
  );
  return { width, height, panes, tiles };
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
