// The time, as it passes, for what is counted down and for words such as "3 minutes ago".
import { useSyncExternalStore } from 'react';

/** A hook that gives the time, anew once a step. */
function clock(stepMs: number): () => number {
  let now = Date.now();
  const subscribe = (listener: () => void): (() => void) => {
    now = Date.now();
    const timer = setInterval(() => {
      now = Date.now();
      listener();
    }, stepMs);
    return () => {
      clearInterval(timer);
    };
  };
  return () => useSyncExternalStore(subscribe, () => now);
}

/** Every half minute. */
export const useNow = clock(30_000);

/** Every second. */
export const useTicking = clock(1000);
