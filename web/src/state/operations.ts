// Edits of a whole object that the server works out: smooth, grow, shrink, parts, holes; and filling in between slices.
import i18next from 'i18next';
import * as api from '../api/client';
import type { Operation } from '../api/types';
import { inTurn, isWaiting, takeRevision, workOf } from './mask_work';
import { attempt, notifyPlain } from './notices';
import { editsSaved } from './saving';
import { getState, patchOpen } from './store';
import { activeAxis, activeSlice } from './view';

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

/** Fills the active object in between its confirmed slices on the active plane. */
export async function interpolate(): Promise<void> {
  const open = getState().open;
  if (open === null || open.asking) return;
  const axis = activeAxis(open);
  const confirmed = open.job.prompts.filter((it) => it.axis === axis && (it.label ?? 1) === open.label && (it.mask === true || it.absent === true));
  if (confirmed.length < 2) {
    notifyPlain(i18next.t('edit.needsTwo'));
    return;
  }
  patchOpen({ asking: true, failure: null });
  await attempt(async () => {
    await editsSaved();
    await api.interpolate(open.job.job_id, { label: open.label, axis, frame: open.frame });
  }, i18next.t('error.action'));
  patchOpen({ asking: false });
}
