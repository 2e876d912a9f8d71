// Edits kept in the browser: what is kept comes back as it was, belongs to one page, and goes once.
import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { drop, dropJob, keep, markSent, tabsWith, takeFrom, type KeptEdit } from '../src/state/outbox';

function edit(id: string, place: number, change: Partial<KeptEdit> = {}): KeptEdit {
  return {
    id,
    jobId: 'job',
    tab: 'first',
    place,
    by: '이영희',
    head: null,
    change: { offsets: Uint32Array.of(7, 4_000_000_000), before: Uint8Array.of(0, 2), after: Uint8Array.of(1, 1), box: [[0, 1, 2], [3, 4, 5]] },
    what: { kind: 'voxels', action: 'paint', confirmed: [{ axis: 2, slice_index: 3, label: 1 }] },
    ...change,
  };
}

beforeEach(async () => {
  await dropJob('job');
  await dropJob('other');
});

describe('kept edits', () => {
  it('come back as they were, in their order, of one job only', async () => {
    expect(await keep([edit('b', 2), edit('a', 3), edit('c', 1, { jobId: 'other' })])).toBe(true);
    const prompt = { axis: 2, slice_index: 9, label: 1, box: [1, 2, 3, 4] };
    await keep([edit('d', 1, { what: { kind: 'prompt', before: { axis: 2, slice_index: 9, label: 1 }, prompt } })]);
    const found = await takeFrom('job', ['first'], 'second');
    expect(found.map(({ id }) => id)).toEqual(['d', 'b', 'a']);
    expect(found[1]).toEqual({ ...edit('b', 2), tab: 'second', sent: null });
    expect(found[0]?.what).toMatchObject({ prompt });
  });

  it('an edit that has changed takes its own place', async () => {
    await keep([edit('a', 1), edit('b', 2)]);
    const change = { offsets: Uint32Array.of(7), before: Uint8Array.of(3), after: Uint8Array.of(1), box: null };
    await keep([edit('a', 1, { change })]);
    const found = await takeFrom('job', ['first'], 'second');
    expect(found.map((it) => it.change.offsets.length)).toEqual([1, 2]);
  });

  it('belong to one page: another that asks later finds nothing', async () => {
    await keep([edit('a', 1), edit('b', 2, { tab: 'third' })]);
    expect([...(await tabsWith('job'))].sort()).toEqual(['first', 'third']);
    const both = await Promise.all([takeFrom('job', ['first'], 'second'), takeFrom('job', ['first'], 'fourth')]);
    expect(both.map((found) => found.length)).toEqual([1, 0]);
    expect([...(await tabsWith('job'))].sort()).toEqual(['second', 'third']);
  });

  it('are sent by the page that owns them only, and say on what', async () => {
    await keep([edit('a', 1)]);
    expect(await markSent('a', 'first', 'head')).toBe(true);
    const [found] = await takeFrom('job', ['first'], 'second');
    expect(found?.sent).toEqual({ id: 'a', parent: 'head' });
    expect(await markSent('a', 'first', 'head')).toBe(false);
    expect(await markSent('a', 'second', 'later')).toBe(true);
    await drop(['a']);
    expect(await markSent('a', 'second', 'later')).toBe(false);
    expect(await tabsWith('job')).toEqual([]);
  });

  it('go with their job', async () => {
    await keep([edit('a', 1), edit('b', 2, { jobId: 'other' })]);
    await dropJob('job');
    expect(await tabsWith('job')).toEqual([]);
    expect(await tabsWith('other')).toEqual(['first']);
  });
});

it('a full disk is answered, not thrown, and what was kept stays', async () => {
  await keep([edit('a', 1)]);
  const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError');
  });
  expect(await keep([edit('b', 2)])).toBe(false);
  put.mockRestore();
  expect((await takeFrom('job', ['first'], 'second')).map(({ id }) => id)).toEqual(['a']);
});

it('a browser without a database keeps nothing, and edits go on', async () => {
  vi.resetModules();
  vi.stubGlobal('indexedDB', undefined);
  const without = await import('../src/state/outbox');
  expect(await without.keep([edit('a', 1)])).toBe(false);
  expect(await without.markSent('a', 'first', null)).toBe(true);
  expect(await without.tabsWith('job')).toEqual([]);
  vi.unstubAllGlobals();
});
