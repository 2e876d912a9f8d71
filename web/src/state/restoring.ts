// Edits that an earlier load of the page could not send: found in this browser when their job is opened again, shown, sent.
import i18next from 'i18next';
import type { Revision } from '../api/types';
import { takeUp } from './mask_work';
import { notifyPlain } from './notices';
import * as outbox from './outbox';
import { getState, NOTHING_WAITS, setState } from './store';
import { goneOf, TAB } from './tabs';
import { foundEdit, type MaskWork } from './works';

/** Found edits by job, until its mask is here. */
const found = new Map<string, readonly outbox.FoundEdit[]>();

/** Looks for edits of a job whose page is gone; from now on they are this page's. */
export async function find(jobId: string): Promise<void> {
  const gone = await goneOf(await outbox.tabsWith(jobId));
  const more = gone.length === 0 ? [] : await outbox.takeFrom(jobId, gone, TAB);
  const all = [...(found.get(jobId) ?? []), ...more];
  if (all.length === 0) return;
  found.set(jobId, all);
  // As long as the job cannot be shown, they are at least counted.
  if (getState().open === null) setState({ saving: { ...NOTHING_WAITS, waiting: all.length } });
}

/** Lays what was found on the mask; in turn. */
export async function layFound(work: MaskWork, revisions: readonly Revision[]): Promise<void> {
  const edits = found.get(work.jobId) ?? [];
  found.delete(work.jobId);
  if (edits.length === 0) return;
  const lacking = await takeUp(work, edits.map(foundEdit), revisions);
  if (lacking.length > 0) notifyPlain(i18next.t('saving.found', { count: lacking.length }));
}
