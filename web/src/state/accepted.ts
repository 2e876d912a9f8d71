// A case that was accepted stays as it is until its review is reopened: whatever edits asks here first.
import i18next from 'i18next';
import { reviewStateOf } from '../core/job_list';
import { notifyText } from './notices';
import { getState, type OpenJob } from './store';

export function isAccepted({ job }: Pick<OpenJob, 'job'>): boolean {
  return reviewStateOf(job) === 'accepted';
}

/** Says that an accepted case must be reopened first; false where it may be changed. */
export function refuseAccepted(): boolean {
  const open = getState().open;
  if (open === null || !isAccepted(open)) return false;
  const by = open.job.review.by ?? '';
  notifyText(i18next.t('error.action'), i18next.t('review.refused', { name: by === '' ? i18next.t('person.unnamed') : by }), 'reopened');
  return true;
}
