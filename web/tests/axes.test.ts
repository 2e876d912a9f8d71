// Voxel coordinates in every storage order, oblique affines included.
import { describe, expect, it } from 'vitest';
import {
  axesFromCodes,
  PLANES,
  planeOfStoredAxis,
  rasFromStored,
  sliceAxes,
  storedAxisOfPlane,
  storedFromRas,
  storedFromSlice,
  type Vec3,
} from '../src/core/axes';
import { applyAffine, clampRas, invertAffine, mmFromRas, rasAtSlice, rasFromMm, rasStrides, sliceOfPlane, storedOffset } from '../src/core/grid';
import { allAxisCodes, gridWith } from './orders';

const SHAPE: Vec3 = [5, 7, 4];
const SPACING: Vec3 = [0.7, 1.5, 3];
const ORDERS = allAxisCodes();
const OBLIQUE: Vec3 = [0.22, -0.31, 0.17];

describe('axis orders', () => {
  it('are 48, all different', () => {
    expect(new Set(ORDERS).size).toBe(48);
  });

  it.each(ORDERS)('%s: stored → RAS → stored is the identity, and RAS indices cover the RAS shape', (codes) => {
    const grid = gridWith(codes, SHAPE, SPACING);
    const seen = new Set<string>();
    for (let i = 0; i < SHAPE[0]; i++) {
      for (let j = 0; j < SHAPE[1]; j++) {
        for (let k = 0; k < SHAPE[2]; k++) {
          const ras = rasFromStored(grid.axes, grid.shape, [i, j, k]);
          expect(storedFromRas(grid.axes, grid.shape, ras)).toEqual([i, j, k]);
          expect(clampRas(grid, ras)).toEqual(ras);
          seen.add(ras.join());
        }
      }
    }
    expect(seen.size).toBe(SHAPE[0] * SHAPE[1] * SHAPE[2]);
  });

  it.each(ORDERS)('%s: a step in RAS order moves towards R, A, S by the spacing', (codes) => {
    const grid = gridWith(codes, SHAPE, SPACING);
    const origin = mmFromRas(grid, [1, 1, 1]);
    for (const axis of [0, 1, 2] as const) {
      const stepped: [number, number, number] = [1, 1, 1];
      stepped[axis] = 2;
      const moved = mmFromRas(grid, stepped).map((mm, at) => mm - (origin[at] ?? 0));
      moved.forEach((mm, at) => {
        expect(mm).toBeCloseTo(at === axis ? grid.rasSpacingMm[axis] : 0, 9);
      });
    }
  });

  it.each(ORDERS)('%s: millimetres and voxels convert both ways on an oblique grid', (codes) => {
    const grid = gridWith(codes, SHAPE, SPACING, OBLIQUE);
    for (const ras of [[0, 0, 0], [1, 2, 1], [2.25, 0.5, 1.75]] as Vec3[]) {
      rasFromMm(grid, mmFromRas(grid, ras)).forEach((value, at) => {
        expect(value).toBeCloseTo(ras[at] ?? 0, 9);
      });
    }
    const stored: Vec3 = [3, 2, 1];
    const back = applyAffine(invertAffine(grid.rasMmFromStored), applyAffine(grid.rasMmFromStored, stored));
    back.forEach((value, at) => {
      expect(value).toBeCloseTo(stored[at] ?? 0, 9);
    });
  });

  it.each(ORDERS)('%s: each plane shows slices of one stored axis, and strides walk the stored array', (codes) => {
    const grid = gridWith(codes, SHAPE, SPACING);
    for (const plane of PLANES) {
      const axis = storedAxisOfPlane(grid.axes, plane);
      expect(planeOfStoredAxis(grid.axes, axis)).toBe(plane);
      const at = rasAtSlice(grid, plane, [0, 0, 0], 2);
      expect(sliceOfPlane(grid, plane, at)).toEqual({ axis, sliceIndex: 2 });
    }
    const { start, strides } = rasStrides(grid);
    for (const ras of [[0, 0, 0], [1, 2, 3], [2, 1, 0]] as Vec3[]) {
      const inside = clampRas(grid, ras);
      const offset = start + inside.reduce((sum, value, at) => sum + value * strides[at as 0 | 1 | 2], 0);
      expect(offset).toBe(storedOffset(grid.shape, storedFromRas(grid.axes, grid.shape, inside)));
    }
  });

  it('codes that name no orientation are refused', () => {
    for (const codes of ['', 'RA', 'RRS', 'RLS', 'XYZ', 'RASR']) expect(() => axesFromCodes(codes)).toThrow('axis codes');
  });
});

describe('slices', () => {
  it('x and y are the other two stored axes, ascending', () => {
    expect(sliceAxes(0)).toEqual([1, 2]);
    expect(sliceAxes(1)).toEqual([0, 2]);
    expect(sliceAxes(2)).toEqual([0, 1]);
    expect(storedFromSlice(1, 9, 3, 4)).toEqual([3, 9, 4]);
  });
});
