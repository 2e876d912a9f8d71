// Masks by the API: read voxel by voxel, and painted as another program would.
import { expect, type APIRequestContext } from '@playwright/test';
import { readRuns, type Triple } from './nifti';

/** A labelmap in the server's run-length form, i fastest. */
export function writeRuns(shape: Triple, voxels: Uint8Array): Buffer<ArrayBuffer> {
  const head = Buffer.alloc(16);
  head.write('VXR1', 'latin1');
  shape.forEach((size, axis) => head.writeUInt32LE(size, 4 + 4 * axis));
  const runs: number[] = [];
  for (let at = 0; at < voxels.length; ) {
    let end = at + 1;
    while (end < voxels.length && voxels[end] === voxels[at]) end++;
    for (let rest = end - at; ; rest = Math.floor(rest / 128)) {
      runs.push(rest < 128 ? rest : (rest % 128) | 128);
      if (rest < 128) break;
    }
    runs.push(voxels[at] ?? 0);
    at = end;
  }
  return Buffer.concat([head, Buffer.from(runs)]);
}

export interface Mask {
  readonly shape: Triple;
  readonly voxels: Uint8Array;
}

/** The job's mask; null where there is none. */
export async function maskOf(request: APIRequestContext, job: string): Promise<Mask | null> {
  const answer = await request.get(`/api/v1/jobs/${job}/mask`);
  return answer.status() === 204 ? null : readRuns(await answer.body());
}

export function at({ shape, voxels }: Mask, [i, j, k]: Triple): number {
  return voxels[i + shape[0] * (j + shape[1] * k)] ?? 0;
}

/** Voxels of a slice of the last stored axis. */
export function sliceOf({ shape, voxels }: Mask, k: number): Uint8Array {
  return voxels.slice(k * shape[0] * shape[1], (k + 1) * shape[0] * shape[1]);
}

export function count(voxels: Uint8Array, label = 1): number {
  return voxels.reduce((sum, value) => sum + (value === label ? 1 : 0), 0);
}

/** Slices of the last stored axis that hold a label. */
export function slicesWith(mask: Mask, label = 1): number[] {
  return Array.from({ length: mask.shape[2] }, (_, k) => k).filter((k) => count(sliceOf(mask, k), label) > 0);
}

export interface JobSaid {
  readonly head: string | null;
  readonly head_revision?: {
    readonly revision_id: string;
    readonly action?: string;
    readonly author: { readonly by: string; readonly engine?: { readonly name: string } };
    readonly prompts: readonly PromptSaid[];
    readonly parameters?: { readonly cancelled?: boolean } | null;
  } | null;
  readonly prompts: readonly PromptSaid[];
  readonly task?: { readonly task_id: string; readonly kind: string } | null;
  readonly review: { readonly state: string };
  readonly status: string;
}

export interface PromptSaid {
  readonly axis: number;
  readonly slice_index: number;
  readonly box?: number[];
  readonly points?: { readonly x: number; readonly y: number; readonly positive: boolean }[];
  readonly scribbles?: { readonly positive: boolean; readonly path: number[][] }[];
  readonly mask?: boolean;
  readonly absent?: boolean;
}

export async function jobOf(request: APIRequestContext, job: string): Promise<JobSaid> {
  const said = (await (await request.get(`/api/v1/jobs/${job}`)).json()) as Omit<JobSaid, 'head'> & { head?: string };
  return { ...said, head: said.head ?? null };
}

/** Fills a box of voxels, last ones included, as the job's next revision. */
export async function paint(request: APIRequestContext, job: string, first: Triple, last: Triple, label = 1): Promise<string> {
  const { head } = await jobOf(request, job);
  const shape: Triple = [last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1];
  const voxels = new Uint8Array(shape[0] * shape[1] * shape[2]).fill(label);
  const body = { parent: head, box: [first, last], rle_base64: writeRuns(shape, voxels).toString('base64') };
  const answer = await request.post(`/api/v1/jobs/${job}/revisions`, { data: body });
  expect(answer.status()).toBe(201);
  return ((await answer.json()) as { revision_id: string }).revision_id;
}

/** Waits until nothing runs and another revision than `before` is the head; gives the mask. */
export async function nextMask(request: APIRequestContext, job: string, before: string | null): Promise<Mask> {
  await expect
    .poll(async () => {
      const said = await jobOf(request, job);
      return said.head !== before && (said.task ?? null) === null;
    })
    .toBe(true);
  const mask = await maskOf(request, job);
  if (mask === null) throw new Error('no mask');
  return mask;
}
