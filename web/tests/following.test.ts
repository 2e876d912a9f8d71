// The mask follows the marks: what the engine is asked is what was marked, each mark once, whatever comes between.
import 'fake-indexeddb/auto';
import { beforeEach, expect, it, vi } from 'vitest';
import type { SlicePrompt } from '../src/api/types';
import type { PromptKey } from '../src/core/prompts';
import { DEFAULTS } from '../src/state/settings';
import type { OpenJob } from '../src/state/store';

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => undefined });
vi.stubGlobal('window', { innerWidth: 1280 });
const { addPoint, cancelDrag, segment, setScribble } = await import('../src/state/prompts');
const { stopFollowing } = await import('../src/state/follow');
const { getState, setState } = await import('../src/state/store');

const KEY: PromptKey = { axis: 2, sliceIndex: 1, label: 1 };
const STROKE = { path: [[1, 1], [2, 2]], radius: 0, positive: true };

interface Call {
  readonly path: string;
  readonly body: SlicePrompt & { readonly before?: SlicePrompt };
}

let calls: Call[] = [];
/** What holds up the answers to prompts that are saved. */
let gate: Promise<void> = Promise.resolve();

function open(autoSegment: boolean): void {
  const axes = { ras: [0, 1, 2], rising: [true, true, true] };
  const grid = { shape: [4, 4, 4], axes };
  const job = { job_id: 'a', prompts: [], status: 'ready', review: { state: 'draft' }, head: null };
  const view = { cursor: [1, 1, 1], plane: 'axial', label: 1, engine: null, frame: 0, asking: false, thinking: false };
  setState({
    open: { job, grid, mask: null, shown: null, revisions: [], edits: 0, ranges: {}, ...view } as unknown as OpenJob,
    settings: { ...DEFAULTS, autoSegment },
  });
}

async function answer(path: string, init: RequestInit): Promise<Response> {
  const body = JSON.parse(init.body as string) as Call['body'];
  calls.push({ path: path.split('/').at(-1) ?? '', body });
  if (!path.endsWith('/prompts')) return Response.json({ task_id: `t${calls.length}` });
  await gate;
  const { before: _before, ...prompt } = body;
  return Response.json(prompt);
}

function asked(): readonly (readonly [number, number])[] {
  return calls.filter(({ path }) => path === 'initial-mask').map(({ body }) => [body.points?.length ?? 0, body.scribbles?.length ?? 0]);
}

beforeEach(() => {
  stopFollowing();
  calls = [];
  gate = Promise.resolve();
  vi.stubGlobal('fetch', answer);
});

/** Saves of prompts wait until the returned function is called. */
function hold(): () => void {
  let release = (): void => undefined;
  gate = new Promise((resolve) => {
    release = resolve;
  });
  return release;
}

it('a stroke that is being drawn is not asked about before its end, and is then new', async () => {
  open(true);
  const release = hold();
  addPoint(KEY, 1, 1, true);
  await vi.waitFor(() => {
    expect(calls).toHaveLength(1);
  });
  setScribble(KEY, 0, STROKE, 'going on');
  release();
  await vi.waitFor(() => {
    expect(asked()).toEqual([[1, 0]]);
  });
  setScribble(KEY, 0, STROKE, 'done');
  await vi.waitFor(() => {
    expect(asked()).toEqual([[1, 0], [1, 1]]);
  });
  const saved = calls.filter(({ path }) => path === 'prompts').map(({ body }) => [body.before?.scribbles?.length ?? 0, body.scribbles?.length ?? 0]);
  expect(saved).toEqual([[0, 0], [0, 1]]);
});

it('a drag that is taken away leaves the slice as it was', () => {
  open(true);
  setScribble(KEY, 0, STROKE, 'going on');
  expect(getState().open?.job.prompts).toHaveLength(1);
  cancelDrag();
  expect(getState().open?.job.prompts).toEqual([]);
  cancelDrag();
  expect(calls).toEqual([]);
});

it('what is marked while the wish waits is saved before the engine is asked', async () => {
  open(false);
  const release = hold();
  addPoint(KEY, 1, 1, true);
  segment();
  await vi.waitFor(() => {
    expect(calls).toHaveLength(1);
  });
  addPoint(KEY, 2, 2, true);
  release();
  await vi.waitFor(() => {
    expect(asked()).toEqual([[2, 0]]);
  });
  expect(calls.map(({ path }) => path)).toEqual(['prompts', 'prompts', 'initial-mask']);
});
