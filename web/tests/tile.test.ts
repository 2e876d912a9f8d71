// Canvas ↔ voxel: upright in every order, exact both ways, boxes with inclusive corners.
import { describe, expect, it } from 'vitest';
import { PLANE_AXES, PLANES, rasFromStored, storedAxisOfPlane, storedFromRas, type Plane, type Vec3 } from '../src/core/axes';
import { boxBetween } from '../src/core/box';
import { sliceOfPlane, type Grid } from '../src/core/grid';
import {
  arrange,
  canvasFromRas,
  canvasFromSlice,
  edgeLetters,
  LAYOUTS,
  panesOf,
  rasFromCanvas,
  sliceFromCanvas,
  WHOLE_IMAGE,
  type Camera,
  type CanvasPoint,
  type Convention,
  type Tile,
} from '../src/core/tile';
import { sliceSizeOf } from './slice_size';
import { allAxisCodes, gridWith } from './orders';

const [WIDTH, HEIGHT] = [640, 420];

function tileOf(grid: Grid, plane: Plane, camera: Camera, convention: Convention): Tile {
  const [tile] = arrange(grid, plane, WIDTH, HEIGHT, camera, convention).tiles;
  if (tile === undefined) throw new Error('no tile');
  return tile;
}
const ORDERS = allAxisCodes();
const ZOOMED: Camera = { zoom: 2.5, panMm: [4, -6, 3] };

/** The stored shape and spacing that hold the same anatomy in another order. */
function sameAnatomy(codes: string): { shape: Vec3; spacing: Vec3 } {
  const ras = { shape: [40, 30, 20] as const, spacing: [0.8, 1.25, 3] as const };
  const at = (letter: string): 0 | 1 | 2 => ('RL'.includes(letter) ? 0 : 'AP'.includes(letter) ? 1 : 2);
  const [i, j, k] = Array.from(codes, at);
  if (i === undefined || j === undefined || k === undefined) throw new Error(codes);
  return {
    shape: [ras.shape[i], ras.shape[j], ras.shape[k]],
    spacing: [ras.spacing[i], ras.spacing[j], ras.spacing[k]],
  };
}

describe.each(ORDERS)('%s', (codes) => {
  const { shape, spacing } = sameAnatomy(codes);
  const grid = gridWith(codes, shape, spacing, [0.1, 0.2, -0.15]);
  const reference = gridWith('RAS', [40, 30, 20], [0.8, 1.25, 3]);

  it('the same anatomy lies at the same place of the canvas', () => {
    for (const plane of PLANES) {
      for (const camera of [WHOLE_IMAGE, ZOOMED]) {
        const tile = tileOf(grid, plane, camera, 'radiological');
        expect(tile).toEqual(tileOf(reference, plane, camera, 'radiological'));
      }
    }
  });

  it('canvas → voxel → canvas is the identity on all planes', () => {
    for (const plane of PLANES) {
      const tile = tileOf(grid, plane, ZOOMED, 'neurological');
      for (const point of [[20, 40], [300.5, 222.25]] as CanvasPoint[]) {
        const [x, y] = canvasFromRas(tile, rasFromCanvas(tile, point, [3, 4, 5]));
        expect(x).toBeCloseTo(point[0], 9);
        expect(y).toBeCloseTo(point[1], 9);
      }
    }
  });

  it('a box dragged over voxels has exactly those corners', () => {
    for (const plane of PLANES) {
      const tile = tileOf(grid, plane, WHOLE_IMAGE, 'radiological');
      const through: Vec3 = [11, 12, 13];
      const slice = sliceOfPlane(grid, plane, through);
      expect(slice.axis).toBe(storedAxisOfPlane(grid.axes, plane));
      const corners = [canvasFromSlice(grid, tile, slice, [3, 2]), canvasFromSlice(grid, tile, slice, [9, 14])] as const;
      const [from, to] = [sliceFromCanvas(grid, tile, corners[0], through), sliceFromCanvas(grid, tile, corners[1], through)];
      expect(boxBetween(to, from, sliceSizeOf(grid, slice.axis))).toEqual([3, 2, 9, 14]);
    }
  });

  it('a place on the canvas is one voxel, whichever way it is stored', () => {
    const tile = tileOf(grid, 'coronal', WHOLE_IMAGE, 'radiological');
    const ras = rasFromCanvas(tile, [320, 200], [5, 6, 7]).map(Math.round) as unknown as Vec3;
    const stored = storedFromRas(grid.axes, grid.shape, ras);
    expect(rasFromStored(grid.axes, grid.shape, stored)).toEqual(ras);
  });
});

describe('conventions', () => {
  const grid = gridWith('RAS', [40, 30, 20], [1, 1, 1]);

  it.each([
    ['axial', 'radiological', { left: 'R', right: 'L', top: 'A', bottom: 'P' }],
    ['coronal', 'radiological', { left: 'R', right: 'L', top: 'S', bottom: 'I' }],
    ['sagittal', 'radiological', { left: 'A', right: 'P', top: 'S', bottom: 'I' }],
    ['axial', 'neurological', { left: 'L', right: 'R', top: 'A', bottom: 'P' }],
    ['coronal', 'neurological', { left: 'L', right: 'R', top: 'S', bottom: 'I' }],
  ] as const)('%s, %s: the letters stand where the patient is', (plane: Plane, convention, letters) => {
    expect(edgeLetters(plane, convention)).toEqual(letters);
    const tile = tileOf(grid, plane, WHOLE_IMAGE, convention);
    const at = { R: [39, 15, 10], L: [0, 15, 10], A: [20, 29, 10], P: [20, 0, 10], S: [20, 15, 19], I: [20, 15, 0] } as const;
    expect(canvasFromRas(tile, at[letters.left])[0]).toBeLessThan(canvasFromRas(tile, at[letters.right])[0]);
    expect(canvasFromRas(tile, at[letters.top])[1]).toBeLessThan(canvasFromRas(tile, at[letters.bottom])[1]);
  });

  it('the image keeps its proportions and is seen whole at zoom 1, in every layout', () => {
    for (const shape of [[512, 512, 13], [60, 200, 300]] as Vec3[]) {
      const flat = gridWith('RAS', shape, [0.7, 0.7, 5]);
      for (const layout of LAYOUTS) {
        for (const [width, height] of [[960, 500], [500, 900]] as const) {
          const { tiles } = arrange(flat, layout, width, height, WHOLE_IMAGE, 'radiological');
          const scales = tiles.map(({ plane, across }) => Math.abs(across.pixelsPerVoxel) / flat.rasSpacingMm[PLANE_AXES[plane].across]);
          for (const [at, tile] of tiles.entries()) {
            const { across, up } = PLANE_AXES[tile.plane];
            expect(Math.abs(tile.up.pixelsPerVoxel) / flat.rasSpacingMm[up]).toBeCloseTo(scales[at] ?? 0, 9);
            expect(scales[at]).toBeCloseTo(scales[0] ?? 0, 9);
            for (const [ras, edge] of [[-0.5, 0], [flat.rasShape[across] - 0.5, 0], [-0.5, 1], [flat.rasShape[up] - 0.5, 1]] as const) {
              const corner: [number, number, number] = [0, 0, 0];
              corner[edge === 0 ? across : up] = ras;
              const value = canvasFromRas(tile, corner)[edge];
              const low = edge === 0 ? tile.frame.x : tile.frame.y;
              const length = edge === 0 ? tile.frame.width : tile.frame.height;
              expect(value).toBeGreaterThanOrEqual(low - 1e-6);
              expect(value).toBeLessThanOrEqual(low + length + 1e-6);
            }
          }
        }
      }
    }
  });

  it('frames lie inside their panes, fill a single one, and show exactly the extents', () => {
    const body = gridWith('RAS', [72, 60, 40], [1.5, 1.5, 2.5]);
    for (const layout of LAYOUTS) {
      const { tiles, extentMm } = arrange(body, layout, 960, 500, WHOLE_IMAGE, 'radiological');
      for (const { plane, pane, frame, across } of tiles) {
        const scale = Math.abs(across.pixelsPerVoxel) / body.rasSpacingMm[PLANE_AXES[plane].across];
        expect(frame.width).toBeCloseTo(extentMm[PLANE_AXES[plane].across] * scale, 6);
        expect(frame.height).toBeCloseTo(extentMm[PLANE_AXES[plane].up] * scale, 6);
        expect(frame.x).toBeGreaterThanOrEqual(pane.x - 1e-6);
        expect(frame.y).toBeGreaterThanOrEqual(pane.y - 1e-6);
        if (layout !== 'grid') expect(frame).toEqual(pane);
      }
    }
  });

  it('panes do not overlap', () => {
    const panes = panesOf('grid', 900, 600);
    expect(panes.map(({ plane }) => plane).sort()).toEqual(['axial', 'coronal', 'sagittal']);
    for (const a of panes) {
      for (const b of panes) {
        if (a === b) continue;
        const apart =
          a.pane.x + a.pane.width <= b.pane.x ||
          b.pane.x + b.pane.width <= a.pane.x ||
          a.pane.y + a.pane.height <= b.pane.y ||
          b.pane.y + b.pane.height <= a.pane.y;
        expect(apart).toBe(true);
      }
    }
  });
});
