// Undo, redo, and jumps to any step of the history: the server moves the head, the page fetches what differs.
import i18next from 'i18next';
import * as api from '../api/client';
import { ApiError } from '../api/http';
import type { Revision } from '../api/types';
import { redoTarget, undoTarget } from '../core/edit/undo';
import { catchUp, reach } from './mask_work';
import { refuseReadOnly } from './accepted';
import { attempt, notifyPlain } from './notices';
import { undoUnanswered } from './prompts';
import { editsSaved } from './saving';
import { getState, patchOpen, type OpenJob } from './store';
import { inTurn } from './turns';
import { isWaiting, workOf, type MaskWork } from './works';

export function canUndo({ job, thinking }: OpenJob): boolean {
  return (job.head ?? null) !== null || thinking;
}

export function canRedo({ job }: OpenJob): boolean {
  return (job.redo ?? null) !== null;
}

async function move(work: MaskWork, head: string | null, expected: string | null): Promise<void> {
  const job = await api.putHead(work.jobId, { head, expected });
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
  if (getState().open?.job.task?.kind === 'propagate') {
    notifyPlain(i18next.t('edit.busy'));
    return;
  }
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
        await move(work, head, work.head);
      } catch (cause) {
        if (!(cause instanceof ApiError) || cause.code !== 'not_head') throw cause;
        await catchUp(work);
        notifyPlain(i18next.t('history.moved'));
      }
    }),
  i18next.t('history.failed'));
}

/** Takes the last step back: one that the engine has not answered yet is stopped. */
export function undo(): void {
  if (refuseReadOnly() || undoUnanswered()) return;
  void moveTo(({ job, revisions }) => {
    const { head = null, head_revision: headRevision = null } = job;
    if (head === null) return undefined;
    const isListed = headRevision === null || revisions.some((it) => it.revision_id === headRevision.revision_id);
    return undoTarget(isListed ? revisions : [headRevision, ...revisions], head);
  });
}

/** Does the step again that was taken back last. */
export function redo(): void {
  void moveTo(({ job, revisions }) => ((job.redo ?? null) === null ? undefined : redoTarget(revisions, job.redo ?? '')));
}

/** To any step; null is the image without a mask. */
export function jumpTo(head: string | null): void {
  if (refuseReadOnly()) return;
  while (undoUnanswered());
  void moveTo(() => head);
}

/** Puts an engine's answer aside that came after it was taken back: it stays in the history, the mask is as before. */
export function putAside(work: MaskWork, revision: Revision): Promise<void> {
  return inTurn(async () => {
    patchOpen(({ revisions }) => ({ revisions: [revision, ...revisions.filter((it) => it.revision_id !== revision.revision_id)] }));
    try {
      await move(work, revision.parent ?? null, revision.revision_id);
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.code !== 'not_head') throw cause;
      await catchUp(work);
    }
  });
}
