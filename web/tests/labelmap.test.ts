// Masks in the viewer's order, on planes, their outlines; a running propagation over an older mask.
import { describe, expect, it } from 'vitest';
import { PLANE_AXES, PLANES, rasFromStored, type Vec3 } from '../src/core/axes';
import { storedOffset } from '../src/core/grid';
import { labelCounts, labelsOnSlice } from '../src/core/edit/census';
import { labelledBox, outlines, planeLabels, withPartial } from '../src/core/labelmap';
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

  it('a voxel lies on its slice of each plane', () => {
    for (const plane of PLANES) {
      const { across, up } = PLANE_AXES[plane];
      const { width, labels } = planeLabels(grid, marked(stored, 9), plane, ras);
      expect(labels[ras[across] + width * ras[up]]).toBe(9);
    }
  });
});

/** The unit edges that lines are made of, as text, sorted. */
function unitEdges(lines: readonly number[]): string[] {
  const edges: string[] = [];
  for (let at = 0; at < lines.length; at += 4) {
    const [a, b, c, d] = lines.slice(at, at + 4) as [number, number, number, number];
    const length = Math.abs(c - a) + Math.abs(d - b);
    expect(c === a || d === b).toBe(true);
    for (let step = 0; step < length; step++) {
      const along = (from: number, to: number): number => from + Math.sign(to - from) * step;
      edges.push([along(a, c), along(b, d), along(a, c) + Math.sign(c - a), along(b, d) + Math.sign(d - b)].join(' '));
    }
  }
  return edges.sort();
}

/** Every edge between a voxel of the label and a neighbour that has another, by looking at each voxel. */
function edgesOneByOne(width: number, labels: Uint8Array, label: number): string[] {
  const height = labels.length / width;
  const is = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && labels[y * width + x] === label;
  const edges: string[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!is(x, y)) continue;
      const [l, r, lo, hi] = [x - 0.5, x + 0.5, y - 0.5, y + 0.5];
      if (!is(x - 1, y)) edges.push([l, lo, l, hi].join(' '));
      if (!is(x + 1, y)) edges.push([r, lo, r, hi].join(' '));
      if (!is(x, y - 1)) edges.push([l, lo, r, lo].join(' '));
      if (!is(x, y + 1)) edges.push([l, hi, r, hi].join(' '));
    }
  }
  return edges.sort();
}

describe('outlines', () => {
  it('go around the label, not through it, in lines as long as they are straight', () => {
    const slice = { width: 4, height: 3, labels: Uint8Array.from([0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0]) };
    const lines = outlines(slice);
    expect([...lines.keys()]).toEqual([2]);
    // Two voxels beside each other: four lines.
    expect(lines.get(2)).toHaveLength(16);
    expect(unitEdges(lines.get(2) ?? [])).toEqual(
      ['0.5 0.5 0.5 1.5', '2.5 0.5 2.5 1.5', '0.5 0.5 1.5 0.5', '1.5 0.5 2.5 0.5', '0.5 1.5 1.5 1.5', '1.5 1.5 2.5 1.5'].sort(),
    );
  });

  it('are the edges found by looking at each voxel, for labels that touch each other and the border', () => {
    const width = 13;
    const labels = Uint8Array.from({ length: width * 9 }, (_, at) => ((at * 7919) % 11 < 5 ? 0 : 1 + ((at * 31) % 3)));
    const lines = outlines({ width, height: 9, labels });
    expect([...lines.keys()].sort()).toEqual([1, 2, 3]);
    for (const [label, line] of lines) expect(unitEdges(line)).toEqual(edgesOneByOne(width, labels, label));
  });

  it('of nothing are none', () => {
    const empty = { width: 4, height: 3, labels: new Uint8Array(12) };
    expect(outlines(empty).size).toBe(0);
    expect(labelledBox(empty)).toEqual([4, -1, 3, -1]);
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
