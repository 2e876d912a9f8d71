// The audit list on the page: what is asked for, particulars in order, rows of a table to take away.
import type { AuditAction, AuditEntry, RevisionAction, ReviewState } from '../api/types';
import { MODALITIES, REVIEW_STATES } from './job_list';

/** Which lines the server is asked for; null: all. */
export interface AuditFilter {
  readonly jobId: string | null;
  readonly person: string | null;
  readonly action: AuditAction | null;
}

/** Everybody who was known or occurs, each once, by name; those without a name are `''`. */
export function peopleOf(entries: readonly AuditEntry[], known: readonly string[] = []): string[] {
  return [...new Set([...known, ...entries.map((entry) => entry.by)])].sort((a, b) => a.localeCompare(b));
}

const FIRST: Readonly<Record<string, number>> = { from: 0, to: 1 };

/** Particulars that a person reads, where from and where to first; identifiers are cut to their last eight characters. */
export function particulars({ details }: AuditEntry): { readonly name: string; readonly value: string }[] {
  const rank = (name: string): number => FIRST[name] ?? 2;
  return Object.entries(details)
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))
    .map(([name, value]) => ({ name, value: /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(value) ? value.slice(-8) : value }));
}

const REVISION_ACTIONS = [
  'segment_slice', 'propagate', 'interpolate', 'paint', 'erase', 'fill', 'threshold_brush', 'scissors', 'copy_slice', 'confirm', 'smooth', 'grow', 'shrink',
  'keep_largest', 'remove_islands', 'fill_holes', 'merge', 'edit',
] as const satisfies readonly RevisionAction[];

type Word = `action.${RevisionAction}` | `modality.${(typeof MODALITIES)[number]}` | `reviewState.${ReviewState}`;

/** The dictionary's word for a particular that is one of a closed list; null for names, numbers and text. */
export function wordOf(action: AuditAction, name: string, value: string): Word | null {
  const known = <T extends string>(list: readonly T[]): T | undefined => list.find((it) => it === value);
  if (name === 'action' || name === 'kind') {
    const it = known(REVISION_ACTIONS);
    return it === undefined ? null : `action.${it}`;
  }
  if (!(name in FIRST)) return null;
  if (action === 'review_changed') {
    const it = known(REVIEW_STATES);
    return it === undefined ? null : `reviewState.${it}`;
  }
  const it = action === 'modality_changed' ? known(MODALITIES) : undefined;
  return it === undefined ? null : `modality.${it}`;
}

/** Rows of a table: time in ISO 8601 (UTC), person, action, case, its identifier, particulars in full. */
export function auditRows(entries: readonly AuditEntry[]): string[][] {
  return [
    ['time', 'by', 'action', 'job_name', 'job_id', 'details'],
    ...entries.map((entry) => [
      new Date(entry.created_ms).toISOString(),
      entry.by,
      entry.action,
      entry.job_name ?? '',
      entry.job_id ?? '',
      Object.entries(entry.details)
        .map(([name, value]) => `${name}: ${value}`)
        .join('; '),
    ]),
  ];
}
