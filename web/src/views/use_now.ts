// The time, once every half minute, for words such as "3 minutes ago".
import { useSyncExternalStore } from 'react';

const STEP_MS = 30_000;

let now = Date.now();

function subscribe(listener: () => void): () => void {
  now = Date.now();
  const timer = setInterval(() => {
    now = Date.now();
    listener();
  }, STEP_MS);
  return () => {
    clearInterval(timer);
  };
}

export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
