// What the page of requests shows.
import type { ApiError } from '../api/http';
import type { ProgramStatus, Request, RequestSummary } from '../api/types';

export interface Desk {
  /** Newest first; null until loaded. */
  readonly requests: readonly RequestSummary[] | null;
  /** Programs that agents offer or requests wait for; null until loaded. */
  readonly programs: readonly ProgramStatus[] | null;
  readonly error: ApiError | null;
  /** Whether older requests than the last of the list may be there. */
  readonly hasOlder: boolean;
  /** The requests that are unfolded, whole; null while one is loading. */
  readonly unfolded: Readonly<Record<string, Request | null>>;
}

export const FIRST_DESK: Desk = { requests: null, programs: null, error: null, hasOlder: false, unfolded: {} };
