// The objects of the open job: named, coloured, shown, locked; every change is made on top of what others changed meanwhile.
import i18next from 'i18next';
import * as api from '../api/client';
import { ApiError } from '../api/http';
import * as records from '../api/records';
import type { Anatomy, Label } from '../api/types';
import { freeColor, freeValue, normalLabel, withLabelSet } from '../core/label_file';
import { labelCounts } from '../core/edit/census';
import { isReadOnly, refuseReadOnly } from './accepted';
import { notifyError, notifyPlain } from './notices';
import { saveInTurn } from './saving';
import { getState, patchJob, patchOpen } from './store';

type Change = (labels: readonly Label[]) => Label[];

/** Changes that the server does not have yet, oldest first. */
let waiting: Change[] = [];
/** What the server has, as far as known, while changes wait. */
let known: Label[] = [];

/** Whether the server has every change that was made here. */
export function labelsAtRest(): boolean {
  return waiting.length === 0;
}

const MAX_TRIES = 5;

/** Makes a change to what the server has; where others were faster, to what they left. */
async function send(jobId: string, change: Change): Promise<void> {
  for (let tries = 1; ; tries++) {
    const next = change(known);
    try {
      await records.replaceLabels(jobId, next, known);
      known = next;
      return;
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.code !== 'labels_changed' || tries === MAX_TRIES) throw cause;
      known = (await api.getJob(jobId)).labels;
      notifyPlain(i18next.t('labels.merged'));
    }
  }
}

/** Shows what the server has with the changes that wait. */
function showKnown(jobId: string): void {
  if (getState().open?.job.job_id !== jobId) return;
  patchJob({ labels: waiting.reduce<Label[]>((labels, change) => change(labels), known) });
}

/** Changes the objects on the page at once, and on the server. */
export function changeLabels(change: Change): void {
  const open = getState().open;
  if (open === null || refuseReadOnly()) return;
  const { job_id: jobId, labels } = open.job;
  if (labelsAtRest()) known = labels;
  waiting = [...waiting, change];
  patchJob({ labels: change(labels) });
  patchOpen({ edits: open.edits + 1 });
  saveInTurn(async () => {
    try {
      await send(jobId, change);
    } catch (cause) {
      notifyError(cause);
    } finally {
      waiting = waiting.filter((it) => it !== change);
    }
    showKnown(jobId);
  });
}

function changed(value: number, change: (label: Label) => Label): Change {
  return (labels) => labels.map((label) => (label.value === value ? normalLabel(change(label)) : label));
}

export function changeLabel(value: number, change: Partial<Omit<Label, 'value'>>): void {
  changeLabels(changed(value, (label) => ({ ...label, ...change })));
}

/** Shows or hides an object. Also where the review is closed: then only here, for looking. */
export function toggleLabel(value: number): void {
  const open = getState().open;
  if (open === null) return;
  const change = changed(value, (label) => ({ ...label, visible: label.visible === false }));
  if (isReadOnly(open)) patchJob({ labels: change(open.job.labels) });
  else changeLabels(change);
}

export function chooseLabel(label: number): void {
  patchOpen({ label });
}

export interface NewLabel {
  readonly name: string;
  readonly color: string | null;
  readonly anatomy: Anatomy | null;
}

/** Adds an object and makes it the active one; a plain one where nothing is said of it. */
export function addLabel(wanted: NewLabel | null = null): void {
  const open = getState().open;
  const value = open === null ? null : freeValue(open.job.labels);
  if (open === null || refuseReadOnly()) return;
  if (value === null) {
    notifyPlain(i18next.t('objects.full'));
    return;
  }
  const color = freeColor(open.job.labels, wanted?.color ?? null);
  const name = wanted?.name ?? `Object ${value}`;
  const label = normalLabel({ value, name, color, ...(wanted?.anatomy ? { anatomy: wanted.anatomy } : {}) });
  changeLabels((labels) => [...labels, ...(labels.some((it) => it.value === value) ? [{ ...label, value: freeValue(labels) ?? value }] : [label])]);
  patchOpen({ label: value });
}

/** Makes an object of voxels that are in the mask but in no list: their object was deleted, and an undo brought them back. */
export function adoptLabel(value: number): void {
  changeLabels((labels) =>
    labels.some((label) => label.value === value)
      ? [...labels]
      : [...labels, normalLabel({ value, name: `Object ${value}`, color: freeColor(labels, null) })],
  );
}

export function orderByValue(): void {
  changeLabels((labels) => labels.toSorted((a, b) => a.value - b.value));
}

/** Takes an object off the list. Its voxels must be gone before. */
export function removeLabel(value: number): void {
  changeLabels((labels) => labels.filter((label) => label.value !== value));
  patchOpen(({ label, job }) => (label === value ? { label: job.labels[0]?.value ?? 1 } : {}));
}

/** Objects that a label set may not take away: they have voxels or prompts. */
function labelsInUse(): ReadonlySet<number> {
  const open = getState().open;
  if (open === null) return new Set();
  const inMask = open.mask === null ? [] : [...labelCounts(open.mask).keys()];
  return new Set([...inMask, ...open.job.prompts.map((prompt) => prompt.label ?? 1)]);
}

/** Gives the job's objects the names, colours and codes of a set. */
export function applyLabels(set: readonly Label[]): void {
  const inUse = labelsInUse();
  changeLabels((labels) => withLabelSet(labels, set, inUse));
  patchOpen(({ label, job }) => (job.labels.some((it) => it.value === label) ? {} : { label: job.labels[0]?.value ?? 1 }));
}
