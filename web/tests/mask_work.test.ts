// Edits on their way to the server: none is doubled or held up for ever, whatever the server and the person do.
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Revision } from '../src/api/types';
import type { Change } from '../src/core/edit/change';
import type { OpenJob } from '../src/state/store';

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
vi.stubGlobal('window', { innerWidth: 1280 });
const { addEdit, followRevision, maskSaved, sendAgain } = await import('../src/state/mask_work');
const { getState, setState } = await import('../src/state/store');
const { forget, unsent, workOf } = await import('../src/state/works');

// What is tried again is tried by the tests.
vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

const SHAPE = [4, 4, 4] as const;

/** A voxel that was painted. */
function dab(i: number): Change {
  return { offsets: Uint32Array.of(i), before: Uint8Array.of(0), after: Uint8Array.of(1), box: [[i, 0, 0], [i, 0, 0]] };
}

function revision(id: string, parent: string | null, i: number): Revision {
  const made = { revision_id: id, parent, action: 'paint', author: { by: 'person', name: '' }, changed: [[i, 0, 0], [i, 0, 0]], prompts: [] };
  return made as unknown as Revision;
}

function open(jobId: string): void {
  setState({ open: { job: { job_id: jobId, prompts: [] }, mask: null, shown: null, revisions: [] } as unknown as OpenJob });
}

function paint(jobId: string, i: number): void {
  addEdit(workOf(jobId, SHAPE), { change: dab(i), action: 'paint', confirmed: [] });
}

const asked: string[] = [];
let answers: (job: string) => Response = () => Response.error();

function refused(status: number, code: string): Response {
  return Response.json({ error: { code, message: code } }, { status });
}

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    const job = path.split('/')[4] ?? '';
    if (init.method === 'POST') asked.push(job);
    return Promise.resolve(answers(job));
  });
});

afterEach(() => {
  for (const job of asked) forget(job);
});

it('a question that nobody can answer any more holds up no other case', async () => {
  open('a');
  answers = () => refused(503, 'busy');
  paint('a', 1);
  await maskSaved();
  answers = (job) => (job === 'a' ? refused(409, 'review_closed') : Response.json(revision('r', null, 2)));
  sendAgain();
  await vi.waitFor(() => {
    expect(getState().refused?.jobId).toBe('a');
  });
  setState({ open: null });
  expect(getState().refused).toBeNull();
  paint('b', 2);
  await maskSaved();
  expect(asked).toEqual(['a', 'a', 'b']);
  // What was refused waits on.
  expect(unsent().waiting).toBe(1);
});

it('an edit whose answer was lost is known again when the stream tells of it', async () => {
  open('c');
  answers = () => refused(502, 'gateway');
  paint('c', 1);
  await maskSaved();
  const work = workOf('c', SHAPE);
  await followRevision(work, revision('mine', null, 1));
  expect(work.edits).toEqual([]);
  expect(work.head).toBe('mine');
  sendAgain();
  await maskSaved();
  expect(asked).toEqual(['c']);
});

it('nothing is sent while nobody is signed in', async () => {
  answers = () => refused(401, 'unauthenticated');
  paint('d', 1);
  await maskSaved();
  setState({ session: { token_required: true, signed_in: false, ways: [] } });
  sendAgain();
  await maskSaved();
  expect(asked).toEqual(['d']);
  setState({ session: { token_required: true, signed_in: true, ways: [] } });
  answers = () => Response.json(revision('r', null, 1));
  await vi.advanceTimersByTimeAsync(2000);
  await maskSaved();
  expect(asked).toEqual(['d', 'd']);
  expect(unsent().waiting).toBe(0);
});
