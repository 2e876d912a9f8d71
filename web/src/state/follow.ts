// The mask follows the prompts: after each change the engine runs on the slice, and the newest wish wins.
import i18next from 'i18next';
import * as api from '../api/client';
import { ApiError } from '../api/http';
import type { SlicePrompt, Task } from '../api/types';
import { labelsOnSlice } from '../core/edit/census';
import { canSegment, promptAt, type PromptKey } from '../core/prompts';
import { refuseReadOnly } from './accepted';
import { markedAt } from './dragged';
import { attempt } from './notices';
import { editsSaved, promptsSaved } from './saving';
import { getState, patchOpen, useStore, type OpenJob } from './store';

/** A number that is being typed changes with every digit; the engine waits for its end. */
export const TYPING_MS = 400;

/** What a slice was marked with before changes that no engine has answered yet. */
interface Step {
  readonly key: PromptKey;
  readonly prompt: SlicePrompt | null;
}

/** Slices to segment, oldest wish first; a newer wish for a slice takes the place of an older one. */
const wishes = new Map<string, PromptKey>();
const typing = new Map<string, { readonly key: PromptKey; readonly timer: ReturnType<typeof setTimeout> }>();
/** The wish that is on its way to the server, until it has its task. */
let sending: { readonly name: string; isTakenBack: boolean; readonly sent: Promise<void> } | null = null;
/** The newest task of each slice that was asked for here, until it ends. */
const running = new Map<string, string>();
/** Tasks that ended before the server's answer named them. */
let endedEarly = new Set<string>();
/** Slices whose changes no engine has answered, the one that was changed last at the end. */
const steps = new Map<string, Step>();
/** Tasks that a person took back: what they still bring is not wanted. */
const withdrawn = new Set<string>();

function nameOf({ axis, sliceIndex, label }: PromptKey): string {
  return `${axis}/${sliceIndex}/${label}`;
}

const REMEMBERED = 'voxloop.asked';

/** What a load of the page remembers for the next one: what was asked for, and what an undo of it brings back. */
interface Asked {
  readonly jobId: string;
  /** Null until the server has answered. */
  readonly taskId: string | null;
  readonly step: Step;
}

/** Remembers, as long as this tab is there, what no engine has answered. */
function remember(): void {
  const jobId = getState().open?.job.job_id;
  if (jobId === undefined) return;
  const asked = [...steps].map(([name, step]): Asked => ({ jobId, taskId: running.get(name) ?? null, step }));
  try {
    sessionStorage.setItem(REMEMBERED, JSON.stringify(asked));
  } catch {
    // A browser that keeps nothing: after a reload the task is nobody's.
  }
}

function remembered(): readonly Asked[] {
  try {
    return JSON.parse(sessionStorage.getItem(REMEMBERED) ?? '[]') as readonly Asked[];
  } catch {
    return [];
  }
}

/** Whether a task is for what was asked; the page may have gone before it heard the task's name. */
function isFor({ job_id: jobId, task_id: id, kind, label, slice }: Task, asked: Asked): boolean {
  if (asked.jobId !== jobId || kind !== 'segment_slice') return false;
  const { key } = asked.step;
  const isPlace = slice?.axis === key.axis && slice.slice_index === key.sliceIndex && label === key.label;
  return asked.taskId === null ? isPlace : asked.taskId === id;
}

/** Knows a task again that was asked for before the page was loaded anew: an undo takes it back. */
export function knowAgain(task: Task): void {
  const asked = remembered().find((it) => isFor(task, it));
  if (asked === undefined) return;
  const name = nameOf(asked.step.key);
  running.set(name, task.task_id);
  steps.set(name, asked.step);
  patchOpen({ thinking: true });
}

function settle(): void {
  remember();
  if (wishes.size > 0 || sending !== null || running.size > 0) return;
  endedEarly = new Set();
  if (typing.size === 0) steps.clear();
  if (getState().open?.thinking === true) patchOpen({ thinking: false });
}

/** Keeps what a slice was marked with before the first of several changes. */
function keepStep(step: Step): void {
  const name = nameOf(step.key);
  const first = steps.get(name) ?? step;
  steps.delete(name);
  steps.set(name, first);
}

/** What the engine is asked: the mask joins as a prompt only where the slice has one. */
function askedOf(open: OpenJob, prompt: SlicePrompt, key: PromptKey): SlicePrompt {
  const hasMask = open.mask !== null && labelsOnSlice(open.mask, key.axis, key.sliceIndex).has(key.label);
  const { mask, ...rest } = prompt;
  return mask === true && hasMask ? { ...rest, mask } : rest;
}

function canSend(open: OpenJob | null, key: PromptKey): open is OpenJob {
  return open !== null && canSegment(promptAt(open.job.prompts, key)) && open.job.task?.kind !== 'propagate';
}

async function sendOne(key: PromptKey, turn: { readonly isTakenBack: boolean }): Promise<void> {
  const open = getState().open;
  const prompt = open === null ? null : promptAt(open.job.prompts, key);
  if (prompt === null || !canSend(open, key)) return;
  const jobId = open.job.job_id;
  const name = nameOf(key);
  const isTakenBack = (): boolean => turn.isTakenBack;
  patchOpen({ failure: null });
  await attempt(async () => {
    // What is marked meanwhile is saved first: the call says all marks of the slice.
    do await editsSaved();
    while (!promptsSaved());
    // A newer wish for this slice came while its prompt was being saved, or it was taken back.
    const now = getState().open;
    if (wishes.has(name) || isTakenBack() || now?.job.job_id !== jobId) return;
    remember();
    // What others marked on the slice meanwhile has joined the prompt; a drag that has begun since has its own turn at its end.
    const { task_id: taskId } = await api.segmentSlice(jobId, askedOf(now, markedAt(now, key) ?? prompt, key), now.engine, now.frame);
    if (isTakenBack()) await withdraw(taskId);
    else if (getState().open?.job.job_id !== jobId) return;
    else if (!endedEarly.has(taskId)) {
      running.set(name, taskId);
      remember();
    } else if (!wishes.has(name)) steps.delete(name);
  }, i18next.t('error.action'));
}

async function send(): Promise<void> {
  if (sending !== null) return;
  for (let next = wishes.entries().next(); next.done !== true; next = wishes.entries().next()) {
    const [name, key] = next.value;
    wishes.delete(name);
    const turn = { isTakenBack: false };
    const sent = sendOne(key, turn);
    sending = Object.assign(turn, { name, sent });
    await sent;
  }
  sending = null;
  settle();
}

function stopTyping(name: string): void {
  clearTimeout(typing.get(name)?.timer);
  typing.delete(name);
}

/** Runs the engine on a slice now. */
export function segmentNow(key: PromptKey): void {
  const open = getState().open;
  if (!canSend(open, key) || open.asking || refuseReadOnly()) return;
  stopTyping(nameOf(key));
  keepStep({ key, prompt: promptAt(open.job.prompts, key) });
  wishes.delete(nameOf(key));
  wishes.set(nameOf(key), key);
  patchOpen({ thinking: true });
  void send();
}

/**
 * Lets the mask follow a changed prompt, if that is wished for; `delayMs` later where the change may go on. `before` is
 * what the slice was marked with until then: an undo brings it back while the engine has not answered.
 */
export function follow(key: PromptKey, before: SlicePrompt | null, delayMs = 0): void {
  if (!getState().settings.autoSegment || !canSend(getState().open, key)) return;
  keepStep({ key, prompt: before });
  if (delayMs === 0) {
    segmentNow(key);
    return;
  }
  const name = nameOf(key);
  stopTyping(name);
  const timer = setTimeout(() => {
    typing.delete(name);
    segmentNow(key);
    settle();
  }, delayMs);
  typing.set(name, { key, timer });
}

/** Waits no longer for numbers that are being typed. */
export function followAtOnce(): void {
  for (const { key } of [...typing.values()]) segmentNow(key);
}

async function withdraw(taskId: string): Promise<void> {
  withdrawn.add(taskId);
  try {
    await api.cancelTask(taskId);
  } catch (cause) {
    // It has ended meanwhile: what it brought is taken back when it comes.
    if (!(cause instanceof ApiError) || cause.status !== 409) throw cause;
  }
}

/** Whether a person took a task back before its answer came. */
export function isWithdrawn(taskId: string): boolean {
  return withdrawn.has(taskId);
}

export interface TakenBack extends Step {
  /** Resolves when the server has heard of it. */
  readonly told: Promise<unknown>;
}

/** Takes the last change back that no engine has answered: its task is cancelled. Null where all were answered. */
export function takeBack(): TakenBack | null {
  const last = [...steps].at(-1);
  if (last === undefined) return null;
  const [name, step] = last;
  steps.delete(name);
  stopTyping(name);
  wishes.delete(name);
  const waits: Promise<unknown>[] = [];
  if (sending?.name === name) {
    sending.isTakenBack = true;
    waits.push(sending.sent);
  }
  const taskId = running.get(name);
  running.delete(name);
  if (taskId !== undefined) waits.push(attempt(() => withdraw(taskId), i18next.t('error.action')));
  settle();
  return { ...step, told: Promise.all(waits) };
}

/** Takes note that a task has ended. */
export function segmentationEnded(taskId: string): void {
  const name = [...running].find(([, id]) => id === taskId)?.[0];
  if (name === undefined) endedEarly.add(taskId);
  else {
    running.delete(name);
    const isChangedAgain = wishes.has(name) || typing.has(name) || sending?.name === name;
    if (!isChangedAgain) steps.delete(name);
  }
  settle();
}

/** Takes note that the server has nothing to do for the open job: the stream may have missed the end. */
export function nothingRuns(): void {
  if (sending === null) running.clear();
  settle();
}

/** Forgets what was wished for the job that is closed. */
export function stopFollowing(): void {
  for (const name of [...typing.keys()]) stopTyping(name);
  wishes.clear();
  running.clear();
  steps.clear();
  withdrawn.clear();
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
