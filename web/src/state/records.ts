// What stands in a job's record besides its mask: objects, opinions, review. Kept in step with what others do.
import * as api from '../api/client';
import { ApiError } from '../api/http';
import { labelsAtRest } from './labels';
import { getState, patchJob } from './store';

const REFRESH_MS = 150;

let pending: ReturnType<typeof setTimeout> | null = null;

/** Reads a job's record anew; objects that are being changed here stay as they are. */
export async function refreshRecords(jobId: string): Promise<void> {
  const wereAtRest = labelsAtRest();
  const { opinions, review, labels } = await api.getJob(jobId);
  if (getState().open?.job.job_id !== jobId) return;
  patchJob(wereAtRest && labelsAtRest() ? { opinions, review, labels } : { opinions, review });
}

/** Reads the record once a burst of changes is over. */
export function followRecords(jobId: string): void {
  if (pending !== null) clearTimeout(pending);
  pending = setTimeout(() => {
    pending = null;
    refreshRecords(jobId).catch((cause: unknown) => {
      // The stream tells of the next change; a server that is away is told by the banner.
      if (!(cause instanceof ApiError)) throw cause;
    });
  }, REFRESH_MS);
}
