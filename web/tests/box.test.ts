// Boxes: inclusive, in order, inside the slice, whatever is dragged or typed.
import { describe, expect, it } from 'vitest';
import { boxBetween, boxContains, boxSize, boxWithCorner, clampBox, handlePlace, isSmall, moveBox, resizeBox, type Box, type SliceSize } from '../src/core/box';

const SIZE: SliceSize = [100, 60];
const BOX: Box = [10, 20, 30, 40];

describe('a box', () => {
  it('is ordered and clamped, from whatever corner it is dragged', () => {
    for (const [a, b] of [
      [[9.6, 19.7], [30.4, 40.2]],
      [[30.4, 40.2], [9.6, 19.7]],
      [[9.6, 40.2], [30.4, 19.7]],
    ] as const) {
      expect(boxBetween(a, b, SIZE)).toEqual(BOX);
    }
    expect(boxBetween([-50, -3], [400, 999], SIZE)).toEqual([0, 0, 99, 59]);
    expect(clampBox([120, 70, -4, 5], SIZE)).toEqual([0, 5, 99, 59]);
  });

  it('counts both corners', () => {
    expect(boxSize([4, 4, 4, 6])).toEqual([1, 3]);
    expect(boxContains(BOX, [30.5, 40.5])).toBe(true);
    expect(boxContains(BOX, [30.6, 40])).toBe(false);
  });

  it('keeps its size when it is moved against an edge', () => {
    expect(moveBox(BOX, 5.4, -3.6, SIZE)).toEqual([15, 16, 35, 36]);
    expect(moveBox(BOX, 1000, -1000, SIZE)).toEqual([79, 0, 99, 20]);
  });

  it('follows its handles and turns over where they cross', () => {
    expect(resizeBox(BOX, 'x2y2', [50, 55], SIZE)).toEqual([10, 20, 50, 55]);
    expect(resizeBox(BOX, 'x1', [45, 3], SIZE)).toEqual([30, 20, 45, 40]);
    expect(resizeBox(BOX, 'y1', [0, -9], SIZE)).toEqual([10, 0, 30, 40]);
    expect(handlePlace(BOX, 'x1y2')).toEqual([9.5, 40.5]);
    expect(handlePlace(BOX, 'y1')).toEqual([20, 19.5]);
  });

  it('takes typed corners; the opposite one gives way', () => {
    expect(boxWithCorner(BOX, 0, 12, SIZE)).toEqual([12, 20, 30, 40]);
    expect(boxWithCorner(BOX, 0, 35, SIZE)).toEqual([35, 20, 35, 40]);
    expect(boxWithCorner(BOX, 3, 5, SIZE)).toEqual([10, 5, 30, 5]);
    expect(boxWithCorner(BOX, 2, 4000, SIZE)).toEqual([10, 20, 99, 40]);
  });

  it('of a few pixels is called small', () => {
    expect(isSmall([10, 10, 12, 40])).toBe(true);
    expect(isSmall([10, 10, 13, 13])).toBe(false);
  });
});
