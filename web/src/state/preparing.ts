// Tells the server which slice is being looked at, so that a prompt on it is answered sooner.
import * as api from '../api/client';
import type { EngineName } from '../api/types';
import { currentEngine } from '../core/engines';
import { useStore, type State } from './store';
import { activeSlice } from './view';

/** A slice that is shown for less than this is on somebody's way. */
const REST_MS = 250;

interface Wish {
  readonly jobId: string;
  readonly axis: number;
  readonly sliceIndex: number;
  readonly engine: EngineName;
}

function wishOf({ open, engines }: State): Wish | null {
  // What is prepared is of the first frame.
  if (open === null || open.frame > 0) return null;
  const engine = currentEngine(engines, open.engine);
  return engine === null ? null : { jobId: open.job.job_id, ...activeSlice(open), engine: engine.name };
}

/** Speaks of every slice that rests on the screen until the returned function is called. */
export function prepareSlices(): () => void {
  let seen = '';
  let resting: ReturnType<typeof setTimeout> | undefined;
  /** Engines that have nothing to prepare on this server. */
  const idle = new Set<EngineName>();

  async function tell({ jobId, axis, sliceIndex, engine }: Wish): Promise<void> {
    try {
      const preparation = await api.prepareSlice(jobId, axis, sliceIndex, engine);
      if (preparation !== 'begun') idle.add(engine);
    } catch {
      // Nobody waits for this: the prompt will say what is wrong.
    }
  }

  function look(state: State): void {
    const wish = wishOf(state);
    const now = JSON.stringify(wish);
    if (now === seen) return;
    seen = now;
    clearTimeout(resting);
    if (wish !== null && !idle.has(wish.engine)) resting = setTimeout(() => void tell(wish), REST_MS);
  }

  look(useStore.getState());
  const stop = useStore.subscribe(look);
  return () => {
    stop();
    clearTimeout(resting);
  };
}
