// The time, once a second, for what is counted down.
import { useSyncExternalStore } from 'react';

const STEP_MS = 1000;

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

export function useTicking(): number {
  return useSyncExternalStore(subscribe, () => now);
}
