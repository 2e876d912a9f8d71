// Measurements of the open job's head: asked for a moment after each change, answers for older heads dropped.
import { getMeasurements } from '../api/records';
import { isPlane, type Plane } from '../core/axes';
import { toApiError } from './notices';
import { getState, patchOpen } from './store';
import { setLayout, setSlice } from './view';

const SOON_MS = 250;

/** Measures a revision on a frame soon, unless the returned function is called before. */
export function measureSoon(jobId: string, revisionId: string, frame: number): () => void {
  const stop = new AbortController();
  const ask = async (): Promise<void> => {
    const isWanted = (): boolean => {
      const { open } = getState();
      return !stop.signal.aborted && open?.job.job_id === jobId && open.job.head === revisionId && open.frame === frame;
    };
    try {
      const measured = await getMeasurements(jobId, revisionId, frame, stop.signal);
      if (isWanted()) patchOpen({ measured, measureError: null });
    } catch (cause) {
      if (isWanted()) patchOpen({ measureError: toApiError(cause) });
    }
  };
  const isFirst = getState().open?.measured === null;
  const timer = setTimeout(() => void ask(), isFirst ? 0 : SOON_MS);
  return () => {
    clearTimeout(timer);
    stop.abort();
  };
}

/** Shows a slice, and its plane where another one fills the screen. */
export function showSlice(plane: Plane, sliceIndex: number): void {
  const { layout } = getState().settings;
  if (layout !== plane && (isPlane(layout) || layout === 'surface')) setLayout(plane);
  setSlice(plane, sliceIndex);
}
