// The audit list on the page: filters, particulars, the table to take away.
import { expect, it } from 'vitest';
import type { AuditEntry } from '../src/api/types';
import { auditRows, particulars, peopleOf, wordOf } from '../src/core/audit';
import { formatAgo } from '../src/core/format';

const ENTRIES = [
  {
    audit_id: 'b',
    job_id: 'j',
    job_name: 'Liver',
    action: 'review_changed',
    by: 'Kim',
    details: { comment: 'dome, off', to: 'rejected', from: 'in_review', revision: '01a1faaf-0000-7000-8000-00001234abcd', empty: '' },
    created_ms: Date.UTC(2026, 10, 20, 20, 0, 1),
  },
  { audit_id: 'a', action: 'label_set_created', by: '', details: { name: 'Heart' }, created_ms: 0 },
] as unknown as AuditEntry[];

it('lists everybody who was met', () => {
  expect(peopleOf(ENTRIES)).toEqual(['', 'Kim']);
  expect(peopleOf(ENTRIES, ['Lee', 'Kim'])).toEqual(['', 'Kim', 'Lee']);
});

it('particulars begin with from and to; identifiers are short, nothing is empty', () => {
  expect(particulars(ENTRIES[0]!)).toEqual([
    { name: 'from', value: 'in_review' },
    { name: 'to', value: 'rejected' },
    { name: 'comment', value: 'dome, off' },
    { name: 'revision', value: '1234abcd' },
  ]);
});

it('what is one of a closed list has a word, what people wrote has none', () => {
  expect(wordOf('review_changed', 'to', 'rejected')).toBe('reviewState.rejected');
  expect(wordOf('modality_changed', 'from', 'unknown')).toBe('modality.unknown');
  expect(wordOf('mask_edited', 'action', 'threshold_brush')).toBe('action.threshold_brush');
  expect(wordOf('task_queued', 'kind', 'segment_slice')).toBe('action.segment_slice');
  expect(wordOf('review_changed', 'comment', 'rejected')).toBeNull();
  expect(wordOf('labels_changed', 'added', 'paint')).toBeNull();
  expect(wordOf('head_moved', 'to', 'CT')).toBeNull();
});

it('the table has a row per line, in full', () => {
  expect(auditRows(ENTRIES)).toEqual([
    ['time', 'by', 'action', 'job_name', 'job_id', 'details'],
    ['2026-11-20T20:00:01.000Z', 'Kim', 'review_changed', 'Liver', 'j', 'comment: dome, off; to: rejected; from: in_review; revision: 01a1faaf-0000-7000-8000-00001234abcd; empty: '],
    ['1970-01-01T00:00:00.000Z', '', 'label_set_created', '', '', 'name: Heart'],
  ]);
});

it('nothing happened in the future', () => {
  expect(formatAgo(5000, 0, 'en')).toBe('now');
});
