// Undo, redo, and jumps to any step of the history: the server moves the head, the page fetches what differs.
import i18next from 'i18next';
import * as api from '../api/client';
import { ApiError } from '../api/http';
import { catchUp, inTurn, isWaiting, reach, workOf, type MaskWork } from './mask_work';
import { refuseReadOnly } from './accepted';
import { attempt, notifyPlain } from './notices';
import { editsSaved } from './saving';
import { getState, patchOpen, type OpenJob } from './store';

export function canUndo({ job }: OpenJob): boolean {
  return (job.head ?? null) !== null;
}

export function canRedo({ job }: OpenJob): boolean {
  return (job.redo ?? null) !== null;
}

async function move(work: MaskWork, head: string | null): Promise<void> {
  const job = await api.putHead(work.jobId, { head, expected: work.head });
  // The list lacks nothing: the head can only go to a revision that the page has seen.
  await reach(work, head, getState().open?.revisions ?? [], 'mine');
  patchOpen((open) =>
    open.job.job_id === work.jobId
      ? { job: { ...open.job, head: job.head ?? null, head_revision: job.head_revision ?? null, redo: job.redo ?? null, status: job.status, prompts: job.prompts }, edits: open.edits + 1 }
      : {},
  );
}

/** Moves the head once all that was done before is saved; `target` says where to from what is there then. */
async function moveTo(target: (open: OpenJob) => string | null | undefined): Promise<void> {
  if (refuseReadOnly()) return;
  await editsSaved();
  await attempt(() =>
    inTurn(async () => {
      const open = getState().open;
      if (open === null) return;
      const work = workOf(open.job.job_id, open.grid.shape);
      const head = target(open);
      if (head === undefined || head === work.head) return;
      if (isWaiting(work)) {
        notifyPlain(i18next.t('history.unsaved'));
        return;
      }
      try {
        await move(work, head);
      } catch (cause) {
        if (!(cause instanceof ApiError) || cause.code !== 'not_head') throw cause;
        await catchUp(work);
        notifyPlain(i18next.t('history.moved'));
      }
    }),
  i18next.t('history.failed'));
}

/** Takes the last step back. */
export function undo(): void {
  void moveTo((open) => {
    if (!canUndo(open)) return undefined;
    const { job, revisions } = open;
    return (revisions.find((it) => it.revision_id === job.head) ?? job.head_revision)?.parent ?? null;
  });
}

/** Does the step again that was taken back last. */
export function redo(): void {
  void moveTo(({ job }) => job.redo ?? undefined);
}

/** To any step; null is the image without a mask. */
export function jumpTo(head: string | null): void {
  void moveTo(() => head);
}
