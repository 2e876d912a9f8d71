// After a propagation: which slices are worth a look, in which order, and whether anything changed since.
import i18next from 'i18next';
import type { Revision, SlicePrompt } from '../api/types';
import { axisIndex, planeOfStoredAxis } from '../core/axes';
import { censusOf } from '../core/edit/census';
import { doubtfulOrder, nextDoubtful, previousDoubtful, ratedRevision } from '../core/confidence';
import { notifyPlain } from './notices';
import { getState, patchOpen, type OpenJob } from './store';
import { setLayout, setSlice } from './view';

/** Slices worth a look of the active object, the most doubtful first; those with a prompt are settled. */
export function toLookAt(open: OpenJob): number[] {
  const rated = ratedRevision(open);
  const axis = rated?.extent?.axis;
  if (rated === null || axis === undefined) return [];
  const prompted = open.job.prompts.filter((prompt) => prompt.axis === axis && (prompt.label ?? 1) === open.label);
  return doubtfulOrder(rated.slices ?? [], new Set(prompted.map((prompt) => prompt.slice_index)));
}

/** Whether the active object has a mask on several slices of which nothing says how sure they are. */
export function isUnjudged(open: OpenJob): boolean {
  const { mask, job, label, revisions } = open;
  if (mask === null || revisions.length === 0 || (job.task ?? null) !== null || ratedRevision(open) !== null) return false;
  const extents = ([0, 1, 2] as const).map((axis) => censusOf(mask).extent(axis, label));
  return extents.every((extent) => extent !== null && extent[0] < extent[1]);
}

function show(open: OpenJob, rated: Revision, sliceIndex: number): void {
  const plane = planeOfStoredAxis(open.grid.axes, axisIndex(rated.extent?.axis ?? 2));
  const { layout } = getState().settings;
  if ((layout === 'axial' || layout === 'coronal' || layout === 'sagittal') && layout !== plane) setLayout(plane);
  setSlice(plane, sliceIndex);
}

/** Goes to the slice that the engine is least sure of, each in turn. */
export function goToDoubtful(): void {
  const open = getState().open;
  if (open === null) return;
  const rated = ratedRevision(open);
  if (rated === null) {
    notifyPlain(i18next.t('propagate.notRated'));
    return;
  }
  const order = toLookAt(open);
  const next = nextDoubtful(order, open.seen);
  if (next === null) {
    patchOpen({ seen: new Set() });
    notifyPlain(i18next.t(order.length === 0 ? 'propagate.nextNone' : 'propagate.nextAgain', { count: order.length }));
    return;
  }
  patchOpen({ seen: new Set([...open.seen, next]) });
  show(open, rated, next);
}

/** Goes back to the doubtful slice before. */
export function goToPreviousDoubtful(): void {
  const open = getState().open;
  const rated = open === null ? null : ratedRevision(open);
  const previous = open === null ? null : previousDoubtful(open.seen);
  if (open === null || rated === null || previous === null) {
    notifyPlain(i18next.t('propagate.previousNone'));
    return;
  }
  patchOpen({ seen: previous.seen });
  show(open, rated, previous.slice);
}

/** A prompt as a propagation compares it: the server adds the mask's flag by itself. */
function said({ mask: _mask, ...prompt }: SlicePrompt): string {
  return JSON.stringify(Object.entries(prompt).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function linesOf(prompts: readonly SlicePrompt[], label: number): string {
  return prompts
    .filter((prompt) => (prompt.label ?? 1) === label)
    .map(said)
    .sort()
    .join();
}

/** Whether the mask or the object's prompts changed since the propagation that rated its slices. */
export function changedSince(open: OpenJob, rated: Revision): boolean {
  return open.job.head !== rated.revision_id || linesOf(open.job.prompts, open.label) !== linesOf(rated.prompts, open.label);
}
