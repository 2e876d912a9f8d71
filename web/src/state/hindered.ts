// Why the last stroke changed nothing: a word at the tool, gone with the next stroke or after a while.
import type { Hindrance } from '../core/edit/hindrance';
import { getState, setState } from './store';

const STAYS_MS = 6000;

let leaving: ReturnType<typeof setTimeout> | undefined;

/** Says it, or takes it back. */
export function tellHindered(hindered: Hindrance | null): void {
  clearTimeout(leaving);
  if (getState().hindered !== hindered) setState({ hindered });
  if (hindered === null) return;
  leaving = setTimeout(() => {
    setState({ hindered: null });
  }, STAYS_MS);
}
