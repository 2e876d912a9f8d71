// Masks, reviews and zip files for the tests, made and read without the page.
import type { APIRequestContext } from '@playwright/test';
import { readRuns, type Triple } from './nifti';

/** A labelmap in the server's run-length format. */
export function writeRuns(shape: Triple, voxels: ArrayLike<number>): Buffer {
  const header = Buffer.alloc(16);
  header.write('VXR1', 0, 'latin1');
  shape.forEach((size, at) => header.writeUInt32LE(size, 4 + 4 * at));
  const bytes: number[] = [];
  for (let at = 0; at < voxels.length; ) {
    const label = voxels[at] ?? 0;
    let run = 0;
    while (at < voxels.length && voxels[at] === label) {
      run++;
      at++;
    }
    for (; run >= 128; run >>= 7) bytes.push((run & 127) | 128);
    bytes.push(run, label);
  }
  return Buffer.concat([header, Buffer.from(bytes)]);
}

export type Corners = readonly [Triple, Triple];

/** Fills a box of the mask with one label, by the API; gives the revision. */
export async function fillBox(request: APIRequestContext, id: string, parent: string | null, box: Corners, label: number): Promise<string> {
  const [low, high] = box;
  const shape = [high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1] as const;
  const voxels = new Uint8Array(shape[0] * shape[1] * shape[2]).fill(label);
  const data = { parent, box, rle_base64: writeRuns(shape, voxels).toString('base64'), confirmed: [] };
  const answer = await request.post(`/api/v1/jobs/${id}/revisions`, { data });
  if (!answer.ok()) throw new Error(await answer.text());
  return ((await answer.json()) as { revision_id: string }).revision_id;
}

export async function upload(request: APIRequestContext, name: string, buffer: Buffer): Promise<string> {
  const answer = await request.post('/api/v1/jobs', { multipart: { file: { name, mimeType: 'application/octet-stream', buffer } } });
  return ((await answer.json()) as { job_id: string }).job_id;
}

export async function maskOf(request: APIRequestContext, id: string, revision: string | null = null): Promise<Uint8Array> {
  const query = revision === null ? '' : `?revision=${revision}`;
  return readRuns(await (await request.get(`/api/v1/jobs/${id}/mask${query}`)).body()).voxels;
}

export function count(voxels: Uint8Array, label: number): number {
  return voxels.filter((value) => value === label).length;
}

/** The size in a zip's 64-bit extra field, where the plain one does not hold it. */
function longSize(extra: Buffer): number {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) return Number(extra.readBigUInt64LE(at + 4));
  }
  throw new Error('no 64-bit size');
}

/** Names and sizes of the files in a zip, from its directory at the end. */
export function zipEntries(bytes: Buffer): Map<string, number> {
  const entries = new Map<string, number>();
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let at = bytes.readUInt32LE(end + 16);
  for (let n = bytes.readUInt16LE(end + 10); n > 0; n--) {
    const [nameLength, extraLength, commentLength] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)];
    const extraAt = at + 46 + nameLength;
    const size = bytes.readUInt32LE(at + 24);
    const extra = bytes.subarray(extraAt, extraAt + extraLength);
    entries.set(bytes.toString('utf8', at + 46, extraAt), size === 0xffffffff ? longSize(extra) : size);
    at = extraAt + extraLength + commentLength;
  }
  return entries;
}
