// Edits of a whole object that the server works out: smooth, grow, shrink, parts, holes; and filling in between slices.
import i18next from 'i18next';
import * as api from '../api/client';
import type { Operation } from '../api/types';
import type { AxisIndex } from '../core/axes';
import { censusOf } from '../core/edit/census';
import type { PromptKey } from '../core/prompts';
import { confirmSlices } from './confirm';
import { takeRevision } from './mask_work';
import { attempt, notifyPlain, offer } from './notices';
import { editsSaved } from './saving';
import { getState, patchOpen, type OpenJob } from './store';
import { inTurn } from './turns';
import { activeAxis, activeSlice } from './view';
import { isWaiting, workOf } from './works';

/** Runs an operation on the active object, in the volume or on the shown slice only; false where it was not done. */
export async function operate(operation: Operation, isSliceOnly: boolean): Promise<boolean> {
  await editsSaved();
  return attempt(
    () =>
      inTurn(async () => {
        const open = getState().open;
        if (open === null) return;
        const work = workOf(open.job.job_id, open.grid.shape);
        if (work.head === null) {
          notifyPlain(i18next.t('edit.noMask'));
          return;
        }
        if (isWaiting(work)) {
          notifyPlain(i18next.t('history.unsaved'));
          return;
        }
        const { axis, sliceIndex } = activeSlice(open);
        const slice = isSliceOnly ? { slice: { axis, slice_index: sliceIndex } } : {};
        const revision = await api.postOperation(work.jobId, { parent: work.head, label: open.label, operation, ...slice });
        await takeRevision(work, revision);
      }),
    i18next.t('error.action'),
  );
}

/** Slices of the active object that nobody confirmed, where that leaves slices to fill in between. */
function slicesToConfirm({ job, mask, label }: OpenJob, axis: AxisIndex, confirmed: readonly number[]): readonly PromptKey[] {
  const extent = mask === null ? null : censusOf(mask).extent(axis, label);
  if (mask === null || extent === null) return [];
  const held = Array.from({ length: extent[1] - extent[0] + 1 }, (_, at) => extent[0] + at).filter((at) => censusOf(mask).onSlice(axis, at, label) > 0);
  const known = [...new Set([...held, ...confirmed])].sort((a, b) => a - b);
  const hasGap = known.some((at, place) => at - (known[place - 1] ?? at) > 1);
  const absent = job.prompts.filter((it) => it.axis === axis && (it.label ?? 1) === label && it.absent === true).map((it) => it.slice_index);
  return hasGap ? held.filter((at) => !confirmed.includes(at) && !absent.includes(at)).map((sliceIndex) => ({ axis, sliceIndex, label })) : [];
}

/** Fills the active object in between its confirmed slices on the active plane; offers to confirm those that are not. */
export async function interpolate(): Promise<void> {
  const open = getState().open;
  if (open === null || open.asking) return;
  const axis = activeAxis(open);
  const confirmed = open.job.prompts
    .filter((it) => it.axis === axis && (it.label ?? 1) === open.label && (it.mask === true || it.absent === true))
    .map((it) => it.slice_index);
  if (confirmed.length < 2) {
    const loose = slicesToConfirm(open, axis, confirmed);
    if (loose.length === 0) notifyPlain(i18next.t('edit.needsTwo'));
    else {
      offer(i18next.t('edit.offerConfirm', { count: loose.length }), i18next.t('edit.confirmAll'), () => {
        void confirmSlices(loose).then((isDone) => (isDone ? interpolate() : undefined));
      });
    }
    return;
  }
  patchOpen({ asking: true, failure: null });
  await attempt(async () => {
    await editsSaved();
    await api.interpolate(open.job.job_id, { label: open.label, axis, frame: open.frame });
  }, i18next.t('error.action'));
  patchOpen({ asking: false });
}
