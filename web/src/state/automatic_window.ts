// Windows worked out from the voxels when a person asks for them: of the whole image, or of the active object.
import i18next from 'i18next';
import { addVoxelsOf, emptyHistogram, windowBetween, type Histogram } from '../core/histogram';
import type { DisplayVolume } from '../core/volume_file';
import type { AutomaticName, Window } from '../core/window';
import { inTurns } from './in_turns';
import { notifyPlain } from './notices';
import { getState, type OpenJob } from './store';
import { histogramOf } from './survey';
import { setWindow } from './view';

const STEP = 1 << 18;

/** The shares of voxels that lie below and above a window's sides. */
const SHARES: Readonly<Record<AutomaticName, readonly [number, number]>> = { most: [0.01, 0.99], middle: [0.05, 0.95], object: [0.01, 0.99] };

/** What an object's window shows around its own intensities, as a share of their range on either side. */
const AROUND = 0.5;

/** What was worked out last, by name: the window that is set is known by it. */
const found = new WeakMap<DisplayVolume, Map<AutomaticName, Window>>();

/** The name that the window was worked out under, if it was. */
export function automaticName({ volume, window }: OpenJob): AutomaticName | null {
  const known = volume === null ? undefined : found.get(volume);
  return [...(known ?? [])].find(([, it]) => it.low === window.low && it.high === window.high)?.[0] ?? null;
}

/** Intensities of the active object; null where it has no voxels. */
async function histogramOfObject({ job, mask, label }: OpenJob, volume: DisplayVolume, signal: AbortSignal): Promise<Histogram | null> {
  if (mask?.voxels.length !== volume.voxels.length) return null;
  const histogram = emptyHistogram(job.image.intensity_range);
  const count = (from: number, to: number): void => {
    addVoxelsOf(histogram, volume, mask.voxels, label, from, to);
  };
  const isWhole = await inTurns(volume.voxels.length, STEP, count, signal);
  return isWhole && histogram.counts.some((it) => it > 0) ? histogram : null;
}

/** Works a window out and sets it, unless another image was opened meanwhile. */
export async function setAutomaticWindow(name: AutomaticName): Promise<void> {
  const open = getState().open;
  if (open === null) return;
  const { volume, job } = open;
  if (volume === null) {
    notifyPlain(i18next.t(open.volumeFailed ? 'window.noHistogram' : 'job.loadingVolume'));
    return;
  }
  const { signal } = new AbortController();
  const histogram = await (name === 'object' ? histogramOfObject(open, volume, signal) : histogramOf(volume, job.image.intensity_range, signal));
  if (getState().open?.volume !== volume) return;
  if (histogram === null) {
    notifyPlain(i18next.t('window.noObject'));
    return;
  }
  const window = windowBetween(histogram, ...SHARES[name], name === 'object' ? AROUND : 0);
  found.set(volume, (found.get(volume) ?? new Map<AutomaticName, Window>()).set(name, window));
  setWindow(window);
}
