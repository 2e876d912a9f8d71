// What takes a look at every voxel: the volume's histogram, and the slices that hold objects.
import { addVoxels, emptyHistogram, type Histogram } from '../core/histogram';
import { addPresence, type Presence } from '../core/presence';
import type { Labelmap } from '../core/rle';
import type { DisplayVolume } from '../core/volume_file';
import { inTurns } from './in_turns';

const STEP = 1 << 18;

const histograms = new WeakMap<DisplayVolume, Histogram>();

/** The histogram of a volume, counted once; null where the signal ended it. */
export async function histogramOf(volume: DisplayVolume, range: readonly number[], signal: AbortSignal): Promise<Histogram | null> {
  const before = histograms.get(volume);
  if (before !== undefined) return before;
  const histogram = emptyHistogram(range);
  const count = (from: number, to: number): void => {
    addVoxels(histogram, volume, from, to);
  };
  if (!(await inTurns(volume.voxels.length, STEP, count, signal))) return null;
  histograms.set(volume, histogram);
  return histogram;
}

/** The slices that hold each object; null where the signal ended it. */
export async function presenceOf(mask: Labelmap, signal: AbortSignal): Promise<Presence | null> {
  const presence: Presence = new Map();
  const add = (from: number, to: number): void => {
    addPresence(presence, mask, from, to);
  };
  return (await inTurns(mask.voxels.length, STEP, add, signal)) ? presence : null;
}
