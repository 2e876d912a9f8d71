// The labelmap code: round trips, and everything that is not exactly one labelmap is refused.
import { describe, expect, it } from 'vitest';
import { decodeRle, encodeRle, RleError, type Labelmap } from '../src/core/rle';

function labelmap(shape: readonly [number, number, number], at: (index: number) => number): Labelmap {
  return { shape, voxels: Uint8Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, index) => at(index)) };
}

const HEADER = [0x56, 0x58, 0x52, 0x31, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0];

describe('the labelmap code', () => {
  it.each([
    ['empty', labelmap([40, 30, 20], () => 0)],
    ['one voxel', labelmap([1, 1, 1], () => 7)],
    ['no two alike', labelmap([5, 5, 5], (index) => (index * 37) % 251)],
    ['long runs', labelmap([300, 300, 2], (index) => (index > 90000 ? 255 : 0))],
  ])('%s: decoded it is what was encoded', (_name, original) => {
    const back = decodeRle(encodeRle(original));
    expect(back.shape).toEqual(original.shape);
    expect(back.voxels).toEqual(original.voxels);
  });

  it('has the bytes of the format', () => {
    const bytes = encodeRle(labelmap([200, 1, 1], (index) => (index < 3 ? 1 : 0)));
    expect([...bytes]).toEqual([0x56, 0x58, 0x52, 0x31, 200, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 1, 0xc5, 0x01, 0]);
  });

  it('reads bytes that lie inside a larger buffer', () => {
    const whole = Uint8Array.from([9, 9, ...HEADER, 4, 3, 9]);
    expect([...decodeRle(whole.subarray(2, -1)).voxels]).toEqual([3, 3, 3, 3]);
  });

  it.each([
    ['another magic', [0x56, 0x58, 0x52, 0x32, ...HEADER.slice(4), 4, 1]],
    ['a header cut off', HEADER.slice(0, 12)],
    ['no voxels', [...HEADER.slice(0, 4), 0, 0, 0, 0, ...HEADER.slice(8), 4, 1]],
    ['a run past the end', [...HEADER, 5, 1]],
    ['a run of nothing', [...HEADER, 0, 1, 4, 1]],
    ['runs that end early', [...HEADER, 3, 1]],
    ['a run without label', [...HEADER, 4]],
    ['a number without end', [...HEADER, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]],
    ['trailing bytes', [...HEADER, 4, 1, 0]],
    ['a giant shape', [...HEADER.slice(0, 4), 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 4, 1]],
  ])('%s is refused', (_name, bytes) => {
    expect(() => decodeRle(Uint8Array.from(bytes))).toThrow(RleError);
  });
});
