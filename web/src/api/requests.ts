// Calls about requests for a laboratory's own programs: list, ask, look, take files away, delete.
import { getJson, sendBytes, sendJson } from './http';
import type { NewRequest, ProgramStatus, Request, RequestSummary, UploadedFile } from './types';

const request = (requestId: string): string => `/api/v1/requests/${encodeURIComponent(requestId)}`;

/** The newest requests before `before`, newest first. */
export async function listRequests(before: string | null, limit: number): Promise<RequestSummary[]> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (before !== null) query.set('before', before);
  return (await getJson<{ requests: RequestSummary[] }>(`/api/v1/requests?${query.toString()}`)).requests;
}

export function getRequest(requestId: string): Promise<Request> {
  return getJson(request(requestId));
}

export function postRequest(wish: NewRequest): Promise<Request> {
  return sendJson('POST', '/api/v1/requests', wish);
}

export function deleteRequest(requestId: string): Promise<void> {
  return sendJson('DELETE', request(requestId));
}

/** Sends a file that a request may name. */
export function uploadInput(file: File): Promise<UploadedFile> {
  return sendBytes('POST', '/api/v1/requests/inputs', file);
}

/** Programs that living agents offer or requests wait for. */
export async function listPrograms(): Promise<ProgramStatus[]> {
  return (await getJson<{ programs: ProgramStatus[] }>('/api/v1/programs')).programs;
}

/** Address of a file that a request's program wrote. */
export function fileUrl(requestId: string, name: string): string {
  return `${request(requestId)}/files/${encodeURIComponent(name)}`;
}
