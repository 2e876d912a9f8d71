// Edits that wait for the server while others change the same mask; and the counts that follow.
import { describe, expect, it } from 'vitest';
import { censusOf } from '../../src/core/edit/census';
import { Recorder, type Change } from '../../src/core/edit/change';
import { boxAfter, giveWay, layOn, takeOut, takeOver } from '../../src/core/edit/waiting';
import { boxAround, boxOfOffsets, boxToBase64, readBox, takeBox, type VoxelBox } from '../../src/core/edit/voxel_box';
import { decodeRle, type Labelmap } from '../../src/core/rle';

function row(text: string): Labelmap {
  return { shape: [text.length, 1, 1], voxels: Uint8Array.from(text, Number) };
}

function text({ voxels }: Labelmap): string {
  return [...voxels].join('');
}

function paint(mask: Labelmap, label: number, ...offsets: number[]): Change {
  const record = new Recorder(mask);
  for (const offset of offsets) record.set(offset, label);
  return record.finish();
}

/** The counts that a mask counted from the start has. */
function expectCounted(mask: Labelmap): void {
  const fresh = censusOf({ shape: mask.shape, voxels: Uint8Array.from(mask.voxels) });
  const kept = censusOf(mask);
  expect(kept.totals).toEqual(fresh.totals);
  expect(kept.slices).toEqual(fresh.slices);
}

const WHOLE: VoxelBox = [[0, 0, 0], [7, 0, 0]];

describe('what is sent', () => {
  it('an edit is sent as it was right after it', () => {
    const mask = row('00000000');
    const first = paint(mask, 1, 1, 2, 3);
    const later = [paint(mask, 2, 3, 4), paint(mask, 3, 3)];
    expect(text(mask)).toBe('01132000');
    expect(first.box).toEqual([[1, 0, 0], [3, 0, 0]]);
    expect(text(boxAfter(mask, first.box!, later))).toBe('111');
  });

  it('a box travels as its runs in base64', () => {
    const part = takeBox(row('01122000'), [[1, 0, 0], [5, 0, 0]]);
    const bytes = Uint8Array.from(atob(boxToBase64(part)), (it) => it.charCodeAt(0));
    expect(decodeRle(bytes)).toEqual(part);
    expect(() => readBox(bytes, [[1, 0, 0], [6, 0, 0]])).toThrow();
  });

  it('boxes hold what they are of', () => {
    // Offsets of (1, 0, 2) and (0, 2, 1) in 2 × 3 × 4.
    expect(boxOfOffsets([2, 3, 4], [1 + 12, 4 + 6])).toEqual([[0, 0, 1], [1, 2, 2]]);
    expect(boxOfOffsets([2, 3, 4], [])).toBeNull();
    expect(boxAround([[1, 1, 1], [2, 2, 2]], [[0, 2, 1], [1, 5, 1]])).toEqual([[0, 1, 1], [2, 5, 2]]);
  });
});

describe('others edit as well', () => {
  it('different voxels: both edits stay', () => {
    const mask = row('00000000');
    const mine = [paint(mask, 1, 0, 1)];
    const clash = takeOver(mask, WHOLE, row('00000220'), mine);
    expect(clash.offsets).toEqual([]);
    expect(text(mask)).toBe('11000220');
    expectCounted(mask);
  });

  it('edits from before lie on what others made of the mask meanwhile, and the same voxel is told', () => {
    const mask = row('00000000');
    const mine = [paint(mask, 1, 0, 1, 2), paint(mask, 3, 2, 3)];
    const now = row('02000020');
    expect(layOn(now, mine)).toEqual({ offsets: [1], theirs: [2] });
    expect(text(now)).toBe('11330020');
    expectCounted(now);
    // As if they had been made on it: the first is sent without the second.
    expect(text(boxAfter(now, mine[0]!.box!, mine.slice(1)))).toBe('111');
  });

  it('the same voxel with the same label is no clash', () => {
    const mask = row('00000000');
    const clash = takeOver(mask, WHOLE, row('01000000'), [paint(mask, 1, 0, 1)]);
    expect(clash.offsets).toEqual([]);
    expect(text(mask)).toBe('11000000');
    expectCounted(mask);
  });

  it('the same voxel with another label is told, and mine stays until a person decides', () => {
    const mask = row('00000000');
    let mine = [paint(mask, 1, 0, 1, 2), paint(mask, 3, 2)];
    const clash = takeOver(mask, WHOLE, row('00220000'), mine);
    expect(clash).toEqual({ offsets: [2], theirs: [2] });
    expect(text(mask)).toBe('11320000');
    expectCounted(mask);
    // Mine: the first edit is sent as if it had been made upon theirs.
    expect(text(boxAfter(mask, WHOLE, mine.slice(1)))).toBe('11120000');
    mine = giveWay(mask, clash, mine);
    expect(text(mask)).toBe('11220000');
    expect(mine.map(({ offsets }) => [...offsets])).toEqual([[0, 1], []]);
    expectCounted(mask);
  });

  it('what others erased and I painted over is told', () => {
    const mask = row('22220000');
    const clash = takeOver(mask, WHOLE, row('20020000'), [paint(mask, 1, 1)]);
    expect(clash).toEqual({ offsets: [1], theirs: [0] });
    expect(text(mask)).toBe('21020000');
  });

  it('only the box that came is taken over', () => {
    const mask = row('00000003');
    takeOver(mask, [[2, 0, 0], [3, 0, 0]], row('22'), []);
    expect(text(mask)).toBe('00220003');
    expectCounted(mask);
  });

  it('a refused edit is taken out from under later ones', () => {
    const mask = row('00000000');
    const refused = paint(mask, 1, 0, 1, 2);
    const later = paint(mask, 2, 2, 3);
    takeOut(mask, refused, [later]);
    expect(text(mask)).toBe('00220000');
    expect([...later.before]).toEqual([0, 0]);
    expectCounted(mask);
  });
});

describe('counts', () => {
  it('totals, slices and extents of a mask written down', () => {
    // 2 × 2 × 3: (0, 0, 0) and (1, 0, 2) are of object 1, (1, 1, 1) of object 7.
    const voxels = new Uint8Array(12);
    voxels[0] = 1;
    voxels[1 + 8] = 1;
    voxels[3 + 4] = 7;
    const census = censusOf({ shape: [2, 2, 3], voxels });
    expect([census.totals[1], census.totals[7], census.totals[2]]).toEqual([2, 1, 0]);
    expect(census.onSlice(2, 2, 1)).toBe(1);
    expect(census.onSlice(1, 0, 1)).toBe(2);
    expect(census.extent(2, 1)).toEqual([0, 2]);
    expect(census.extent(0, 7)).toEqual([1, 1]);
    expect(census.extent(0, 9)).toBeNull();
  });
});
