// Calls about what is recorded of a job: review, opinions, label sets, audit, measurements, exports.
import { getJson, sendJson } from './http';
import type {
  AuditAction,
  AuditEntry,
  Comparison,
  Label,
  LabelSet,
  Measurements,
  Opinion,
  Review,
  ReviewState,
  ReviewStep,
} from './types';

const job = (jobId: string): string => `/api/v1/jobs/${encodeURIComponent(jobId)}`;

export interface ReviewChange {
  readonly from: ReviewState;
  readonly to: ReviewState;
  /** The mask that the person sees. */
  readonly head: string | null;
  readonly comment: string;
}

export function postReview(jobId: string, change: ReviewChange): Promise<Review> {
  return sendJson('POST', `${job(jobId)}/review`, change);
}

export async function listReviews(jobId: string, signal?: AbortSignal): Promise<ReviewStep[]> {
  return (await getJson<{ steps: ReviewStep[] }>(`${job(jobId)}/reviews`, signal)).steps;
}

export function postOpinion(jobId: string, revisionId: string, comment: string): Promise<Opinion> {
  return sendJson('POST', `${job(jobId)}/opinions`, { revision_id: revisionId, comment });
}

export function deleteOpinion(jobId: string, opinionId: string): Promise<void> {
  return sendJson('DELETE', `${job(jobId)}/opinions/${encodeURIComponent(opinionId)}`);
}

export function compareRevisions(jobId: string, a: string, b: string, signal?: AbortSignal): Promise<Comparison> {
  return getJson(`${job(jobId)}/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`, signal);
}

/** Replaces a job's labels; refused with `labels_changed` where they are not as `expected`. */
export function replaceLabels(jobId: string, labels: readonly Label[], expected: readonly Label[]): Promise<unknown> {
  return sendJson('PUT', `${job(jobId)}/labels`, { labels, expected });
}

export async function listLabelSets(): Promise<LabelSet[]> {
  return (await getJson<{ label_sets: LabelSet[] }>('/api/v1/label-sets')).label_sets;
}

export function postLabelSet(name: string, labels: readonly Label[]): Promise<LabelSet> {
  return sendJson('POST', '/api/v1/label-sets', { name, labels });
}

export function putLabelSet(labelSetId: string, name: string, labels: readonly Label[]): Promise<LabelSet> {
  return sendJson('PUT', `/api/v1/label-sets/${encodeURIComponent(labelSetId)}`, { name, labels });
}

export function deleteLabelSet(labelSetId: string): Promise<void> {
  return sendJson('DELETE', `/api/v1/label-sets/${encodeURIComponent(labelSetId)}`);
}

export interface AuditQuery {
  readonly jobId?: string | null;
  readonly person?: string | null;
  readonly action?: AuditAction | null;
  readonly before?: string | null;
  readonly limit: number;
}

/** Part of the audit list, newest first. */
export async function listAudit(query: AuditQuery, signal?: AbortSignal): Promise<AuditEntry[]> {
  const parameters = new URLSearchParams({ limit: String(query.limit) });
  if (query.jobId) parameters.set('job_id', query.jobId);
  if (typeof query.person === 'string') parameters.set('person', query.person);
  if (query.action) parameters.set('action', query.action);
  if (query.before) parameters.set('before', query.before);
  return (await getJson<{ entries: AuditEntry[] }>(`/api/v1/audit?${parameters.toString()}`, signal)).entries;
}

/** What the objects of a revision measure; intensities are those of a frame. */
export function getMeasurements(jobId: string, revisionId: string, frame: number, signal?: AbortSignal): Promise<Measurements> {
  return getJson(`${job(jobId)}/measurements?revision=${encodeURIComponent(revisionId)}&frame=${frame}`, signal);
}

export type ExportFile = 'mask.nii.gz' | 'mask.nrrd' | 'surface.stl' | 'measurements.csv' | 'measurements.json' | 'case.zip';

/** Address of a file made of a revision. */
export function exportUrl(jobId: string, file: ExportFile, query: Readonly<Record<string, string>>): string {
  return `${job(jobId)}/export/${file}?${new URLSearchParams(query).toString()}`;
}

/** Address of a job's small picture; `version` changes when the picture may. */
export function thumbnailUrl(jobId: string, version: string): string {
  return `${job(jobId)}/thumbnail.png?v=${encodeURIComponent(version)}`;
}
