// Accepting a result in one gesture: a draft goes through review at once.
import i18next from 'i18next';
import { reviewStateOf } from '../core/job_list';
import { whenQuiet } from './follow';
import { notifyUndoable } from './notices';
import { stepReview } from './review';
import { getState, patchOpen, type OpenJob } from './store';

/** Whether there is a mask that nobody has accepted yet. */
export function canAccept(open: OpenJob): boolean {
  return open.mask !== null && reviewStateOf(open.job) !== 'accepted';
}

/** Says that it is accepted; one click takes that back. */
function told(jobId: string): void {
  notifyUndoable(i18next.t('review.done', { state: i18next.t('reviewState.accepted') }), i18next.t('review.undo'), () => {
    const open = getState().open;
    if (open?.job.job_id === jobId && reviewStateOf(open.job) === 'accepted') void stepReview('draft', '');
  });
}

/** Accepts the mask as it is, once what is under way has ended. */
export async function accept(): Promise<void> {
  const open = getState().open;
  if (open === null || open.asking || !canAccept(open) || open.job.task?.kind === 'propagate') return;
  patchOpen({ asking: true, failure: null });
  const isQuiet = await whenQuiet();
  const isInReview = isQuiet && (reviewStateOf(open.job) === 'in_review' || (await stepReview('in_review', '', false)));
  if (isInReview && (await stepReview('accepted', '', false))) told(open.job.job_id);
  patchOpen({ asking: false });
}
