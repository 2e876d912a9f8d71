// A person vouches for a slice: its mask holds, or the object is not there. The next propagation keeps both.
import i18next from 'i18next';
import type { SlicePrompt } from '../api/types';
import { emptyPrompt, isEmpty, promptAt, withPrompt, type PromptKey } from '../core/prompts';
import { whenQuiet } from './follow';
import { vouchSlice, vouchSlices } from './editing';
import { addPrompt, catchUp } from './mask_work';
import { attempt, notifyPlain } from './notices';
import { activeKey, removePrompt } from './prompts';
import { getState, patchOpen, type OpenJob } from './store';
import { inTurn } from './turns';
import { workOf } from './works';

/** What the page shows at once of a prompt that the server stores with a revision. */
function showPrompt(key: PromptKey, prompt: SlicePrompt): void {
  patchOpen(({ job, edits }) => ({ job: { ...job, prompts: withPrompt(job.prompts, key, prompt) }, edits: edits + 1 }));
}

/** What is vouched for must be what is seen: waits for the slice that is being segmented. False where that failed. */
async function settled(): Promise<boolean> {
  const before = getState().open;
  if (before === null) return false;
  if (!before.thinking) return true;
  if (!(await whenQuiet())) return false;
  // The engine's answer may still be on its way here.
  const work = workOf(before.job.job_id, before.grid.shape);
  const isHere = await attempt(() => inTurn(() => catchUp(work)), i18next.t('error.mask'));
  return isHere && getState().open?.job.job_id === before.job.job_id;
}

/** Sends what became of a slice's prompt, after what was painted before. */
function sendPrompt({ job, grid }: OpenJob, before: SlicePrompt, prompt: SlicePrompt): void {
  addPrompt(workOf(job.job_id, grid.shape), before, prompt);
}

/** The revision stores the slice's prompt without its marks: they follow it. */
function sendMarks(open: OpenJob, key: PromptKey, prompt: SlicePrompt): void {
  sendPrompt(open, { ...emptyPrompt(key), mask: true }, prompt);
}

async function vouchFor(key: PromptKey, prompt: SlicePrompt): Promise<void> {
  if (getState().open?.job.task?.kind === 'propagate' || !(await settled())) return;
  const open = getState().open;
  if (open === null) return;
  const absent = prompt.absent === true;
  const isSent = vouchSlice(key, absent);
  if (!isSent && !absent) {
    notifyPlain(i18next.t('confirm.empty'));
    return;
  }
  showPrompt(key, prompt);
  const { mask: _mask, ...marks } = prompt;
  if (!isSent) sendPrompt(open, promptAt(open.job.prompts, key) ?? emptyPrompt(key), prompt);
  else if (!absent && !isEmpty(marks)) sendMarks(open, key, prompt);
}

/** Confirms the active object on the shown slice as it is, or takes that back; its marks stay. */
export function toggleConfirmed(): void {
  const open = getState().open;
  if (open === null) return;
  const key = activeKey(open);
  const { absent: _absent, mask, ...marks } = promptAt(open.job.prompts, key) ?? emptyPrompt(key);
  if (mask === true) unconfirm(key);
  else void vouchFor(key, { ...marks, mask: true });
}

/** Confirms slices as they are, in one step; false where that is not possible now. Their marks stay. */
export async function confirmSlices(keys: readonly PromptKey[]): Promise<boolean> {
  if (!(await settled())) return false;
  const open = getState().open;
  if (open === null || !vouchSlices(keys)) return false;
  for (const key of keys) {
    const { absent: _absent, mask: _mask, ...marks } = promptAt(open.job.prompts, key) ?? emptyPrompt(key);
    const prompt = { ...marks, mask: true };
    showPrompt(key, prompt);
    if (!isEmpty(marks)) sendMarks(open, key, prompt);
  }
  return true;
}

/** The slice's mask holds no longer; its marks stay. */
export function unconfirm(key: PromptKey): void {
  const open = getState().open;
  if (open === null) return;
  const before = promptAt(open.job.prompts, key) ?? emptyPrompt(key);
  const { mask: _mask, ...marks } = before;
  showPrompt(key, marks);
  sendPrompt(open, before, marks);
}

/** Says that the active object does not reach the shown slice and empties it there, or takes that back. */
export function toggleAbsent(): void {
  const open = getState().open;
  if (open === null) return;
  const key = activeKey(open);
  if (promptAt(open.job.prompts, key)?.absent === true) removePrompt(key);
  else void vouchFor(key, { ...emptyPrompt(key), absent: true });
}
