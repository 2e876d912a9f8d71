// What may not be edited: a case that was accepted, until its review is reopened, and any case for who may only look. Whatever edits asks here first.
import i18next from 'i18next';
import { reviewStateOf } from '../core/job_list';
import { may, refuseViewer } from './access';
import { notifyText } from './notices';
import { getState, type OpenJob } from './store';

export function isAccepted({ job }: Pick<OpenJob, 'job'>): boolean {
  return reviewStateOf(job) === 'accepted';
}

/** Whether the case stays as it is for who sits here. */
export function isReadOnly(open: Pick<OpenJob, 'job'>): boolean {
  return isAccepted(open) || !may('annotator');
}

/** Says why the case cannot be changed; false where it may be. */
export function refuseReadOnly(): boolean {
  const open = getState().open;
  if (open === null) return false;
  if (refuseViewer()) return true;
  if (!isAccepted(open)) return false;
  const by = open.job.review.by ?? '';
  notifyText(i18next.t('error.action'), i18next.t('review.refused', { name: by === '' ? i18next.t('person.unnamed') : by }), 'reopened');
  return true;
}
