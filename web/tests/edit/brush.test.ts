// Brushes against voxels counted by hand.
import { describe, expect, it } from 'vitest';
import { anchorAt, stampEdges, stampOf, walk, type Stamp } from '../../src/core/edit/brush';

/** Covered voxels as `dx,dy`, sorted. */
function covered({ spans }: Stamp): string[] {
  const out: string[] = [];
  for (const [y, first, last] of spans) for (let x = first; x <= last; x++) out.push(`${x},${y}`);
  return out.sort();
}

describe('stamps', () => {
  it('a size of 1 is one voxel, of either shape', () => {
    for (const shape of ['round', 'square'] as const) expect(covered(stampOf({ shape, size: 1 }, [1, 1]))).toEqual(['0,0']);
  });

  it('a square of 3 is nine voxels about the middle one', () => {
    const expected = ['-1,-1', '-1,0', '-1,1', '0,-1', '0,0', '0,1', '1,-1', '1,0', '1,1'];
    expect(covered(stampOf({ shape: 'square', size: 3 }, [1, 1]))).toEqual(expected.sort());
  });

  it('a round brush of 2 is four voxels, of 4 twelve, of 5 twenty-one', () => {
    expect(covered(stampOf({ shape: 'round', size: 2 }, [1, 1]))).toEqual(['0,0', '0,1', '1,0', '1,1']);
    // 4 × 4 without its corners, which lie 2.12 voxels from the middle.
    expect(covered(stampOf({ shape: 'round', size: 4 }, [1, 1]))).toHaveLength(12);
    // 5 × 5 without its corners, which lie 2.83 voxels from the middle.
    const five = covered(stampOf({ shape: 'round', size: 5 }, [1, 1]));
    expect(five).toHaveLength(21);
    for (const corner of ['-2,-2', '-2,2', '2,-2', '2,2']) expect(five).not.toContain(corner);
  });

  it('is round in millimetres where voxels are not square', () => {
    // 8 voxels of 0.5 mm are 4 mm: radius 2 mm. Along y voxels are 2 mm: two rows, centres 1 mm from the middle.
    const { spans, even } = stampOf({ shape: 'round', size: 8 }, [0.5, 2]);
    expect(even).toEqual([true, true]);
    // √(2² − 1²) = 1.73 mm to either side: centres at 0.25, 0.75, 1.25 mm, three to each side.
    expect(spans).toEqual([[0, -2, 3], [1, -2, 3]]);
    expect(stampOf({ shape: 'square', size: 8 }, [0.5, 2]).spans).toEqual([[0, -3, 4], [1, -3, 4]]);
  });

  it('covers at least one voxel across coarse slices', () => {
    expect(covered(stampOf({ shape: 'round', size: 3 }, [0.5, 5]))).toEqual(['-1,0', '0,0', '1,0']);
  });

  it('grows from one size to the next, and never beyond its count', () => {
    for (const shape of ['round', 'square'] as const) {
      let before = 0;
      for (let size = 1; size <= 100; size++) {
        const count = covered(stampOf({ shape, size }, [1, 1])).length;
        expect(count).toBeGreaterThan(before);
        expect(count).toBeLessThanOrEqual(size * size);
        before = count;
      }
    }
  });
});

describe('places', () => {
  it('an odd brush sits on the nearest voxel, an even one on the nearest corner', () => {
    const [odd, even] = [stampOf({ shape: 'square', size: 3 }, [1, 1]), stampOf({ shape: 'square', size: 2 }, [1, 1])];
    expect(anchorAt(odd, [4.4, 4.6])).toEqual([4, 5]);
    // The corner nearest to 4.4 is 4.5, between voxels 4 and 5; to 3.8 it is 3.5.
    expect(anchorAt(even, [4.4, 3.8])).toEqual([4, 3]);
  });

  it('the way between two voxels has no gap, ends where it should, and is empty on the spot', () => {
    for (const to of [[9, 4], [-7, 30], [0, -5], [12, 12], [3, 3]] as const) {
      const way = walk([3, 3], to);
      let [x, y] = [3, 3];
      for (const [nx, ny] of way) {
        expect(Math.max(Math.abs(nx - x), Math.abs(ny - y))).toBe(1);
        [x, y] = [nx, ny];
      }
      expect([x, y]).toEqual([...to]);
    }
    expect(walk([3, 3], [3, 3])).toEqual([]);
  });
});

it('the outline of a plus-like stamp has as many unit edges as the stamp has open sides', () => {
  const plus: Stamp = { spans: [[-1, 0, 0], [0, -1, 1], [1, 0, 0]], even: [false, false] };
  const length = stampEdges(plus).reduce((sum, [x1, y1, x2, y2]) => sum + Math.abs(x2 - x1) + Math.abs(y2 - y1), 0);
  expect(length).toBe(12);
});
