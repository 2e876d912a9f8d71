// Long work in short turns, so that the page answers in between.

/** A turn ends after this long. */
const TURN_MS = 12;

/** Works through `n` things, `step` at once, until done or the signal ends it; false where it ended. */
export async function inTurns(n: number, step: number, work: (from: number, to: number) => void, signal: AbortSignal): Promise<boolean> {
  let from = 0;
  while (from < n) {
    if (signal.aborted) return false;
    const started = performance.now();
    while (from < n && performance.now() - started < TURN_MS) {
      const to = Math.min(from + step, n);
      work(from, to);
      from = to;
    }
    if (from < n) await new Promise((resolve) => setTimeout(resolve));
  }
  return !signal.aborted;
}
