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
  rasFromCanvas,
  sliceFromCanvas,
  WHOLE_IMAGE,
  type Camera,
  type CanvasPoint,
  type Convention,
  type Tile,
} from '../src/core/tile';
import { LAYOUTS, type Layout } from '../src/core/layout';
import { sliceSizeOf } from './slice_size';
import { allAxisCodes, gridWith } from './orders';

const [WIDTH, HEIGHT] = [640, 420];

function tileOf(grid: Grid, plane: Plane, camera: Camera, convention: Convention): Tile {
  const [tile] = arrange(grid, { layout: plane, large: 'axial', camera, convention }, WIDTH, HEIGHT).tiles;
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

  it('the image keeps its proportions and is seen whole at zoom 1, as large as its pane allows, in every layout', () => {
    for (const shape of [[512, 512, 13], [60, 200, 300]] as Vec3[]) {
      const flat = gridWith('RAS', shape, [0.7, 0.7, 5]);
      for (const layout of LAYOUTS) {
        for (const [width, height] of [[960, 500], [500, 900]] as const) checkWhole(flat, layout, width, height);
      }
    }
  });

  it('magnified, each pane shows that many more pixels per millimetre', () => {
    for (const layout of LAYOUTS) {
      const scales = [1, 2.5].map((zoom) =>
        arrange(grid, { layout, large: 'coronal', camera: { ...WHOLE_IMAGE, zoom }, convention: 'radiological' }, 900, 600).tiles.map(
          ({ pixelsPerMm }) => pixelsPerMm,
        ),
      );
      expect(scales[1]).toEqual((scales[0] ?? []).map((scale) => scale * 2.5));
    }
  });
});

function checkWhole(grid: Grid, layout: Layout, width: number, height: number): void {
  const { tiles } = arrange(grid, { layout, large: 'axial', camera: WHOLE_IMAGE, convention: 'radiological' }, width, height);
  const fills: number[] = [];
  for (const { plane, pane, across, up, pixelsPerMm } of tiles) {
    const axes = PLANE_AXES[plane];
    expect(Math.abs(across.pixelsPerVoxel)).toBeCloseTo(pixelsPerMm * grid.rasSpacingMm[axes.across], 9);
    expect(Math.abs(up.pixelsPerVoxel)).toBeCloseTo(pixelsPerMm * grid.rasSpacingMm[axes.up], 9);
    const [w, h] = [Math.abs(across.pixelsPerVoxel) * grid.rasShape[axes.across], Math.abs(up.pixelsPerVoxel) * grid.rasShape[axes.up]];
    fills.push(Math.max(w / pane.width, h / pane.height));
    // Centred: the middle of the image is the middle of the pane.
    expect(across.origin + (across.pixelsPerVoxel * (grid.rasShape[axes.across] - 1)) / 2).toBeCloseTo(pane.x + pane.width / 2, 9);
    expect(up.origin + (up.pixelsPerVoxel * (grid.rasShape[axes.up] - 1)) / 2).toBeCloseTo(pane.y + pane.height / 2, 9);
  }
  if (tiles.length === 0) return;
  expect(Math.max(...fills)).toBeCloseTo(1, 9);
  // Panes of different sizes are filled each; four of one size share a scale.
  if (layout === 'main') for (const fill of fills) expect(fill).toBeCloseTo(1, 9);
  if (layout === 'grid') expect(new Set(tiles.map(({ pixelsPerMm }) => pixelsPerMm)).size).toBe(1);
}
