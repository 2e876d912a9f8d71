// Histogram, the slices that hold objects, and the sliders' arithmetic.
import { describe, expect, it } from 'vitest';
import { addVoxels, axisOf, emptyHistogram, N_BINS, outlineOf, shareOn, valueAt, withSide } from '../src/core/histogram';
import { addPresence, type Presence } from '../src/core/presence';
import type { Labelmap } from '../src/core/rle';
import { indexAt, keyedIndex, runsOf, shareOf } from '../src/core/slider';
import type { DisplayVolume } from '../src/core/volume_file';

function volumeOf(values: readonly number[], slope = 1, intercept = 0): DisplayVolume {
  return { shape: [values.length, 1, 1], voxels: Float32Array.from(values), slope, intercept };
}

describe('the histogram', () => {
  it('counts every voxel once, the greatest in the last bin, and leaves out what is no number', () => {
    const values = [0, 0.5, 1, 127.9, 128, 255.9, 256, Number.NaN];
    const histogram = emptyHistogram([0, 256]);
    addVoxels(histogram, volumeOf(values), 0, 3);
    addVoxels(histogram, volumeOf(values), 3, values.length);
    expect(histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(7);
    expect([0, 1, 127, 128, 255].map((bin) => histogram.counts[bin])).toEqual([2, 1, 1, 1, 2]);
  });

  it('counts intensities, not stored numbers', () => {
    const histogram = emptyHistogram([-1000, 1560]);
    addVoxels(histogram, volumeOf([0, 1000, 2560], 1, -1000), 0, 3);
    // Bins of 10: −1000 in bin 0, 0 in bin 100, 1560 in the last.
    expect([0, 100, 255].map((bin) => histogram.counts[bin])).toEqual([1, 1, 1]);
  });

  it('of a constant image has all voxels in one bin', () => {
    const histogram = emptyHistogram([7, 7]);
    addVoxels(histogram, volumeOf([7, 7, 7]), 0, 3);
    expect(histogram.counts[0]).toBe(3);
  });

  it('is drawn from the axis up: nothing at the bottom, the most at the top', () => {
    const histogram = emptyHistogram([0, N_BINS]);
    histogram.counts[10] = 1000;
    const path = outlineOf(histogram, { low: 0, high: N_BINS });
    expect(path.startsWith('M0.0000 1L')).toBe(true);
    expect(path.endsWith('L1.0000 1Z')).toBe(true);
    expect(path).toContain(`${(10 / N_BINS).toFixed(4)} 0.0000L${(11 / N_BINS).toFixed(4)} 0.0000`);
    expect(path).toContain(`${(9 / N_BINS).toFixed(4)} 1.0000`);
  });
});

describe('its axis', () => {
  const image = (range: number[], percentiles: number[]): { modality: string; intensity_range: number[]; intensity_percentiles: number[] } => ({
    modality: 'MR',
    intensity_range: range,
    intensity_percentiles: percentiles,
  });

  it('shows all intensities, or leaves out a few that are far away, never a part of the window', () => {
    expect(axisOf(image([0, 900], [10, 700]), { low: 10, high: 700 })).toEqual({ low: 0, high: 900 });
    expect(axisOf(image([0, 60_000], [10, 710]), { low: 10, high: 700 })).toEqual({ low: 0, high: 1060 });
    expect(axisOf(image([0, 60_000], [10, 710]), { low: -50, high: 30_000 })).toEqual({ low: -50, high: 30_000 });
  });

  it('places and values are inverse, rounded to what can be told apart', () => {
    const axis = { low: -1000, high: 3000 };
    expect(shareOn(axis, 0)).toBe(0.25);
    expect(valueAt(axis, 0.25)).toBe(0);
    expect(valueAt(axis, 0.50001)).toBe(1000);
    expect(valueAt({ low: 0, high: 1 }, 0.12345)).toBe(0.12);
  });

  it('a side pushes the other along', () => {
    expect(withSide({ low: 0, high: 100 }, 'low', 120, 5)).toEqual({ low: 120, high: 125 });
    expect(withSide({ low: 0, high: 100 }, 'low', 40, 5)).toEqual({ low: 40, high: 100 });
    expect(withSide({ low: 0, high: 100 }, 'high', -10, 5)).toEqual({ low: -15, high: -10 });
  });
});

describe('the slices that hold an object', () => {
  it('are found along each axis, in parts as in one go, also where rows are no multiple of four', () => {
    for (const shape of [[7, 5, 6], [8, 4, 6]] as const) {
      const voxels = new Uint8Array(shape[0] * shape[1] * shape[2]);
      const set = (i: number, j: number, k: number, label: number): void => {
        voxels[i + shape[0] * (j + shape[1] * k)] = label;
      };
      set(1, 2, 3, 4);
      set(2, 2, 3, 4);
      set(6, 0, 5, 9);
      const mask: Labelmap = { shape, voxels };
      for (const step of [voxels.length, 1, 5, 16]) {
        const presence: Presence = new Map();
        for (let from = 0; from < voxels.length; from += step) addPresence(presence, mask, from, Math.min(from + step, voxels.length));
        const runs = (label: number): unknown => presence.get(label)?.map((held) => runsOf(held));
        expect(runs(4)).toEqual([[[1, 2]], [[2, 2]], [[3, 3]]]);
        expect(runs(9)).toEqual([[[6, 6]], [[0, 0]], [[5, 5]]]);
        expect([...presence.keys()].sort()).toEqual([4, 9]);
      }
    }
  });

  it('are runs with gaps', () => {
    expect(runsOf([0, 1, 1, 0, 0, 1])).toEqual([[1, 2], [5, 5]]);
    expect(runsOf([])).toEqual([]);
  });
});

describe('sliders', () => {
  it('the first slice lies at one end and the last at the other', () => {
    expect([0, 20, 40].map((index) => shareOf(index, 41))).toEqual([0, 0.5, 1]);
    expect(shareOf(0, 1)).toBe(0);
    for (let index = 0; index < 41; index++) expect(indexAt(shareOf(index, 41), 41)).toBe(index);
    expect([indexAt(-0.2, 41), indexAt(1.7, 41), indexAt(0.5, 1)]).toEqual([0, 40, 0]);
  });

  it('keys move by one, by ten, to the ends, and not beyond', () => {
    expect(keyedIndex('ArrowRight', 5, 41)).toBe(6);
    expect(keyedIndex('PageDown', 5, 41)).toBe(0);
    expect(keyedIndex('End', 5, 41)).toBe(40);
    expect(keyedIndex('Home', 5, 41)).toBe(0);
    expect(keyedIndex('a', 5, 41)).toBeNull();
  });
});
