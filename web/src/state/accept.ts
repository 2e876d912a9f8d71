// Accepting a result in one gesture: a draft goes through review at once.
import i18next from 'i18next';
import { reviewStateOf } from '../core/job_list';
import { whenQuiet } from './follow';
import { catchUp } from './mask_work';
import { attempt, notifyPlain, notifyUndoable } from './notices';
import { stepReview } from './review';
import { getState, patchOpen, type OpenJob } from './store';
import { inTurn } from './turns';
import { workOf } from './works';

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

/** Why nothing can be accepted now, in words; null where it can. */
function hindrance({ job, mask }: OpenJob): string | null {
  if (job.task?.kind === 'propagate') return i18next.t('edit.busy');
  return mask === null ? i18next.t('reason.no_mask') : null;
}

/** The case once its mask, which may be on its way, is here; null, and why is told, where there is nothing to accept. */
async function withMask(): Promise<OpenJob | null> {
  const before = getState().open;
  if (before === null || before.asking || reviewStateOf(before.job) === 'accepted') return null;
  if (before.mask === null && (before.job.head ?? null) !== null) {
    patchOpen({ asking: true });
    await attempt(() => inTurn(() => catchUp(workOf(before.job.job_id, before.grid.shape))), i18next.t('error.mask'));
    patchOpen({ asking: false });
  }
  const open = getState().open;
  const why = open === null ? null : hindrance(open);
  if (why !== null) notifyPlain(why);
  return open?.job.job_id === before.job.job_id && why === null ? open : null;
}

/** Accepts the mask as it is, once what is under way has ended. */
export async function accept(): Promise<void> {
  const open = await withMask();
  if (open === null) return;
  patchOpen({ asking: true, failure: null });
  const isQuiet = await whenQuiet();
  const isInReview = isQuiet && (reviewStateOf(open.job) === 'in_review' || (await stepReview('in_review', '', false)));
  if (isInReview && (await stepReview('accepted', '', false))) told(open.job.job_id);
  patchOpen({ asking: false });
}
