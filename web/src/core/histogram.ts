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
