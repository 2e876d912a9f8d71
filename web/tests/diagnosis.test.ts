// The diagnosis as a person reads it and passes it on.
import { expect, it } from 'vitest';
import type { Check, Diagnosis } from '../src/api/types';
import { countOf, reportOf, worstFirst } from '../src/core/diagnosis';

const CHECKS: readonly Check[] = [
  { name: 'server', state: 'ok', found: 'runs', said: {} },
  { name: 'gpu', state: 'note', found: 'no GPU', said: {} },
  { name: 'blobs', state: 'error', found: '1 file is damaged', details: ['image 12'], remedy: 'bring it back', command: 'cp a b', said: {} },
  { name: 'queue', state: 'skipped', found: 'no database', said: {} },
  { name: 'memory', state: 'ok', found: '1 GiB', said: {} },
  { name: 'agents', state: 'warning', found: 'none', said: {} },
];

it('what must be mended comes first, equal ones keep their order', () => {
  expect(worstFirst(CHECKS).map((check) => check.name)).toEqual(['blobs', 'agents', 'gpu', 'server', 'memory', 'queue']);
});

it('states are counted', () => {
  expect(countOf(CHECKS, 'ok')).toBe(2);
  expect(countOf([], 'ok')).toBe(0);
});

it('the report has finding, details, remedy and command of each check', () => {
  const diagnosis: Diagnosis = {
    version: '1.2.3',
    system: 'Linux',
    examiner: 'server',
    made_ms: 0,
    worst: 'error',
    checks: [...CHECKS],
  };
  expect(reportOf(diagnosis).split('\n').slice(0, 7)).toEqual([
    'voxloop 1.2.3 on Linux, 1970-01-01T00:00:00.000Z',
    '',
    '[error] blobs: 1 file is damaged',
    '    image 12',
    '    -> bring it back',
    '       cp a b',
    '[warning] agents: none',
  ]);
});
