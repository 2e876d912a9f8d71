// Image files as the viewer reads them, and the upright file it is given.
import { describe, expect, it } from 'vitest';
import type { Vec3 } from '../src/core/axes';
import { applyAffine } from '../src/core/grid';
import { uprightAffine, uprightHeader } from '../src/core/upright_nifti';
import { intensityAt, nrrdGzipStart, readVolumeFile, VolumeFileError } from '../src/core/volume_file';
import { allAxisCodes, gridWith } from './orders';

const SHAPE: Vec3 = [2, 3, 2];

function nifti1(datatype: number, bytes: Uint8Array, littleEndian: boolean, slope = 0, intercept = 0): Uint8Array {
  const file = new Uint8Array(352 + bytes.length);
  const view = new DataView(file.buffer);
  view.setInt32(0, 348, littleEndian);
  [3, ...SHAPE].forEach((size, at) => {
    view.setInt16(40 + 2 * at, size, littleEndian);
  });
  view.setInt16(70, datatype, littleEndian);
  view.setFloat32(108, 352, littleEndian);
  view.setFloat32(112, slope, littleEndian);
  view.setFloat32(116, intercept, littleEndian);
  file.set(bytes, 352);
  return file;
}

function shorts(littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(24));
  for (let at = 0; at < 12; at++) view.setInt16(2 * at, 100 * at - 300, littleEndian);
  return new Uint8Array(view.buffer);
}

describe('NIfTI', () => {
  it.each([true, false])('shorts are read in both byte orders (little endian: %s)', (littleEndian) => {
    const volume = readVolumeFile(nifti1(4, shorts(littleEndian), littleEndian)).frame(0);
    expect(volume.shape).toEqual(SHAPE);
    expect([...volume.voxels]).toEqual(Array.from({ length: 12 }, (_, at) => 100 * at - 300));
  });

  it('slope and intercept apply; a slope of zero means none', () => {
    expect(intensityAt(readVolumeFile(nifti1(4, shorts(true), true, 2, 5)).frame(0), 4)).toBe(205);
    expect(intensityAt(readVolumeFile(nifti1(4, shorts(true), true, 0, 5)).frame(0), 4)).toBe(100);
  });

  it('64-bit integers become numbers', () => {
    const bytes = new Uint8Array(new BigInt64Array(12).fill(-7n).buffer);
    expect(readVolumeFile(nifti1(1024, bytes, true)).frame(0).voxels[11]).toBe(-7);
  });

  it('what is cut off or of another type is refused', () => {
    expect(() => readVolumeFile(nifti1(4, shorts(true).subarray(2), true)).frame(0)).toThrow(VolumeFileError);
    expect(() => readVolumeFile(nifti1(128, shorts(true), true))).toThrow('128');
    expect(() => readVolumeFile(new TextEncoder().encode('not an image '.repeat(40)))).toThrow(VolumeFileError);
  });
});

describe('NRRD', () => {
  const header = (encoding: string): string =>
    `NRRD0005\n# comment\ntype: short\ndimension: 3\nsizes: 2 3 2\nendian: little\nencoding: ${encoding}\n\n`;

  it('raw voxels follow the header', () => {
    const head = new TextEncoder().encode(header('raw'));
    const volume = readVolumeFile(Uint8Array.from([...head, ...shorts(true)])).frame(0);
    expect(volume.shape).toEqual(SHAPE);
    expect(volume.voxels[11]).toBe(800);
  });

  it('gzip voxels are handed in inflated', () => {
    const head = new TextEncoder().encode(header('gzip'));
    expect(nrrdGzipStart(head)).toBe(head.length);
    expect(readVolumeFile(head, shorts(true)).frame(0).voxels[0]).toBe(-300);
  });
});

describe('frames', () => {
  /** Voxel v of frame f holds 100 f + v. */
  const value = (frame: number, voxel: number): number => 100 * frame + voxel;
  const stored = (order: 'last' | 'first'): Uint8Array => {
    const voxels = new Int16Array(36);
    for (let frame = 0; frame < 3; frame++) {
      for (let voxel = 0; voxel < 12; voxel++) voxels[order === 'last' ? 12 * frame + voxel : 3 * voxel + frame] = value(frame, voxel);
    }
    return new Uint8Array(voxels.buffer);
  };

  it('of NIfTI lie one after the other', () => {
    const bytes = nifti1(4, stored('last'), true);
    const view = new DataView(bytes.buffer);
    view.setInt16(40, 4, true);
    view.setInt16(48, 3, true);
    const file = readVolumeFile(bytes);
    expect(file.nFrames).toBe(3);
    for (let frame = 0; frame < 3; frame++) expect([...file.frame(frame).voxels]).toEqual(Array.from({ length: 12 }, (_, voxel) => value(frame, voxel)));
    expect(() => file.frame(3)).toThrow(VolumeFileError);
  });

  it.each([
    ['last', 'sizes: 2 3 2 3\nkinds: domain domain domain list'],
    ['first', 'sizes: 3 2 3 2\nkinds: list domain domain domain'],
    ['first', 'sizes: 3 2 3 2\nspace: left-posterior-superior\nspace directions: none (1,0,0) (0,1,0) (0,0,1)'],
    ['last', 'sizes: 2 3 2 3'],
  ] as const)('of NRRD lie after or between each other: %s, %s', (order, fields) => {
    const head = new TextEncoder().encode(`NRRD0005\ntype: short\ndimension: 4\n${fields}\nendian: little\nencoding: raw\n\n`);
    const file = readVolumeFile(Uint8Array.from([...head, ...stored(order)]));
    expect(file.nFrames).toBe(3);
    for (let frame = 0; frame < 3; frame++) {
      const { shape, voxels } = file.frame(frame);
      expect(shape).toEqual(SHAPE);
      expect([...voxels]).toEqual(Array.from({ length: 12 }, (_, voxel) => value(frame, voxel)));
    }
  });
});

describe('the upright file', () => {
  it.each(allAxisCodes())('%s: voxels keep their order and lose the rotation', (codes) => {
    const grid = gridWith(codes, SHAPE, [1, 2, 3], [0.3, 0.1, -0.2]);
    const affine = uprightAffine(grid);
    const here = applyAffine(affine, [0, 0, 0]);
    const there = applyAffine(affine, [SHAPE[0] - 1, SHAPE[1] - 1, SHAPE[2] - 1]);
    here.forEach((mm, at) => {
      expect(mm).toBeCloseTo(-(there[at] ?? 0), 9);
    });
    for (const axis of [0, 1, 2] as const) {
      const column = affine.map((row) => row[axis] ?? 0);
      expect(column.filter((value) => value !== 0)).toHaveLength(1);
      expect(Math.sign(column[grid.axes.ras[axis]] ?? 0)).toBe(grid.axes.rising[axis] ? 1 : -1);
    }
  });

  it('is read back as the same voxels', () => {
    const grid = gridWith('LPS', SHAPE, [1, 2, 3]);
    const voxels = Int16Array.from({ length: 12 }, (_, at) => at * at);
    const header = uprightHeader(grid, { shape: SHAPE, voxels, slope: 2, intercept: -1 });
    const file = Uint8Array.from([...header, ...new Uint8Array(voxels.buffer)]);
    const back = readVolumeFile(file).frame(0);
    expect([...back.voxels]).toEqual([...voxels]);
    expect([back.slope, back.intercept]).toEqual([2, -1]);
  });
});
