// Masks in the viewer's order, on planes, their outlines; a running propagation over an older mask.
import { describe, expect, it } from 'vitest';
import { PLANE_AXES, PLANES, rasFromStored, type Vec3 } from '../src/core/axes';
import { storedOffset } from '../src/core/grid';
import { labelCounts, labelsInRasOrder, labelsOnSlice, outlineEdges, planeLabels, withPartial } from '../src/core/labelmap';
import type { Labelmap } from '../src/core/rle';
import { allAxisCodes, gridWith } from './orders';

const SHAPE: Vec3 = [4, 3, 5];

function marked(stored: Vec3, label: number): Labelmap {
  const voxels = new Uint8Array(SHAPE[0] * SHAPE[1] * SHAPE[2]);
  voxels[storedOffset(SHAPE, stored)] = label;
  return { shape: SHAPE, voxels };
}

describe.each(allAxisCodes())('%s', (codes) => {
  const grid = gridWith(codes, SHAPE, [1, 2, 3]);
  const stored: Vec3 = [3, 1, 2];
  const ras = rasFromStored(grid.axes, grid.shape, stored);

  it('a voxel lies where the viewer looks for it', () => {
    const [nr, na] = grid.rasShape;
    const labels = labelsInRasOrder(grid, marked(stored, 9));
    expect(labels[ras[0] + nr * (ras[1] + na * ras[2])]).toBe(9);
    expect(labels.reduce((sum, label) => sum + label, 0)).toBe(9);
  });

  it('a voxel lies on its slice of each plane', () => {
    for (const plane of PLANES) {
      const { across, up } = PLANE_AXES[plane];
      const { width, labels } = planeLabels(grid, marked(stored, 9), plane, ras);
      expect(labels[ras[across] + width * ras[up]]).toBe(9);
    }
  });
});

describe('outlines', () => {
  it('go around the label, not through it', () => {
    const slice = { width: 4, height: 3, labels: Uint8Array.from([0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0]) };
    const edges = outlineEdges(slice, 2);
    expect(edges).toHaveLength(6);
    expect(edges).toContainEqual([0.5, 0.5, 0.5, 1.5]);
    expect(edges).not.toContainEqual([1.5, 0.5, 1.5, 1.5]);
    expect(outlineEdges(slice, 1)).toEqual([]);
  });
});

describe('sizes', () => {
  it('count voxels per label and tell which slices hold one', () => {
    const mask = marked([1, 2, 3], 4);
    expect([...labelCounts(mask)]).toEqual([[4, 1]]);
    expect([...labelsOnSlice(mask, 2, 3)]).toEqual([4]);
    expect([...labelsOnSlice(mask, 1, 1)]).toEqual([]);
    expect([...labelsOnSlice(mask, 0, 1)]).toEqual([4]);
  });
});

describe('a running propagation', () => {
  it('adds to its object and leaves others alone', () => {
    const head: Labelmap = { shape: [4, 1, 1], voxels: Uint8Array.from([0, 1, 2, 0]) };
    const partial: Labelmap = { shape: [4, 1, 1], voxels: Uint8Array.from([1, 1, 1, 0]) };
    expect([...withPartial(head, partial, 1).voxels]).toEqual([1, 1, 2, 0]);
    expect([...withPartial(null, partial, 3).voxels]).toEqual([3, 3, 3, 0]);
    expect([...head.voxels]).toEqual([0, 1, 2, 0]);
  });
});
