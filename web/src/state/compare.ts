// Two masks of the job beside each other on the slices: the outlines of both.
import i18next from 'i18next';
import * as api from '../api/client';
import type { Revision } from '../api/types';
import { previousResult } from '../core/compare';
import { decodeRle } from '../core/rle';
import { attempt, notifyPlain } from './notices';
import { getState, patchOpen, type OpenJob, type RevisionMask } from './store';

/** Who made a revision, and when. */
export function revisionName({ author, created_ms: createdMs }: Revision): string {
  const who = author.by === 'engine' ? i18next.t(`engine.${author.engine.name}`, { defaultValue: author.engine.name }) : author.name;
  const when = new Date(createdMs).toLocaleTimeString(i18next.language, { hour: '2-digit', minute: '2-digit' });
  return [who, when].filter((part) => part !== '').join(' · ');
}

/** Which revisions are compared: the head stands for the mask as it is now. */
export function comparedIds({ compared, job }: OpenJob): { readonly a: string | null; readonly b: string } | null {
  return compared === null ? null : { a: compared.a?.revisionId ?? job.head ?? null, b: compared.b.revisionId };
}

async function maskOf({ job, compared }: OpenJob, revisionId: string): Promise<RevisionMask | null> {
  const known = [compared?.a, compared?.b].find((it) => it?.revisionId === revisionId);
  if (known) return known;
  const bytes = await api.getMask(job.job_id, revisionId);
  return bytes === null ? null : { revisionId, mask: decodeRle(bytes) };
}

/** The newest wish: an answer to an older one comes too late. */
let wish = 0;

export function hideCompared(): void {
  wish += 1;
  patchOpen({ compared: null });
}

/** Shows the outlines of two revisions. */
export async function showCompared(a: string, b: string): Promise<void> {
  const open = getState().open;
  if (open === null) return;
  wish += 1;
  const mine = wish;
  await attempt(async () => {
    const [first, second] = await Promise.all([a === open.job.head ? null : maskOf(open, a), maskOf(open, b)]);
    if (wish !== mine || second === null || getState().open?.job.job_id !== open.job.job_id) return;
    patchOpen({ compared: { a: first, b: second }, masksHidden: false });
  }, i18next.t('error.mask'));
}

/** Shows the outlines of the present mask and of the result before, or puts them away. */
export function toggleCompare(): void {
  const open = getState().open;
  if (open === null) return;
  const head = open.job.head ?? null;
  const previous = previousResult(open.revisions, head);
  if (open.compared !== null) hideCompared();
  else if (head === null || previous === null) notifyPlain(i18next.t('compare.none'));
  else void showCompared(head, previous.revision_id);
}
