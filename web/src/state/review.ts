// Steps of a review, opinions, and which mask the job shows. What was typed stays until the server has it.
import i18next from 'i18next';
import * as api from '../api/client';
import { ApiError } from '../api/http';
import * as records from '../api/records';
import type { ReviewState } from '../api/types';
import { reviewStateOf } from '../core/job_list';
import { refuseReadOnly } from './accepted';
import { attempt, notifyDone, notifyError, notifyText, settled } from './notices';
import { undoUnanswered } from './prompts';
import { refreshRecords } from './records';
import { editsSaved } from './saving';
import { getState, patchJob, patchOpen } from './store';

/** Somebody was faster: takes over what they did and says so. */
async function wasChanged(jobId: string, cause: ApiError): Promise<void> {
  await attempt(() => refreshRecords(jobId));
  const review = getState().open?.job.review;
  if (cause.code === 'not_head' || review === undefined) {
    notifyText(i18next.t('error.action'), i18next.t('review.headChanged'));
    return;
  }
  const name = review.by === undefined || review.by === '' ? i18next.t('person.unnamed') : review.by;
  notifyText(i18next.t('error.action'), i18next.t('review.changed', { state: i18next.t(`reviewState.${review.state}`), name }));
}

/** Takes a step of the review; false where it was not taken. A step on the way to another is not told. */
export async function stepReview(to: ReviewState, comment: string, isTold = true): Promise<boolean> {
  await editsSaved();
  const open = getState().open;
  if (open === null) return false;
  const { job } = open;
  try {
    const review = await records.postReview(job.job_id, { from: reviewStateOf(job), to, head: job.head ?? null, comment: comment.trim() });
    patchJob({ review });
    if (to === 'accepted') patchOpen({ tool: 'navigate' });
    else settled('reopened');
    if (isTold) notifyDone(i18next.t('review.done', { state: i18next.t(`reviewState.${to}`) }));
    return true;
  } catch (cause) {
    if (cause instanceof ApiError && (cause.code === 'review_changed' || cause.code === 'not_head')) await wasChanged(job.job_id, cause);
    else notifyError(cause);
    return false;
  }
}

/** Keeps the mask that is shown as an opinion; false where that failed. */
export async function keepOpinion(comment: string): Promise<boolean> {
  await editsSaved();
  const open = getState().open;
  const head = open?.job.head ?? null;
  if (open === null || head === null) return false;
  return attempt(async () => {
    const opinion = await records.postOpinion(open.job.job_id, head, comment.trim());
    patchOpen(({ job }) => ({ job: { ...job, opinions: [...job.opinions.filter((it) => it.opinion_id !== opinion.opinion_id), opinion] } }));
    notifyDone(i18next.t('opinion.kept'));
  });
}

export async function removeOpinion(opinionId: string): Promise<void> {
  const open = getState().open;
  if (open === null) return;
  await attempt(async () => {
    await records.deleteOpinion(open.job.job_id, opinionId);
    patchOpen(({ job }) => ({ job: { ...job, opinions: job.opinions.filter((it) => it.opinion_id !== opinionId) } }));
  });
}

/** Makes another revision the mask, or none; false where that failed. */
export async function makeHead(revisionId: string | null): Promise<boolean> {
  if (refuseReadOnly()) return false;
  // What an engine has not answered yet is not of the mask that is chosen.
  while (undoUnanswered());
  await editsSaved();
  const open = getState().open;
  if (open === null) return false;
  const { job_id: jobId, head = null } = open.job;
  try {
    await api.putHead(jobId, { head: revisionId, expected: head });
    return true;
  } catch (cause) {
    if (cause instanceof ApiError && cause.code === 'not_head') await wasChanged(jobId, cause);
    else notifyError(cause);
    return false;
  }
}

/** Keeps the mask as an opinion and begins with an empty one. */
export async function startSecondReading(comment: string): Promise<boolean> {
  if (refuseReadOnly() || !(await keepOpinion(comment))) return false;
  const isMoved = await makeHead(null);
  if (isMoved) notifyDone(i18next.t('opinion.started'));
  return isMoved;
}
