// Canvas ↔ voxel: upright in every order, exact both ways, boxes with inclusive corners.
import { describe, expect, it } from 'vitest';
import { PLANES, rasFromStored, storedAxisOfPlane, storedFromRas, type Plane, type Vec3 } from '../src/core/axes';
import { boxBetween } from '../src/core/box';
import { sliceOfPlane } from '../src/core/grid';
import {
  canvasFromRas,
  canvasFromSlice,
  edgeLetters,
  panesOf,
  rasFromCanvas,
  sliceFromCanvas,
  tileOf,
  WHOLE_IMAGE,
  type Camera,
  type CanvasPoint,
} from '../src/core/tile';
import { sliceSizeOf } from './slice_size';
import { allAxisCodes, gridWith } from './orders';

const PANE = { x: 12, y: 30, width: 640, height: 420 };
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
        const tile = tileOf(grid, plane, PANE, camera, 'radiological');
        expect(tile).toEqual(tileOf(reference, plane, PANE, camera, 'radiological'));
      }
    }
  });

  it('canvas → voxel → canvas is the identity on all planes', () => {
    for (const plane of PLANES) {
      const tile = tileOf(grid, plane, PANE, ZOOMED, 'neurological');
      for (const point of [[20, 40], [300.5, 222.25]] as CanvasPoint[]) {
        const [x, y] = canvasFromRas(tile, rasFromCanvas(tile, point, [3, 4, 5]));
        expect(x).toBeCloseTo(point[0], 9);
        expect(y).toBeCloseTo(point[1], 9);
      }
    }
  });

  it('a box dragged over voxels has exactly those corners', () => {
    for (const plane of PLANES) {
      const tile = tileOf(grid, plane, PANE, WHOLE_IMAGE, 'radiological');
      const through: Vec3 = [11, 12, 13];
      const slice = sliceOfPlane(grid, plane, through);
      expect(slice.axis).toBe(storedAxisOfPlane(grid.axes, plane));
      const corners = [canvasFromSlice(grid, tile, slice, [3, 2]), canvasFromSlice(grid, tile, slice, [9, 14])] as const;
      const [from, to] = [sliceFromCanvas(grid, tile, corners[0], through), sliceFromCanvas(grid, tile, corners[1], through)];
      expect(boxBetween(to, from, sliceSizeOf(grid, slice.axis))).toEqual([3, 2, 9, 14]);
    }
  });

  it('a place on the canvas is one voxel, whichever way it is stored', () => {
    const tile = tileOf(grid, 'coronal', PANE, WHOLE_IMAGE, 'radiological');
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
    const tile = tileOf(grid, plane, PANE, WHOLE_IMAGE, convention);
    const at = { R: [39, 15, 10], L: [0, 15, 10], A: [20, 29, 10], P: [20, 0, 10], S: [20, 15, 19], I: [20, 15, 0] } as const;
    expect(canvasFromRas(tile, at[letters.left])[0]).toBeLessThan(canvasFromRas(tile, at[letters.right])[0]);
    expect(canvasFromRas(tile, at[letters.top])[1]).toBeLessThan(canvasFromRas(tile, at[letters.bottom])[1]);
  });

  it('the image keeps its proportions and stays inside its pane', () => {
    const flat = gridWith('RAS', [512, 512, 13], [0.7, 0.7, 5]);
    const { frame } = tileOf(flat, 'coronal', PANE, WHOLE_IMAGE, 'radiological');
    expect(frame.width / frame.height).toBeCloseTo((512 * 0.7) / (13 * 5), 9);
    expect(frame.width).toBeLessThanOrEqual(PANE.width + 1e-9);
    expect(frame.x).toBeGreaterThanOrEqual(PANE.x - 1e-9);
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
