// The server's calls that the page makes, one function each.
import { getBytes, getJson, refusedWith, sendJson, signature, unreachable, type ApiError } from './http';
import type {
  Combine,
  ConfirmedSlice,
  Diagnosis,
  Direction,
  EngineName,
  EngineStatus,
  Job,
  JobCreated,
  Engines,
  Image,
  JobList,
  JobStatus,
  JobSummary,
  Label,
  Operation,
  Preparation,
  Revision,
  RevisionList,
  Session,
  SignIn,
  SlicePrepared,
  SlicePrompt,
  Task,
  TaskQueued,
} from './types';

const job = (jobId: string): string => `/api/v1/jobs/${encodeURIComponent(jobId)}`;

export async function listJobs(): Promise<JobSummary[]> {
  return (await getJson<JobList>('/api/v1/jobs')).jobs;
}

export function openSample(): Promise<JobCreated> {
  return sendJson('POST', '/api/v1/sample');
}

export function getJob(jobId: string): Promise<Job> {
  return getJson(job(jobId));
}

/** Says what kind of machine made the image. */
export function setModality(jobId: string, modality: Image['modality']): Promise<void> {
  return sendJson('PATCH', job(jobId), { modality });
}

export function deleteJob(jobId: string): Promise<void> {
  return sendJson('DELETE', job(jobId));
}

export function getStatus(jobId: string): Promise<JobStatus> {
  return getJson(`${job(jobId)}/status`);
}

export async function listRevisions(jobId: string): Promise<Revision[]> {
  const { revisions } = await getJson<RevisionList>(`${job(jobId)}/revisions`);
  return revisions.sort((a, b) => b.created_ms - a.created_ms);
}

/** The labels of a revision: all, or those of a box of voxels (first and last, inclusive). */
export function getMask(jobId: string, revisionId: string, box: readonly (readonly number[])[] | null = null): Promise<Uint8Array | null> {
  const part = box === null ? '' : `&box=${box.flat().join(',')}`;
  return getBytes(`${job(jobId)}/mask?revision=${encodeURIComponent(revisionId)}${part}`);
}

/** What a person did to a mask by hand. */
export type EditAction = 'paint' | 'erase' | 'fill' | 'threshold_brush' | 'scissors' | 'copy_slice' | 'confirm' | 'edit';

export interface RevisionBody {
  readonly parent: string | null;
  readonly box: readonly (readonly number[])[];
  readonly rle_base64: string;
  readonly action: EditAction;
  readonly confirmed: readonly ConfirmedSlice[];
}

/** Makes an edit the head, if nobody else moved it. `by` is who made it. */
export function postEdit(jobId: string, body: RevisionBody, by: string): Promise<Revision> {
  return sendJson('POST', `${job(jobId)}/revisions`, body, by);
}

export interface OperationBody {
  readonly parent: string;
  readonly label: number;
  readonly operation: Operation;
  readonly slice?: { readonly axis: number; readonly slice_index: number };
}

/** Has the server change an object as a whole, or on one slice. */
export function postOperation(jobId: string, body: OperationBody): Promise<Revision> {
  return sendJson('POST', `${job(jobId)}/operations`, body);
}

/** Queues filling an object in between its confirmed slices. */
export function interpolate(jobId: string, body: { readonly label: number; readonly axis: number; readonly frame: number }): Promise<TaskQueued> {
  return sendJson('POST', `${job(jobId)}/interpolate`, body);
}

/** Moves the head to another revision, or to none. */
export function putHead(jobId: string, body: { readonly head: string | null; readonly expected: string | null }): Promise<Job> {
  return sendJson('PUT', `${job(jobId)}/head`, body);
}

/** An object's surface in the format of `core/surface.ts`. */
export function getSurface(jobId: string, label: number, revisionId: string, signal: AbortSignal): Promise<Uint8Array | null> {
  return getBytes(`${job(jobId)}/surface?label=${label}&revision=${encodeURIComponent(revisionId)}`, signal);
}

export function getPartial(taskId: string): Promise<Uint8Array | null> {
  return getBytes(`/api/v1/tasks/${encodeURIComponent(taskId)}/partial`);
}

export function getTask(taskId: string): Promise<Task> {
  return getJson(`/api/v1/tasks/${encodeURIComponent(taskId)}`);
}

export function cancelTask(taskId: string): Promise<Task> {
  return sendJson('POST', `/api/v1/tasks/${encodeURIComponent(taskId)}/cancel`);
}

/** Changes a prompt from what was seen; what others marked there meanwhile stays. Gives what is marked there now. */
export function changePrompt(jobId: string, before: SlicePrompt, prompt: SlicePrompt, by: string): Promise<SlicePrompt> {
  return sendJson('PUT', `${job(jobId)}/prompts`, { ...prompt, before }, by);
}

export function putLabels(jobId: string, labels: readonly Label[]): Promise<unknown> {
  return sendJson('PUT', `${job(jobId)}/labels`, { labels });
}

export async function prepareSlice(jobId: string, axis: number, sliceIndex: number, engine: EngineName): Promise<Preparation> {
  const asked = { axis, slice_index: sliceIndex, engine };
  return (await sendJson<SlicePrepared>('POST', `${job(jobId)}/prepare`, asked)).preparation;
}

export function segmentSlice(jobId: string, prompt: SlicePrompt, engine: EngineName | null, frame: number): Promise<TaskQueued> {
  const { absent: _absent, ...asked } = prompt;
  return sendJson('POST', `${job(jobId)}/initial-mask`, { ...asked, frame, ...(engine === null ? {} : { engine }) });
}

export interface PropagateBody {
  readonly direction: Direction;
  readonly range?: readonly [number, number];
  readonly engine?: EngineName;
  readonly combine?: Combine;
  readonly largest_component?: boolean;
  readonly frame?: number;
  readonly label: number;
  readonly axis: number;
}

export function propagate(jobId: string, body: PropagateBody): Promise<TaskQueued> {
  return sendJson('POST', `${job(jobId)}/propagate`, body);
}

export function getSession(): Promise<Session> {
  return getJson('/api/v1/session');
}

/** Shows who comes; the browser keeps the cookie that stands for it. */
export function signIn(shown: SignIn): Promise<void> {
  return sendJson('POST', '/api/v1/session', shown);
}

export function signOut(): Promise<void> {
  return sendJson('DELETE', '/api/v1/session');
}

export async function listEngines(): Promise<EngineStatus[]> {
  return (await getJson<Engines>('/api/v1/system/model')).engines;
}

/** Looks at the whole server; `everything` reads each stored file, which may take minutes. */
export function getDiagnosis(everything: boolean): Promise<Diagnosis> {
  return getJson(`/api/v1/system/diagnosis?blobs=${everything ? 'all' : 'sample'}`);
}

/** Address of the stored file. */
export function imageUrl(jobId: string): string {
  return `${job(jobId)}/image`;
}

export interface SliceQuery {
  readonly low?: number;
  readonly high?: number;
  readonly mask?: boolean;
  /** The frame of a 4D image; the first where none is named. */
  readonly frame?: number;
  /** Changes when the picture does, so that a cached one is not shown. */
  readonly version?: string;
}

/** Address of a slice as a picture, one pixel per voxel, upright. */
export function sliceUrl(jobId: string, axis: number, sliceIndex: number, query: SliceQuery = {}): string {
  const parameters = new URLSearchParams();
  if (query.low !== undefined) parameters.set('low', String(query.low));
  if (query.high !== undefined) parameters.set('high', String(query.high));
  if (query.mask === true) parameters.set('mask', 'true');
  if (query.frame !== undefined && query.frame > 0) parameters.set('frame', String(query.frame));
  if (query.version !== undefined) parameters.set('v', query.version);
  const suffix = parameters.size === 0 ? '' : `?${parameters.toString()}`;
  return `${job(jobId)}/slices/${axis}/${sliceIndex}.png${suffix}`;
}

/** Address of the 3D mask. */
export function result3dUrl(jobId: string): string {
  return `${job(jobId)}/result?type=3d`;
}

/** Address of one slice with its mask; `person` takes it away. */
export function result2dUrl(jobId: string, axis: number, sliceIndex: number, person: string): string {
  const by = person === '' ? '' : `&person=${encodeURIComponent(person)}`;
  return `${job(jobId)}/result?type=2d&axis=${axis}&slice_index=${sliceIndex}${by}`;
}

export interface Upload {
  readonly done: Promise<JobCreated>;
  readonly cancel: () => void;
}

/** Sends a file; `onProgress` gets bytes sent and bytes in all. A cancelled upload rejects with an AbortError. */
export function uploadFile(file: File, onProgress: (sent: number, total: number) => void): Upload {
  const request = new XMLHttpRequest();
  const done = new Promise<JobCreated>((resolve, reject: (reason: ApiError | DOMException) => void) => {
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded, event.total);
    };
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as JobCreated);
      else reject(refusedWith(request.status, request.responseText));
    };
    request.onerror = () => {
      reject(unreachable());
    };
    request.onabort = () => {
      reject(new DOMException('cancelled', 'AbortError'));
    };
    request.open('POST', '/api/v1/jobs');
    for (const [name, value] of Object.entries(signature())) request.setRequestHeader(name, value);
    const form = new FormData();
    form.append('file', file, file.name);
    request.send(form);
  });
  return {
    done,
    cancel: () => {
      request.abort();
    },
  };
}
