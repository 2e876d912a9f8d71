// Edits of one slice on volumes small enough to write down.
import { describe, expect, it } from 'vitest';
import { Recorder, revert } from '../../src/core/edit/change';
import { stampOf } from '../../src/core/edit/brush';
import { Pencil, Stroke } from '../../src/core/edit/pencil';
import { slicePlane } from '../../src/core/edit/plane';
import { areaOf, holesOf, inverse, lassoOf, regionAt, spansOf } from '../../src/core/edit/regions';
import { erasable, paintable } from '../../src/core/edit/rules';
import type { Labelmap } from '../../src/core/rle';

const NONE: ReadonlySet<number> = new Set();

/** A single slice written as rows of digits; the first row is y = 0. */
function slice(...rows: string[]): Labelmap {
  return { shape: [rows[0]!.length, rows.length, 1], voxels: Uint8Array.from(rows.join(''), Number) };
}

function rowsOf({ shape, voxels }: Labelmap): string[] {
  return Array.from({ length: shape[1] }, (_, y) => [...voxels.subarray(y * shape[0], (y + 1) * shape[0])].join(''));
}

function planeOf(mask: Labelmap): ReturnType<typeof slicePlane> {
  return slicePlane({ shape: mask.shape, spacingMm: [1, 1, 1] }, 2, 0);
}

describe('rules', () => {
  it('background only: no object loses a voxel', () => {
    const mask = slice('0123', '0000');
    const pencil = new Pencil(new Recorder(mask), planeOf(mask), { label: 1, writable: paintable(1, 'background', NONE) });
    pencil.span([0, 0, 3]);
    expect(rowsOf(mask)).toEqual(['1123', '0000']);
  });

  it('everything but locked objects', () => {
    const mask = slice('0123', '0000');
    new Pencil(new Recorder(mask), planeOf(mask), { label: 1, writable: paintable(1, 'unlocked', new Set([3])) }).span([0, 0, 3]);
    expect(rowsOf(mask)).toEqual(['1113', '0000']);
  });

  it('a locked object gains no voxel', () => {
    const mask = slice('0123');
    new Pencil(new Recorder(mask), planeOf(mask), { label: 1, writable: paintable(1, 'unlocked', new Set([1])) }).span([0, 0, 3]);
    expect(rowsOf(mask)).toEqual(['0123']);
  });

  it('the eraser takes from the chosen object, or from every one that is not locked', () => {
    const one = slice('0123');
    new Pencil(new Recorder(one), planeOf(one), { label: 0, writable: erasable(2, 'active', NONE) }).span([0, 0, 3]);
    expect(rowsOf(one)).toEqual(['0103']);
    const all = slice('0123');
    new Pencil(new Recorder(all), planeOf(all), { label: 0, writable: erasable(2, 'unlocked', new Set([3])) }).span([0, 0, 3]);
    expect(rowsOf(all)).toEqual(['0003']);
    const locked = slice('0123');
    new Pencil(new Recorder(locked), planeOf(locked), { label: 0, writable: erasable(2, 'active', new Set([2])) }).span([0, 0, 3]);
    expect(rowsOf(locked)).toEqual(['0123']);
  });
});

describe('strokes', () => {
  it('a fast stroke leaves no gap and is clipped at the border', () => {
    const mask = slice('000000', '000000', '000000');
    const record = new Recorder(mask);
    const stroke = new Stroke(
      new Pencil(record, planeOf(mask), { label: 1, writable: paintable(1, 'background', NONE) }),
      stampOf({ shape: 'square', size: 1 }, [1, 1]),
    );
    stroke.to([0, 0]);
    stroke.to([8, 0.2]);
    expect(rowsOf(mask)).toEqual(['111111', '000000', '000000']);
    expect(stroke.pencil.takeTouched()).toEqual([0, 0, 5, 0]);
    expect(stroke.pencil.takeTouched()).toBeNull();
    const change = record.finish();
    expect([...change.offsets]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(change.box).toEqual([[0, 0, 0], [5, 0, 0]]);
    revert(mask.voxels, change);
    expect(rowsOf(mask)).toEqual(['000000', '000000', '000000']);
  });

  it('a voxel crossed twice is changed once', () => {
    const mask = slice('000');
    const record = new Recorder(mask);
    const stroke = new Stroke(
      new Pencil(record, planeOf(mask), { label: 4, writable: paintable(4, 'background', NONE) }),
      stampOf({ shape: 'round', size: 1 }, [1, 1]),
    );
    for (const x of [0, 2, 0]) stroke.to([x, 0]);
    expect(record.finish().offsets).toHaveLength(3);
  });

  it('a threshold brush changes only what it accepts', () => {
    const mask = slice('00000');
    const intensities = [10, 50, 60, 90, 55];
    const pencil = new Pencil(new Recorder(mask), planeOf(mask), {
      label: 1,
      writable: paintable(1, 'background', NONE),
      accepts: (offset) => intensities[offset]! >= 50 && intensities[offset]! <= 60,
    });
    pencil.span([0, 0, 4]);
    expect(rowsOf(mask)).toEqual(['01101']);
  });

  it('slices of every stored axis lie where they should', () => {
    const shape = [2, 3, 4] as const;
    const painted = (axis: 0 | 1 | 2, sliceIndex: number): number[] => {
      const mask: Labelmap = { shape, voxels: new Uint8Array(24) };
      const plane = slicePlane({ shape, spacingMm: [1, 1, 1] }, axis, sliceIndex);
      new Pencil(new Recorder(mask), plane, { label: 1, writable: paintable(1, 'background', NONE) }).span([2, 1, 1]);
      return [...mask.voxels.keys()].filter((at) => mask.voxels[at] === 1);
    };
    // x 1, y 2: (1, 1, 2), (1, 2, 2), (1, 2, 3) as i + 2 (j + 3 k).
    expect(painted(0, 1)).toEqual([1 + 2 * (1 + 3 * 2)]);
    expect(painted(1, 2)).toEqual([1 + 2 * (2 + 3 * 2)]);
    expect(painted(2, 3)).toEqual([1 + 2 * (2 + 3 * 3)]);
  });
});

describe('areas', () => {
  const show = (inside: Uint8Array, width: number): string[] =>
    Array.from({ length: inside.length / width }, (_, y) => [...inside.subarray(y * width, (y + 1) * width)].join(''));

  it('a region hangs together by sides, not by corners', () => {
    const mask = slice('11010', '10010', '01100');
    const { inside, isOpen } = regionAt(mask.voxels, planeOf(mask), 0, 0);
    expect(show(inside, 5)).toEqual(['11000', '10000', '00000']);
    expect(isOpen).toBe(true);
  });

  it('an enclosed region is not open', () => {
    const mask = slice('11111', '10001', '11111');
    const { inside, isOpen } = regionAt(mask.voxels, planeOf(mask), 2, 1);
    expect(show(inside, 5)).toEqual(['00000', '01110', '00000']);
    expect(isOpen).toBe(false);
  });

  it('holes are what an object encloses, other objects included', () => {
    const mask = slice('0111110', '0102010', '0111110', '1100000', '1100011', '0000010');
    expect(show(holesOf(mask.voxels, planeOf(mask), 1), 7)).toEqual([
      '0000000', '0011100', '0000000', '0000000', '0000000', '0000000',
    ]);
  });

  it('a lasso takes the voxels whose centres it holds', () => {
    const corners = [[0.5, 0.5], [3.5, 0.5], [3.5, 2.5], [0.5, 2.5]] as const;
    expect(show(lassoOf(corners, [5, 4]), 5)).toEqual(['00000', '01110', '01110', '00000']);
    // A triangle with corners (0,0), (4,0), (0,4): centres with x + y < 4, the left and upper border included.
    const triangle = [[0, 0], [4, 0], [0, 4]] as const;
    expect(show(lassoOf(triangle, [5, 5]), 5)).toEqual(['11110', '11100', '11000', '10000', '00000']);
    expect(show(inverse(lassoOf(corners, [5, 4])), 5)[1]).toBe('10001');
  });

  it('a lasso past the border is cut off, a line holds nothing', () => {
    expect(show(lassoOf([[-3, -3], [9, -3], [9, 0.5], [-3, 0.5]], [3, 2]), 3)).toEqual(['111', '000']);
    expect(show(lassoOf([[0, 0], [2, 0]], [3, 2]), 3)).toEqual(['000', '000']);
  });

  it('spans give back the area they were made of', () => {
    const mask = slice('0110110', '0000000', '1111111');
    expect([...spansOf(areaOf(mask.voxels, planeOf(mask), 1), 7)]).toEqual([[0, 1, 2], [0, 4, 5], [2, 0, 6]]);
  });
});
