// How often intensities occur, and where they lie on the histogram's axis.
import type { DisplayVolume } from './volume_file';
import type { Intensities, Window } from './window';

export const N_BINS = 256;

export interface Histogram extends Window {
  /** Voxels per bin; bins are of one width from `low` to `high`. */
  readonly counts: Float64Array;
}

export function emptyHistogram([low = 0, high = 1]: readonly number[]): Histogram {
  return { low, high: high > low ? high : low + 1, counts: new Float64Array(N_BINS) };
}

/** Counts the voxels from one offset up to another, which is not counted; what is not a number is left out. */
export function addVoxels({ low, high, counts }: Histogram, { voxels, slope, intercept }: DisplayVolume, from: number, to: number): void {
  const scale = (N_BINS * slope) / (high - low);
  const offset = (N_BINS * (intercept - low)) / (high - low);
  for (let at = from; at < to; at++) {
    const bin = Math.floor((voxels[at] ?? Number.NaN) * scale + offset);
    if (bin >= 0 && bin < N_BINS) counts[bin] = (counts[bin] ?? 0) + 1;
    // The greatest intensity belongs to the last bin.
    else if (bin === N_BINS) counts[N_BINS - 1] = (counts[N_BINS - 1] ?? 0) + 1;
  }
}

/** Counts only the voxels that a mask gives to a label; both on the same grid. */
export function addVoxelsOf(histogram: Histogram, volume: DisplayVolume, labels: Uint8Array, label: number, from: number, to: number): void {
  let start = from;
  while (start < to) {
    start = labels.indexOf(label, start);
    if (start === -1 || start >= to) return;
    let end = start + 1;
    while (end < to && labels[end] === label) end++;
    addVoxels(histogram, volume, start, end);
    start = end;
  }
}

/** The intensity that a share (0–1) of the counted voxels lies below, voxels of a bin spread evenly over it; `low` where none was counted. */
export function quantile({ low, high, counts }: Histogram, share: number): number {
  const wanted = share * counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [bin, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) return low + ((high - low) * (bin + (wanted - below) / count)) / N_BINS;
    below += count;
  }
  return low;
}

/** The window between two shares of the counted voxels, on whole intensities where there are many. */
export function windowBetween(histogram: Histogram, lowShare: number, highShare: number, margin = 0): Window {
  const [low, high] = [quantile(histogram, lowShare), quantile(histogram, highShare)];
  const extra = margin * (high - low);
  const isFine = histogram.high - histogram.low <= 20;
  const round = (value: number): number => (isFine ? Number(value.toPrecision(4)) : Math.round(value));
  const from = round(low - extra);
  return { low: from, high: Math.max(round(high + extra), from + (isFine ? 1e-6 : 1)) };
}

/** Intensities that the axis shows: all, unless a few far away would squeeze the rest; the window is always on it. */
export function axisOf(image: Intensities, window: Window): Window {
  const [least = 0, most = 1] = image.intensity_range;
  const [low = least, high = most] = image.intensity_percentiles;
  const margin = (high - low) / 2;
  const isFar = most - least > 4 * (high - low) && high > low;
  const shown = isFar ? { low: Math.max(least, low - margin), high: Math.min(most, high + margin) } : { low: least, high: Math.max(most, least + 1e-6) };
  return { low: Math.min(shown.low, window.low), high: Math.max(shown.high, window.high) };
}

/** Where an intensity lies on the axis, 0–1. */
export function shareOn(axis: Window, value: number): number {
  return (value - axis.low) / (axis.high - axis.low);
}

/** The intensity at a share of the axis, rounded as far as a person can tell apart. */
export function valueAt(axis: Window, share: number): number {
  const span = axis.high - axis.low;
  const digits = Math.max(0, Math.ceil(2 - Math.log10(span)));
  return Number((axis.low + span * share).toFixed(digits)) + 0;
}

/** An outline of the counts over the axis, as high as their logarithm, in a box of 1 × 1 with y downwards; for an SVG path. */
export function outlineOf({ low, high, counts }: Histogram, axis: Window): string {
  const most = Math.log1p(Math.max(...counts, 1));
  const points: string[] = [];
  counts.forEach((count, bin) => {
    const y = (1 - Math.log1p(count) / most).toFixed(4);
    for (const edge of [bin, bin + 1]) points.push(`${shareOn(axis, low + ((high - low) * edge) / N_BINS).toFixed(4)} ${y}`);
  });
  const [start, end] = [shareOn(axis, low).toFixed(4), shareOn(axis, high).toFixed(4)];
  return `M${start} 1L${points.join('L')}L${end} 1Z`;
}

/** A window with one side moved; the other side is pushed along rather than passed. */
export function withSide(window: Window, side: keyof Window, value: number, least: number): Window {
  if (side === 'low') return { low: value, high: Math.max(window.high, value + least) };
  return { low: Math.min(window.low, value - least), high: value };
}
