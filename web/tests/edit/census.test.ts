// Where objects lie: counted by hand on a few voxels.
import { describe, expect, it } from 'vitest';
import { middleOf } from '../../src/core/edit/census';
import type { Labelmap } from '../../src/core/rle';

/** A labelmap of 4 × 3 × 9 with one voxel of label 2 on each of these slices. */
function withSlices(slices: readonly number[]): Labelmap {
  const voxels = new Uint8Array(4 * 3 * 9);
  for (const k of slices) voxels[1 + 4 * (2 + 3 * k)] = 2;
  return { shape: [4, 3, 9], voxels };
}

describe('the middle of an object', () => {
  it('is the middle slice of its extent, the lower one of two', () => {
    expect(middleOf(withSlices([2, 3, 4]), 2, 2)).toBe(3);
    expect(middleOf(withSlices([2, 3, 4, 5]), 2, 2)).toBe(3);
    expect(middleOf(withSlices([2, 3, 4]), 0, 2)).toBe(1);
    expect(middleOf(withSlices([2, 3, 4]), 1, 2)).toBe(2);
  });

  it('is a slice that holds it, where the middle does not', () => {
    expect(middleOf(withSlices([0, 8]), 2, 2)).toBe(0);
    expect(middleOf(withSlices([0, 6, 8]), 2, 2)).toBe(6);
  });

  it('is nowhere without a voxel', () => {
    expect(middleOf(withSlices([]), 2, 2)).toBeNull();
    expect(middleOf(withSlices([3]), 2, 1)).toBeNull();
  });
});
