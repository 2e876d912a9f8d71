// Arithmetic of the sliders: slices along a track whose ends are the first and the last slice.

/** Where a slice lies along the track, 0–1. */
export function shareOf(index: number, n: number): number {
  return n <= 1 ? 0 : index / (n - 1);
}

/** The slice nearest to a place along the track, given as 0–1. */
export function indexAt(share: number, n: number): number {
  return Math.min(Math.max(Math.round(share * (n - 1)), 0), Math.max(n - 1, 0));
}

/** Where a key moves a handle that is at an index; null for keys that sliders do not know. */
export function keyedIndex(key: string, index: number, n: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: 1,
    ArrowUp: 1,
    ArrowLeft: -1,
    ArrowDown: -1,
    PageUp: 10,
    PageDown: -10,
    Home: -n,
    End: n,
  };
  const step = steps[key];
  return step === undefined ? null : Math.min(Math.max(index + step, 0), Math.max(n - 1, 0));
}

/** Runs of neighbouring slices that hold something, first and last inclusive. */
export function runsOf(held: ArrayLike<number>): readonly (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (let index = 0; index < held.length; index++) {
    if (held[index] === 0) continue;
    const last = runs.at(-1);
    if (last?.[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs;
}
