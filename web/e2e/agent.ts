// An agent by hand: claims tasks, says how far it is, delivers, gives up. The server runs with `--no-agent`.
import { createHash } from 'node:crypto';
import type { Server } from './server';

/** Volumes of this size are opened for it. */
const SHAPE = [8, 8, 4] as const;

export interface Lease {
  readonly task_id: string;
  readonly fence: number;
  readonly spec: { readonly kind: string; readonly prompt?: { readonly slice_index: number } };
}

export async function call<T>(server: Server, method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) Object.assign(init, { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  const answer = await fetch(`${server.url}${path}`, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}

/** Opens a volume of zeros under this name. */
export async function openTiny(server: Server, name: string): Promise<string> {
  const header = `NRRD0004\ntype: uchar\ndimension: 3\nsizes: ${SHAPE.join(' ')}\nencoding: raw\n\n`;
  const bytes = Buffer.concat([Buffer.from(header), Buffer.alloc(SHAPE[0] * SHAPE[1] * SHAPE[2])]);
  const form = new FormData();
  form.append('file', new Blob([bytes]), name);
  const answer = await fetch(`${server.url}/api/v1/jobs`, { method: 'POST', body: form });
  return ((await answer.json()) as { job_id: string }).job_id;
}

/** Asks for a slice; gives the task. */
export async function ask(server: Server, jobId: string, slice: number): Promise<string> {
  const body = { axis: 2, slice_index: slice, box: [1, 1, 6, 6] };
  return (await call<{ task_id: string }>(server, 'POST', `/api/v1/jobs/${jobId}/initial-mask`, body)).task_id;
}

export async function waiting(server: Server): Promise<string[]> {
  const { tasks } = await call<{ tasks: { task_id: string; state: string }[] }>(server, 'GET', '/api/v1/system/jobs/active');
  return tasks.filter(({ state }) => state === 'queued').map(({ task_id: id }) => id);
}

export async function claim(server: Server): Promise<Lease> {
  return call(server, 'POST', '/api/v1/claims', {
    agent_id: '00000000-0000-4000-8000-000000000001',
    name: 'bench-3',
    protocol: 1,
    kinds: ['segment_slice', 'propagate'],
    engines: ['graphcut'],
    wait_secs: 25,
  });
}

/** Says how far it is, with the mask so far where there is one. */
export async function beat(server: Server, lease: Lease, done: number, total: number, partial: string | null = null): Promise<void> {
  const body = { fence: lease.fence, progress: { done, total, stage: 'solving' }, wait_ms: 0, ...(partial === null ? {} : { partial }) };
  await call(server, 'POST', `/api/v1/tasks/${lease.task_id}/heartbeat`, body);
}

export async function fail(server: Server, lease: Lease): Promise<void> {
  const failure = { class: 'permanent', code: 'no_contrast', message: 'the box holds one intensity', remedy: 'draw a larger box' };
  await call(server, 'POST', `/api/v1/tasks/${lease.task_id}/fail`, { fence: lease.fence, failure });
}

/** Delivers bytes; gives their SHA-256. */
export async function deliver(server: Server, lease: Lease, bytes: Buffer<ArrayBuffer>): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const put = await fetch(`${server.url}/api/v1/tasks/${lease.task_id}/outputs/${sha256}?fence=${lease.fence}`, { method: 'PUT', body: bytes });
  if (!put.ok) throw new Error(`output: ${put.status}`);
  return sha256;
}

/** Delivers a mask of three voxels on the slice. */
export async function complete(server: Server, lease: Lease, slice: number): Promise<void> {
  const before = slice * 64 + 18;
  const runs = [before, 3, 256 - before - 3].map((length) => (length < 128 ? [length] : [(length & 127) | 128, length >> 7]));
  const [a = [], b = [], c = []] = runs;
  const head = Buffer.alloc(12);
  SHAPE.forEach((size, axis) => head.writeUInt32LE(size, axis * 4));
  const bytes = Buffer.concat([Buffer.from('VXR1'), head, Buffer.from([...a, 0, ...b, 1, ...c, 0])]);
  const sha256 = await deliver(server, lease, bytes);
  const output = {
    mask: sha256,
    extent: { axis: 2, first: slice, last: slice },
    engine: { name: 'graphcut', version: 'by hand' },
    engine_ms: 1.5,
  };
  await call(server, 'POST', `/api/v1/tasks/${lease.task_id}/complete`, { fence: lease.fence, output });
}
