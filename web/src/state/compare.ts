// The result before beside the present one.
import i18next from 'i18next';
import type { Revision } from '../api/types';
import { previousResult } from '../core/compare';
import { notifyPlain } from './notices';
import { showCompared } from './review';
import { getState } from './store';

/** Who made a revision, and when. */
export function revisionName({ author, created_ms: createdMs }: Revision): string {
  const who = author.by === 'engine' ? i18next.t(`engine.${author.engine.name}`, { defaultValue: author.engine.name }) : author.name;
  const when = new Date(createdMs).toLocaleTimeString(i18next.language, { hour: '2-digit', minute: '2-digit' });
  return [who, when].filter((part) => part !== '').join(' · ');
}

/** Shows the outlines of the result before the present one, or puts them away. */
export function toggleCompare(): void {
  const open = getState().open;
  if (open === null) return;
  const previous = previousResult(open.revisions, open.job.head ?? null);
  if (open.compared !== null) void showCompared(null);
  else if (previous === null) notifyPlain(i18next.t('compare.none'));
  else void showCompared(previous.revision_id);
}
