// The mask follows the prompts: after each change the engine runs on the slice, and the newest wish wins.
import i18next from 'i18next';
import * as api from '../api/client';
import type { SlicePrompt } from '../api/types';
import { labelsOnSlice } from '../core/edit/census';
import { canSegment, promptAt, type PromptKey } from '../core/prompts';
import { refuseReadOnly } from './accepted';
import { attempt } from './notices';
import { editsSaved } from './saving';
import { getState, patchOpen, useStore, type OpenJob } from './store';

/** A number that is being typed changes with every digit; the engine waits for its end. */
export const TYPING_MS = 400;

/** Slices to segment, oldest wish first; a newer wish for a slice takes the place of an older one. */
const wishes = new Map<string, PromptKey>();
const typing = new Map<string, { readonly key: PromptKey; readonly timer: ReturnType<typeof setTimeout> }>();
let isSending = false;
/** The newest task that was asked for here, until it ends. */
let awaited: string | null = null;
/** Tasks that ended before the server's answer named them. */
let endedEarly = new Set<string>();

function nameOf({ axis, sliceIndex, label }: PromptKey): string {
  return `${axis}/${sliceIndex}/${label}`;
}

function settle(): void {
  if (wishes.size > 0 || isSending || awaited !== null) return;
  endedEarly = new Set();
  if (getState().open?.thinking === true) patchOpen({ thinking: false });
}

/** What the engine is asked: the mask joins as a prompt only where the slice has one. */
function askedOf(open: OpenJob, prompt: SlicePrompt, key: PromptKey): SlicePrompt {
  const hasMask = open.mask !== null && labelsOnSlice(open.mask, key.axis, key.sliceIndex).has(key.label);
  const { mask, ...rest } = prompt;
  return mask === true && hasMask ? { ...rest, mask } : rest;
}

async function sendOne(key: PromptKey): Promise<void> {
  const open = getState().open;
  const prompt = open === null ? null : promptAt(open.job.prompts, key);
  if (open === null || prompt === null || !canSegment(prompt) || open.job.task?.kind === 'propagate') return;
  const jobId = open.job.job_id;
  patchOpen({ failure: null });
  await attempt(async () => {
    await editsSaved();
    // A newer wish for this slice came while its prompt was being saved.
    if (wishes.has(nameOf(key)) || getState().open?.job.job_id !== jobId) return;
    const { task_id: taskId } = await api.segmentSlice(jobId, askedOf(open, prompt, key), open.engine, open.frame);
    awaited = endedEarly.has(taskId) ? null : taskId;
  }, i18next.t('error.action'));
}

async function send(): Promise<void> {
  if (isSending) return;
  isSending = true;
  for (let next = wishes.entries().next(); next.done !== true; next = wishes.entries().next()) {
    const [name, key] = next.value;
    wishes.delete(name);
    await sendOne(key);
  }
  isSending = false;
  settle();
}

function stopTyping(name: string): void {
  clearTimeout(typing.get(name)?.timer);
  typing.delete(name);
}

/** Runs the engine on a slice now. */
export function segmentNow(key: PromptKey): void {
  const open = getState().open;
  if (open === null || open.asking || refuseReadOnly() || !canSegment(promptAt(open.job.prompts, key)) || open.job.task?.kind === 'propagate') return;
  stopTyping(nameOf(key));
  wishes.delete(nameOf(key));
  wishes.set(nameOf(key), key);
  patchOpen({ thinking: true });
  void send();
}

/** Lets the mask follow a changed prompt, if that is wished for; `delayMs` later where the change may go on. */
export function follow(key: PromptKey, delayMs = 0): void {
  if (!getState().settings.autoSegment) return;
  if (delayMs === 0) {
    segmentNow(key);
    return;
  }
  const name = nameOf(key);
  stopTyping(name);
  const timer = setTimeout(() => {
    typing.delete(name);
    segmentNow(key);
  }, delayMs);
  typing.set(name, { key, timer });
}

/** Waits no longer for numbers that are being typed. */
export function followAtOnce(): void {
  for (const { key } of [...typing.values()]) segmentNow(key);
}

/** Takes note that a task has ended. */
export function segmentationEnded(taskId: string): void {
  if (awaited === taskId) awaited = null;
  else endedEarly.add(taskId);
  settle();
}

/** Takes note that the server has nothing to do for the open job: the stream may have missed the end. */
export function nothingRuns(): void {
  if (!isSending) awaited = null;
  settle();
}

/** Forgets what was wished for the job that is closed. */
export function stopFollowing(): void {
  for (const name of [...typing.keys()]) stopTyping(name);
  wishes.clear();
  awaited = null;
}

function isQuiet(open: OpenJob): boolean {
  return !open.thinking && (open.job.task ?? null) === null;
}

/** Resolves once no slice is being segmented; false where the job was closed or the engine failed meanwhile. */
export function whenQuiet(): Promise<boolean> {
  const jobId = getState().open?.job.job_id;
  const verdict = (open: OpenJob | null): boolean | null => {
    if (open === null || open.job.job_id !== jobId || open.failure !== null) return false;
    return isQuiet(open) ? true : null;
  };
  return new Promise((resolve) => {
    const now = verdict(getState().open);
    if (now !== null) {
      resolve(now);
      return;
    }
    const stop = useStore.subscribe(({ open }) => {
      const later = verdict(open);
      if (later === null) return;
      stop();
      resolve(later);
    });
  });
}
