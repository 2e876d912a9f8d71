// Why a stroke changed nothing: what the pencil met, and what is said of it.
import { describe, expect, it } from 'vitest';
import { Recorder } from '../../src/core/edit/change';
import { hindranceOf, type Met } from '../../src/core/edit/hindrance';
import { Pencil } from '../../src/core/edit/pencil';
import type { SlicePlane } from '../../src/core/edit/plane';
import { erasable, paintable } from '../../src/core/edit/rules';

const PLANE: SlicePlane = { axis: 2, sliceIndex: 0, size: [6, 1], start: 0, strides: [1, 6], spacingMm: [1, 1] };

function drawn(voxels: string, rules: ConstructorParameters<typeof Pencil>[2]): Met {
  const pencil = new Pencil(new Recorder({ shape: [6, 1, 1], voxels: Uint8Array.from(voxels, Number) }), PLANE, rules);
  pencil.span([0, 1, 4]);
  return pencil.met;
}

const NONE: ReadonlySet<number> = new Set();

describe('what was in the way', () => {
  it.each([
    ['over another object', '022220', NONE, 'over'],
    ['over locked ones only', '022220', new Set([2]), 'lockedThere'],
    ['over a locked and an open one', '022330', new Set([2]), 'over'],
    ['with a locked object', '000000', new Set([1]), 'locked'],
    ['over itself', '011110', NONE, null],
  ] as const)('painting %s', (_name, voxels, locked, expected) => {
    const met = drawn(voxels, { label: 1, writable: paintable(1, 'background', locked) });
    expect(hindranceOf(met, 1, locked, false)).toBe(expected);
  });

  it.each([
    ['another object', '022220', NONE, 'active', 'others'],
    ['the background', '000000', NONE, 'active', null],
    ['itself, locked', '011110', new Set([1]), 'active', 'locked'],
    ['the background with a locked object', '000000', new Set([1]), 'active', null],
    ['a locked one among all', '022220', new Set([2]), 'unlocked', 'lockedThere'],
  ] as const)('erasing %s', (_name, voxels, locked, from, expected) => {
    const met = drawn(voxels, { label: 0, writable: erasable(1, from, locked) });
    expect(hindranceOf(met, 1, locked, true)).toBe(expected);
  });

  it('intensities, where the rule would have it', () => {
    const met = drawn('002000', { label: 1, writable: paintable(1, 'background', NONE), accepts: () => false });
    expect(met).toEqual({ kept: new Set([2]), outOfRange: true });
    expect(hindranceOf(met, 1, NONE, false)).toBe('range');
  });
});
