// The time, once a second while somebody looks at a clock that runs; else it stands still.
import { useSyncExternalStore } from 'react';

const STEP_MS = 1000;

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const it of listeners) it();
  }, STEP_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

function standStill(): () => void {
  return () => undefined;
}

export function useSecond(isRunning: boolean): number {
  return useSyncExternalStore(isRunning ? subscribe : standStill, () => now);
}
