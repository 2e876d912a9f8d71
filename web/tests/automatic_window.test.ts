// Windows from intensities: quantiles of counted voxels, and what a mask picks out of them.
import { describe, expect, it } from 'vitest';
import { addVoxels, addVoxelsOf, emptyHistogram, N_BINS, quantile, windowBetween } from '../src/core/histogram';
import type { DisplayVolume } from '../src/core/volume_file';

/** 0, 1, … 1023, each once: four to a bin of the range 0–1024. */
const RAMP: DisplayVolume = { shape: [32, 32, 1], voxels: Int16Array.from({ length: 1024 }, (_, at) => at), slope: 1, intercept: 0 };

function counted(): ReturnType<typeof emptyHistogram> {
  const histogram = emptyHistogram([0, 1024]);
  addVoxels(histogram, RAMP, 0, 1024);
  return histogram;
}

describe('quantiles', () => {
  it('of a ramp are its shares', () => {
    for (const share of [0, 0.01, 0.05, 0.5, 0.95, 0.99, 1]) expect(quantile(counted(), share)).toBeCloseTo(1024 * share, 9);
    expect(quantile(emptyHistogram([7, 9]), 0.5)).toBe(7);
  });

  it('stay in a bin that holds all, and pass empty ones', () => {
    const histogram = emptyHistogram([0, N_BINS]);
    histogram.counts[3] = 10;
    histogram.counts[200] = 10;
    expect(quantile(histogram, 0.25)).toBe(3.5);
    expect(quantile(histogram, 0.5)).toBe(4);
    expect(quantile(histogram, 0.75)).toBe(200.5);
  });
});

describe('windows', () => {
  it('leave shares out, on whole intensities', () => {
    expect(windowBetween(counted(), 0.01, 0.99)).toEqual({ low: 10, high: 1014 });
    expect(windowBetween(counted(), 0.05, 0.95)).toEqual({ low: 51, high: 973 });
  });

  it('show as much around as is asked for, and are never empty', () => {
    expect(windowBetween(counted(), 0.25, 0.75, 0.5)).toEqual({ low: 0, high: 1024 });
    const flat = emptyHistogram([0, 1000]);
    const { low, high } = windowBetween(flat, 0, 1);
    expect(high).toBeGreaterThan(low);
  });
});

describe('a mask', () => {
  it('counts its own voxels only, however the work is cut', () => {
    const labels = new Uint8Array(1024);
    labels.fill(2, 100, 140);
    labels.fill(1, 140, 200);
    labels.fill(2, 1020);
    for (const step of [1024, 7, 120]) {
      const histogram = emptyHistogram([0, 1024]);
      for (let from = 0; from < 1024; from += step) addVoxelsOf(histogram, RAMP, labels, 2, from, Math.min(from + step, 1024));
      expect(histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(44);
      expect(quantile(histogram, 1)).toBe(1024);
      expect([...histogram.counts.subarray(25, 35)]).toEqual(Array(10).fill(4));
      expect(histogram.counts[35]).toBe(0);
    }
  });
});
