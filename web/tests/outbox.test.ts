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

/** As where a person clears the site's data while the page is open. */
function clearData(): Promise<unknown> {
  return new Promise((resolve) => {
    indexedDB.deleteDatabase('voxloop').onsuccess = resolve;
  });
}

beforeEach(clearData);

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
    // The page that only slept does not send what the other has sent, and does not keep it anew.
    expect(await markSent('a', 'first', 'head')).toBe(false);
    await keep([edit('a', 1)]);
    expect(await tabsWith('job')).toEqual([]);
  });

  it('stay with the page that took them over, whatever the first one still does with them', async () => {
    await keep([edit('a', 1)]);
    await takeFrom('job', ['first'], 'second');
    expect(await keep([edit('a', 1)])).toBe(true);
    expect(await tabsWith('job')).toEqual(['second']);
  });

  it('that the browser has lost are still sent by their page', async () => {
    await keep([edit('a', 1)]);
    await clearData();
    expect(await markSent('a', 'first', null)).toBe(true);
    expect(await keep([edit('b', 2)])).toBe(true);
    expect(await tabsWith('job')).toEqual(['first']);
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

it('a database that the browser has closed is opened again', async () => {
  await keep([edit('a', 1)]);
  const closed = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementationOnce(() => {
    throw new DOMException('The database connection is closing.', 'InvalidStateError');
  });
  expect(await keep([edit('b', 2)])).toBe(true);
  closed.mockRestore();
  expect((await takeFrom('job', ['first'], 'second')).map(({ id }) => id)).toEqual(['a', 'b']);
});

it('a database that does not answer is waited for once, and holds up nothing', async () => {
  await keep([edit('a', 1)]);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const silent = vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(() => Reflect.construct<[], IDBRequest>(IDBRequest, []));
  const sent = markSent('a', 'first', null);
  await vi.advanceTimersByTimeAsync(3000);
  expect(await sent).toBe(true);
  const kept = keep([edit('b', 2)]);
  await vi.advanceTimersByTimeAsync(100);
  expect(await kept).toBe(false);
  silent.mockRestore();
  vi.useRealTimers();
});
