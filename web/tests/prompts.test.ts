// Prompts, windows, confidence, colours: the small decisions of the page.
import { describe, expect, it } from 'vitest';
import type { Label, Revision, SlicePrompt } from '../src/api/types';
import { doubtfulOrder, doubtOf, isJudged, nextDoubtful, previousDoubtful, ratedRevision, tellingSlices } from '../src/core/confidence';
import { nextLabelColor, outlineColors, paletteOf } from '../src/core/palette';
import { canSegment, promptAt, propagationAxis, startingSlices, withPrompt } from '../src/core/prompts';
import { draggedWindow, firstWindow, presetName, presetsOf } from '../src/core/window';

const BOXED: SlicePrompt = { axis: 2, slice_index: 8, label: 1, box: [1, 2, 3, 4] };
const ABSENT: SlicePrompt = { axis: 2, slice_index: 3, label: 1, absent: true };

describe('prompts', () => {
  it('one per object and slice; one that says nothing is taken out', () => {
    const key = { axis: 2, sliceIndex: 8, label: 1 } as const;
    const prompts = withPrompt([BOXED, ABSENT], key, { ...BOXED, box: [0, 0, 9, 9] });
    expect(prompts.map((prompt) => prompt.slice_index)).toEqual([3, 8]);
    expect(promptAt(prompts, key)?.box).toEqual([0, 0, 9, 9]);
    expect(withPrompt(prompts, key, { axis: 2, slice_index: 8, label: 1, points: [] })).toEqual([ABSENT]);
    expect(withPrompt(prompts, { ...key, label: 2 }, { ...BOXED, label: 2 })).toHaveLength(3);
  });

  it('a box or a point inside is enough; a point outside or an absent slice is not', () => {
    expect(canSegment(BOXED)).toBe(true);
    expect(canSegment({ axis: 0, slice_index: 1, points: [{ x: 1, y: 1, positive: true }] })).toBe(true);
    expect(canSegment({ axis: 0, slice_index: 1, points: [{ x: 1, y: 1, positive: false }] })).toBe(false);
    expect(canSegment(ABSENT)).toBe(false);
    expect(canSegment(null)).toBe(false);
  });

  it('a propagation runs along the axis that has most prompted slices', () => {
    const sagittal: SlicePrompt = { axis: 0, slice_index: 5, label: 1, box: [1, 1, 5, 5] };
    expect(propagationAxis([ABSENT], 1)).toBeNull();
    expect(propagationAxis([BOXED, sagittal, { ...sagittal, slice_index: 6 }], 1)).toBe(0);
    expect(startingSlices([BOXED, ABSENT, { ...BOXED, label: 2 }], 1)).toEqual([BOXED]);
  });
});

describe('windows', () => {
  const ct = { modality: 'CT', intensity_range: [-1024, 2000], intensity_percentiles: [-900, 400] };

  it('a CT opens in the abdomen window, other images in their own contrast', () => {
    expect(firstWindow(ct)).toEqual({ low: -160, high: 240 });
    const mr = { modality: 'MR', intensity_range: [0, 900], intensity_percentiles: [12, 700] };
    expect(firstWindow(mr)).toEqual({ low: 12, high: 700 });
    expect(presetsOf(mr).map(([name]) => name)).toEqual(['percentiles', 'full']);
    expect(presetName(ct, { low: -1350, high: 150 })).toBe('lung');
    expect(presetName(ct, { low: -1350, high: 151 })).toBeNull();
  });

  it('an image of one value still has a window', () => {
    expect(firstWindow({ modality: 'unknown', intensity_range: [5, 5], intensity_percentiles: [5, 5] })).toEqual({ low: 5, high: 6 });
  });

  it('dragging to the right widens, dragging down darkens, and it never closes', () => {
    const start = { low: -160, high: 240 };
    const wide = draggedWindow(start, 100, 0, ct.intensity_range);
    expect(wide.high - wide.low).toBeGreaterThan(400);
    const dark = draggedWindow(start, 0, 50, ct.intensity_range);
    expect(dark.low + dark.high).toBeGreaterThan(80);
    const closed = draggedWindow(start, -5000, 0, ct.intensity_range);
    expect(closed.high).toBeGreaterThan(closed.low);
  });
});

describe('confidence', () => {
  const slices = [
    { slice_index: 4, area_voxels: 90, uncertainty: 0.05 },
    { slice_index: 5, area_voxels: 80, uncertainty: 0.5 },
    { slice_index: 6, area_voxels: 70, uncertainty: 0.2 },
  ];

  it('the most doubtful slice comes first, each once', () => {
    const order = doubtfulOrder(slices, new Set());
    expect(slices.map(doubtOf)).toEqual(['sure', 'doubtful', 'check']);
    // Slice 4 is sure: nothing leads there.
    expect(order).toEqual([5, 6]);
    expect(nextDoubtful(order, new Set())).toBe(5);
    expect(nextDoubtful(order, new Set([5]))).toBe(6);
    expect(nextDoubtful(order, new Set([5, 6]))).toBeNull();
    expect(doubtfulOrder(slices, new Set([5]))).toEqual([6]);
    expect(doubtfulOrder(slices.slice(0, 1), new Set())).toEqual([]);
  });

  it('the way back goes over the slices that were looked at', () => {
    const back = previousDoubtful(new Set([5, 6, 9]));
    expect(back?.slice).toBe(6);
    expect(previousDoubtful(back?.seen ?? new Set())?.slice).toBe(5);
    expect(previousDoubtful(new Set([5]))).toBeNull();
  });

  it('surely empty slices say nothing', () => {
    const empty = { slice_index: 9, area_voxels: 0, uncertainty: 0.01 };
    const missed = { slice_index: 10, area_voxels: 0, uncertainty: 0.4 };
    expect(tellingSlices([...slices, empty, missed])).toEqual([...slices, missed]);
  });

  const revision = (id: string, parent: string | null, rest: Partial<Revision> = {}): Revision => ({
    revision_id: id,
    parent,
    mask: id,
    author: { by: 'person', name: '' },
    label: 1,
    prompts: [],
    created_ms: 0,
    ...rest,
  });
  const run = { action: 'propagate', slices } as const;
  /** a – b – c, beside them d after a, and e after d: newest first. */
  const history = [
    revision('e', 'd', { action: 'confirm', mask: 'd' }),
    revision('d', 'a', { action: 'propagate' }),
    revision('c', 'b', { action: 'paint' }),
    revision('b', 'a', run),
    revision('a', null, { action: 'segment_slice' }),
  ];

  it.each([
    ['the propagation itself', 'b', 1, 'b'],
    ['a mask painted after it', 'c', 1, 'b'],
    ['the mask before it: an undone propagation says nothing of it', 'a', 1, null],
    ['a propagation that was stopped before it judged: no other one counts', 'd', 1, null],
    ['what came after that', 'e', 1, null],
    ['the image without a mask, as a second reader begins', null, 1, null],
    ['another object', 'c', 2, null],
  ] as const)('belongs to the shown mask and what it came from: %s', (_what, head, label, rated) => {
    expect(ratedRevision({ revisions: history, job: { head }, label })?.revision_id ?? null).toBe(rated);
  });

  it('passes over other objects and what a propagation before it says', () => {
    const revisions = [revision('z', 'y', { ...run, label: 2 }), revision('y', 'x', run), revision('x', null, run)];
    const at = (label: number): string | undefined => ratedRevision({ revisions, job: { head: 'z' }, label })?.revision_id;
    expect([at(1), at(2)]).toEqual(['y', 'z']);
  });

  it('is of the voxels that are shown as long as none of them changed', () => {
    const rated = revision('b', 'a', run);
    const confirmed = revision('f', 'b', { action: 'confirm', mask: 'b' });
    const judged = (head: string | null): boolean => isJudged({ revisions: [confirmed, ...history], job: { head }, label: 1 }, rated);
    expect([judged('b'), judged('f'), judged('c'), judged(null)]).toEqual([true, true, false, false]);
  });
});

describe('colours', () => {
  it('red comes first, a used colour is not given again, hidden objects are transparent', () => {
    expect(nextLabelColor([])).toBe('#ff3b30');
    expect(nextLabelColor(['#FF3B30'])).not.toBe('#ff3b30');
    expect(nextLabelColor(['#ff0000'])).not.toBe('#ff3b30');
    const palette = paletteOf([{ value: 1, name: '', color: '#ff0080' }, { value: 2, name: '', color: '#00ff00' }], new Set([2]), 0.4);
    expect([...palette.subarray(4, 8)]).toEqual([255, 0, 128, 102]);
    expect(palette[11]).toBe(0);
  });

  it('an object has its own opacity, may be outlined only, and may be hidden for all', () => {
    const label = (value: number, rest: Partial<Label>): Label => ({ value, name: '', color: '#00ff00', ...rest });
    const labels = [label(1, { opacity: 0.8 }), label(2, { outline: true }), label(3, { visible: false }), label(4, { outline: false })];
    const palette = paletteOf(labels, new Set(), 0.5);
    expect([1, 2, 3, 4].map((value) => palette[4 * value + 3])).toEqual([204, 0, 0, 128]);
    expect([...outlineColors(labels, new Set(), true).keys()]).toEqual([1, 2]);
    expect([...outlineColors(labels, new Set(), false)]).toEqual([[2, 'rgb(0 255 0)']]);
    expect([...outlineColors(labels, new Set([2]), false)]).toEqual([]);
  });
});
