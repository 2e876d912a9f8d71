// Strokes, hints about prompts, time that is left, two masks compared.
import { describe, expect, it } from 'vitest';
import type { Revision, Scribble, SlicePrompt } from '../src/api/types';
import { dice, differing, overlapBySlice, previousResult, total } from '../src/core/compare';
import { hintsOf } from '../src/core/prompt_hints';
import type { Labelmap } from '../src/core/rle';
import { distanceToLine, placeInside, scribbleAt, simplified } from '../src/core/scribble';
import { paced, roundedTime, secondsLeft, silentSeconds, type Pace } from '../src/core/time_left';

const LINE: Scribble = { path: [[0, 0], [10, 0]], radius: 2, positive: true };

describe('strokes', () => {
  it('a place is as far from a line as from its nearest point, ends included', () => {
    expect(distanceToLine([5, 3], [0, 0], [10, 0])).toBe(3);
    expect(distanceToLine([13, 4], [0, 0], [10, 0])).toBe(5);
    expect(distanceToLine([3, 4], [0, 0], [0, 0])).toBe(5);
  });

  it('a click hits within the width and the slack, the newest stroke first', () => {
    expect(scribbleAt([LINE], [5, 2], 0)).toBe(0);
    expect(scribbleAt([LINE], [5, 2.6], 0.5)).toBe(-1);
    expect(scribbleAt([LINE], [5, 2.5], 0.5)).toBe(0);
    expect(scribbleAt([LINE, { ...LINE, positive: false }], [5, 1], 0)).toBe(1);
    // A stroke without width is still a voxel wide.
    expect(scribbleAt([{ path: [[4, 4]], radius: 0, positive: true }], [4.4, 4], 0)).toBe(0);
    expect(scribbleAt([], [0, 0], 9)).toBe(-1);
  });

  it('corners on a straight way go, bends stay', () => {
    expect(simplified([[0, 0], [1, 0], [2, 0.1], [3, 0], [9, 0]])).toEqual([[0, 0], [9, 0]]);
    expect(simplified([[0, 0], [4, 0], [4, 4]])).toEqual([[0, 0], [4, 0], [4, 4]]);
    expect(simplified([[1, 1]])).toEqual([[1, 1]]);
  });

  it('stays inside the slice, in hundredths of a voxel', () => {
    expect(placeInside([-3, 7.12345], [8, 8])).toEqual([0, 7]);
    expect(placeInside([1.23456, 2], [8, 8])).toEqual([1.23, 2]);
  });
});

describe('hints', () => {
  const boxed: SlicePrompt = { axis: 2, slice_index: 3, label: 1, box: [10, 10, 20, 20] };

  it('says nothing about a plain prompt', () => {
    expect(hintsOf(boxed)).toEqual([]);
    expect(hintsOf({ ...boxed, points: [{ x: 10, y: 20, positive: true }, { x: 30, y: 30, positive: false }] })).toEqual([]);
  });

  it('a tiny box, a mark inside the object but outside the box, marks that contradict each other', () => {
    expect(hintsOf({ ...boxed, box: [10, 10, 12, 30] })).toEqual(['small']);
    expect(hintsOf({ ...boxed, points: [{ x: 21, y: 15, positive: true }] })).toEqual(['outside']);
    expect(hintsOf({ ...boxed, scribbles: [{ path: [[15, 15], [25, 15]], radius: 1, positive: true }] })).toEqual(['outside']);
    const both = [{ x: 12.2, y: 15, positive: true }, { x: 11.8, y: 15.4, positive: false }];
    expect(hintsOf({ ...boxed, points: both })).toEqual(['contradiction']);
    const crossed = { ...boxed, points: [{ x: 15, y: 15, positive: true }], scribbles: [{ path: [[12, 15], [18, 15]], radius: 0, positive: false }] };
    expect(hintsOf(crossed)).toEqual(['contradiction']);
  });

  it('marks outside alone find nothing', () => {
    expect(hintsOf({ axis: 0, slice_index: 1, points: [{ x: 1, y: 1, positive: false }] })).toEqual(['negativeOnly']);
  });
});

describe('time left', () => {
  const told = (places: readonly (readonly [number, number])[]): Pace | null =>
    places.reduce<Pace | null>((pace, [at, done]) => paced(pace, 'a/1', done, 100, at), null);

  it('is what is missing by the pace, less the time since the last word', () => {
    const pace = told([[0, 0], [1000, 10], [2000, 20]]);
    expect(secondsLeft(pace, 2000)).toBeCloseTo(8, 6);
    expect(secondsLeft(pace, 3000)).toBeCloseTo(7, 6);
    expect(secondsLeft(pace, 60_000)).toBe(0);
    expect(silentSeconds(pace, pace!.at + 14_999)).toBeNull();
    expect(silentSeconds(pace, pace!.at + 15_999)).toBe(15);
    expect(silentSeconds(null, 60_000)).toBeNull();
  });

  it('says nothing before there is something to go by', () => {
    expect(secondsLeft(null, 0)).toBeNull();
    expect(secondsLeft(told([[0, 0]]), 5000)).toBeNull();
    expect(secondsLeft(told([[0, 0], [500, 3]]), 500)).toBeNull();
  });

  it('steadies: after six slower seconds the pace is two thirds of the way', () => {
    // 10 per second, then 5 per second: 10 − (1 − 1/e) · 5 = 6.8394; 50 are left.
    const pace = told([[0, 0], [2000, 20], [8000, 50]]);
    expect(secondsLeft(pace, 8000)).toBeCloseTo(50 / (10 - (1 - Math.exp(-1)) * 5), 6);
  });

  it('another attempt, or a step back, begins anew', () => {
    const pace = told([[0, 0], [2000, 20]]);
    expect(paced(pace, 'a/2', 0, 100, 3000).rate).toBeNull();
    expect(paced(pace, 'a/1', 5, 100, 3000).rate).toBeNull();
    expect(paced(pace, 'a/1', 20, 100, 3000)).toBe(pace);
  });

  it('is said no finer than it is known', () => {
    expect(roundedTime(0)).toEqual({ unit: 'seconds', value: 1 });
    expect(roundedTime(11.4)).toEqual({ unit: 'seconds', value: 12 });
    expect(roundedTime(33)).toEqual({ unit: 'seconds', value: 35 });
    expect(roundedTime(58)).toEqual({ unit: 'minutes', value: 1 });
    expect(roundedTime(160)).toEqual({ unit: 'minutes', value: 3 });
  });
});

describe('comparison', () => {
  const a: Labelmap = { shape: [2, 2, 2], voxels: Uint8Array.from([1, 1, 0, 0, 1, 2, 0, 0]) };
  const b: Labelmap = { shape: [2, 2, 2], voxels: Uint8Array.from([1, 0, 1, 0, 2, 1, 0, 0]) };

  it('counts an object slice by slice along any axis', () => {
    expect(overlapBySlice(a, b, 1, 2)).toEqual([{ a: 2, b: 2, both: 1 }, { a: 1, b: 1, both: 0 }]);
    expect(overlapBySlice(a, b, 1, 0)).toEqual([{ a: 2, b: 2, both: 1 }, { a: 1, b: 1, both: 0 }]);
    expect(overlapBySlice(a, b, 1, 1)).toEqual([{ a: 3, b: 2, both: 1 }, { a: 0, b: 1, both: 0 }]);
    const sum = total(overlapBySlice(a, b, 1, 2));
    expect(sum).toEqual({ a: 3, b: 3, both: 1 });
    expect(dice(sum)).toBeCloseTo(1 / 3, 12);
    expect(differing(sum)).toBe(4);
    expect(dice({ a: 0, b: 0, both: 0 })).toBeNull();
  });

  it('is with the newest earlier mask that is another one', () => {
    const revision = (revision_id: string, parent: string | null, mask: string): Revision => ({ revision_id, parent, mask }) as Revision;
    const revisions = [revision('d', 'c', 'two'), revision('c', 'b', 'two'), revision('b', 'a', 'one'), revision('a', null, 'one')];
    expect(previousResult(revisions, 'd')?.revision_id).toBe('b');
    expect(previousResult(revisions, 'b')).toBeNull();
    expect(previousResult(revisions, null)).toBeNull();
  });
});
