// One way to call the server: JSON in, JSON or bytes out, every failure an ApiError with the server's words.
import type { ErrorDetail, Reason } from './types';

/** A call failed. `status` 0: the server was not reached. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
  /** What is wrong, for words of the page's own; null where only the sentence says it. */
  readonly reason: Reason | null;
  readonly parameters: Readonly<Partial<Record<string, string>>>;

  constructor(status: number, detail: ErrorDetail) {
    super(detail.message);
    this.status = status;
    this.code = detail.code;
    this.field = detail.field ?? null;
    this.reason = detail.reason ?? null;
    this.parameters = detail.parameters ?? {};
  }
}

function isErrorDetail(value: unknown): value is ErrorDetail {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** The error in an answer's body, or one made of its status where the body holds none. */
export function errorFrom(status: number, body: string): ApiError {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'error' in parsed && isErrorDetail(parsed.error)) {
      return new ApiError(status, parsed.error);
    }
  } catch {
    // Not JSON: a proxy's page, or nothing. The status is all there is to say.
  }
  return new ApiError(status, { code: `http_${status}`, message: body.slice(0, 200), field: null });
}

export function unreachable(): ApiError {
  return new ApiError(0, { code: 'unreachable', message: '', field: null });
}

let onUnauthenticated = (): void => undefined;

/** Names who hears that the server asks for its token. */
export function whenUnauthenticated(handler: () => void): void {
  onUnauthenticated = handler;
}

/** The error of an answer; whoever listens hears when the token is missing. */
export function refusedWith(status: number, body: string): ApiError {
  const error = errorFrom(status, body);
  if (error.code === 'unauthenticated') onUnauthenticated();
  return error;
}

let person = '';

/** Names who acts: every call that writes carries it. */
export function signWith(name: string): void {
  person = name;
}

/** Who acts now. */
export function signer(): string {
  return person;
}

/** The header that says who acts; none where nobody said. */
export function signature(by = person): Readonly<Record<string, string>> {
  return by === '' ? {} : { 'voxloop-person': encodeURIComponent(by) };
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw unreachable();
  }
  if (!response.ok) throw refusedWith(response.status, await response.text());
  return response;
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

/** The body's bytes; null where the server has none (204). */
export async function getBytes(path: string, signal?: AbortSignal): Promise<Uint8Array | null> {
  const response = await send(path, signal === undefined ? {} : { signal });
  return response.status === 204 ? null : new Uint8Array(await response.arrayBuffer());
}

/** Sends a file as it is, and reads the JSON answer. */
export async function sendBytes<T>(method: 'POST' | 'PUT', path: string, body: Blob): Promise<T> {
  const headers = { ...signature(), 'content-type': 'application/octet-stream' };
  const response = await send(path, { method, headers, body });
  return (await response.json()) as T;
}

/** Sends a body, or none, and reads the JSON answer, or none. */
export async function sendJson<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown, by = person): Promise<T> {
  const init: RequestInit = { method, headers: signature(by) };
  if (body !== undefined) {
    init.headers = { ...signature(by), 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const response = await send(path, init);
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
