// The audit list on the page: what is asked for, particulars in order, rows of a table to take away.
import type { AuditAction, AuditEntry } from '../api/types';

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
