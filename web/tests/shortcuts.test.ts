// The sheet of keys lists what the handlers do, all of it and nothing else.
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { keyCaps, SHORTCUT_GROUPS, SHORTCUTS } from '../src/core/shortcuts';
import { en } from '../src/i18n/en';

/** Keys of pages other than the open job's. */
const ELSEWHERE = new Set(['anywhere', 'list']);

function withoutShift(key: string): string {
  return key.replace('Shift+', '');
}

function named(key: string): string {
  const parts = key.split('+');
  const last = parts.at(-1) ?? '';
  return [...parts.slice(0, -1), last.length === 1 ? last.toUpperCase() : last].join('+');
}

describe('shortcuts', () => {
  let bound: readonly string[] = [];

  beforeAll(async () => {
    // The handlers reach the page's address and storage, which are not here.
    vi.stubGlobal('window', { location: { pathname: '/' }, addEventListener: () => undefined });
    vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
    const { boundKeys } = await import('../src/views/job_keys');
    bound = boundKeys().map(named);
  });

  it('the keys of the job page are those of its handlers', () => {
    const listed = SHORTCUTS.filter(({ group }) => !ELSEWHERE.has(group)).flatMap(({ keys }) => keys.map(withoutShift));
    expect([...new Set(listed)].sort()).toEqual([...new Set(bound)].sort());
  });

  it('no key stands twice in what one page does', () => {
    for (const groups of [['anywhere', 'list'], SHORTCUT_GROUPS.filter((it) => it !== 'list')]) {
      const keys = SHORTCUTS.filter(({ group }) => groups.includes(group)).flatMap((it) => [...it.keys]);
      expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    }
  });

  it('every word is the word of one shortcut', () => {
    expect(SHORTCUTS.map(({ word }) => word).sort()).toEqual(Object.keys(en.shortcut).sort());
  });

  it.each([
    ['Shift+ArrowUp', false, ['Shift', '↑']],
    ['Ctrl+Enter', false, ['Ctrl', 'Enter']],
    ['Ctrl+Enter', true, ['⌘', 'Enter']],
    ['?', true, ['?']],
  ] as const)('%s stands on the keys as %j', (combination, isMac, caps) => {
    expect(keyCaps(combination, isMac)).toEqual(caps);
  });
});
