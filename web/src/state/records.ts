// What stands in a job's record besides its mask: objects, prompts, opinions, review. Kept in step with what others do.
import * as api from '../api/client';
import { ApiError } from '../api/http';
import { labelsAtRest } from './labels';
import { isMarking } from './prompts';
import { getState, patchJob } from './store';

const REFRESH_MS = 150;

/** While something is being changed here, what others changed waits. */
const AGAIN_MS = 1000;

let pending: ReturnType<typeof setTimeout> | null = null;

/** Reads a job's record anew; objects and prompts that are being changed here stay as they are. */
export async function refreshRecords(jobId: string): Promise<void> {
  const wereAtRest = labelsAtRest();
  const [editsBefore, wasMarking] = [getState().open?.edits, isMarking()];
  const { opinions, review, labels, prompts, image } = await api.getJob(jobId);
  const open = getState().open;
  if (open?.job.job_id !== jobId) return;
  patchJob({ opinions, review });
  if (image.modality !== open.job.image.modality) patchJob({ image });
  if (wereAtRest && labelsAtRest()) patchJob({ labels });
  if (!wasMarking && !isMarking() && open.edits === editsBefore) patchJob({ prompts });
  else followRecords(jobId, AGAIN_MS);
}

/** Reads the record once a burst of changes is over. */
export function followRecords(jobId: string, delayMs = REFRESH_MS): void {
  if (pending !== null) clearTimeout(pending);
  pending = setTimeout(() => {
    pending = null;
    refreshRecords(jobId).catch((cause: unknown) => {
      // The stream tells of the next change; a server that is away is told by the banner.
      if (!(cause instanceof ApiError)) throw cause;
    });
  }, delayMs);
}
