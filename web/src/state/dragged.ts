// A mark that is being dragged: the page shows it, the server and the engines hear of it when the drag ends.
import { isSameKey, promptAt, type PromptKey } from '../core/prompts';
import type { SlicePrompt } from '../api/types';
import type { OpenJob } from './store';

/** The slice of the drag that goes on, and what it was marked with before. */
let dragged: { readonly key: PromptKey; readonly before: SlicePrompt | null } | null = null;

export function isDragging(): boolean {
  return dragged !== null;
}

/** A drag goes on, on a slice that is marked with `before`; its first call counts. */
export function dragOn(key: PromptKey, before: SlicePrompt | null): void {
  if (dragged === null || !isSameKey(dragged.key, key)) dragged = { key, before };
}

/** Ends the drag that goes on; null without one. */
export function endDrag(): { readonly key: PromptKey; readonly before: SlicePrompt | null } | null {
  const ended = dragged;
  dragged = null;
  return ended;
}

/** What a slice is marked with, but for a drag that goes on there. */
export function markedAt(open: OpenJob, key: PromptKey): SlicePrompt | null {
  return dragged !== null && isSameKey(dragged.key, key) ? dragged.before : promptAt(open.job.prompts, key);
}
