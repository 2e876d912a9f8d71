// The open job: load it, follow its events, keep its mask; everything comes back after a reload.
import i18next from 'i18next';
import * as api from '../api/client';
import { listen } from '../api/events';
import { ApiError } from '../api/http';
import type { Event, Job, Revision, Task, TaskFailure } from '../api/types';
import { planeOfStoredAxis, axisIndex, rasFromStored, storedFromRas, type Vec3 } from '../core/axes';
import { centreRas, clampRas, gridOf, type Grid } from '../core/grid';
import { labelsOnSlice } from '../core/edit/census';
import { withPartial } from '../core/labelmap';
import { decodeRle } from '../core/rle';
import { WHOLE_IMAGE } from '../core/tile';
import { paced } from '../core/time_left';
import { openingEngine, openingWindow } from '../core/defaults';
import { firstObject, rememberObject } from './active_object';
import { attempt, attemptUnasked, notifyDone, notifyError, notifyPlain, notifyUnasked, settled, toApiError } from './notices';
import { closeMask, followHead, followRevision, reach, sendAgain, showPrompts } from './mask_work';
import { prepareSlices } from './preparing';
import { endDrag } from './dragged';
import { isWithdrawn, knowAgain, nothingRuns, segmentationEnded, stopFollowing } from './follow';
import { putAside } from './history';
import { followRecords } from './records';
import { editsSaved } from './saving';
import { find, layFound } from './restoring';
import { refreshSession } from './session';
import { getState, hiddenLabels, NOTHING_WAITS, patchJob, patchOpen, setState, type OpenJob } from './store';
import { changeSettings, firstPlane } from './view';
import { endDrawing, inTurn } from './turns';
import { fetchVolume } from './volume';
import { forget, showWork, workOf, type MaskWork } from './works';

const POLL_MS = 3000;

function isFinal(task: Task): boolean {
  return task.state === 'succeeded' || task.state === 'failed' || task.state === 'cancelled';
}

/** Where a job opens: on its last prompt, else in the middle. */
function firstCursor(job: Job, grid: Grid): Vec3 {
  const last = job.head_revision?.prompts[0] ?? job.prompts[0];
  if (last === undefined) return centreRas(grid);
  const stored: [number, number, number] = [...storedFromRas(grid.axes, grid.shape, centreRas(grid))];
  const others = [0, 1, 2].filter((axis) => axis !== last.axis);
  const [x1, y1, x2, y2] = last.box ?? [];
  stored[axisIndex(last.axis)] = last.slice_index;
  const [xAxis = 0, yAxis = 1] = others;
  if (x1 !== undefined && x2 !== undefined) stored[xAxis] = Math.round((x1 + x2) / 2);
  if (y1 !== undefined && y2 !== undefined) stored[yAxis] = Math.round((y1 + y2) / 2);
  return clampRas(grid, rasFromStored(grid.axes, grid.shape, stored));
}

function opened(job: Job): OpenJob {
  const grid = gridOf(job.image);
  const { settings, engines } = getState();
  const { layout, large } = settings;
  const { preset, engine } = settings.defaults[job.image.modality];
  const prompted = job.prompts[0];
  const promptPlane = prompted === undefined ? 'axial' : planeOfStoredAxis(grid.axes, axisIndex(prompted.axis));
  return {
    job,
    grid,
    mask: null,
    shown: null,
    revisions: [],
    failure: null,
    volume: null,
    volumeFailed: false,
    frame: 0,
    file: null,
    cursor: firstCursor(job, grid),
    plane: firstPlane(layout, large) ?? promptPlane,
    window: openingWindow(job.image, preset),
    camera: WHOLE_IMAGE,
    tool: 'navigate',
    scribbleRadius: 1,
    label: firstObject(job),
    hidden: hiddenLabels(job.labels),
    measured: null,
    measureError: null,
    diameters: true,
    compared: null,
    masksHidden: false,
    engine: openingEngine(engines, engine),
    direction: 'both',
    combine: 'union',
    largest: false,
    ranges: {},
    seen: new Set(),
    edits: 0,
    asking: false,
    thinking: false,
    pace: null,
    dismissed: null,
  };
}

function isOpen(jobId: string): boolean {
  return getState().open?.job.job_id === jobId;
}

/** Lays edits that were found in this browser on the mask, and sends them. A question about them holds up nothing else. */
function layKept(work: MaskWork): void {
  void attemptUnasked(() => inTurn(() => layFound(work, getState().open?.revisions ?? [])), i18next.t('error.mask')).then(sendAgain);
}

/** Brings history and mask to what a job says: all of both where it is opened, else what others changed. */
async function followMask(job: Job, isFirst: boolean): Promise<void> {
  const { job_id: jobId, head = null } = job;
  const work = workOf(jobId, gridOf(job.image).shape);
  if (!isFirst) {
    await followHead(work, head);
    layKept(work);
    return;
  }
  await inTurn(async () => {
    const [revisions] = await Promise.all([api.listRevisions(jobId), work.head === null ? reach(work, head, [], 'ask') : undefined]);
    if (isOpen(jobId)) patchOpen({ revisions });
    await reach(work, head, revisions, 'ask');
    showPrompts(work);
    showWork(work);
  });
  layKept(work);
}

async function failureOf(jobId: string): Promise<TaskFailure | null> {
  return (await api.getStatus(jobId)).error ?? null;
}

/** Puts a job in the store, except for edits made since it was asked for; says whether it was opened by that. */
function takeOver(job: Job, editsBefore: number): boolean {
  const before = getState().open;
  const isFirst = before?.job.job_id !== job.job_id;
  if (isFirst) {
    setState({ open: opened(job), jobError: null });
    const { opacity } = getState().settings.defaults[job.image.modality];
    if (opacity !== null) changeSettings({ opacity });
  } else if (before.edits === editsBefore) {
    patchOpen({ job });
    showPrompts(workOf(job.job_id, before.grid.shape));
  } else patchOpen({ job: { ...job, prompts: before.job.prompts, labels: before.job.labels } });
  const task = job.task ?? null;
  if (task === null) nothingRuns();
  else if (isFirst) knowAgain(task);
  return isFirst;
}

/** Takes over what the server says now; the view stays as it is. */
async function refreshJob(jobId: string): Promise<void> {
  await editsSaved();
  const editsBefore = getState().open?.edits ?? 0;
  const finding = find(jobId);
  let job: Job;
  try {
    job = await api.getJob(jobId);
    await finding;
  } catch (cause) {
    const error = toApiError(cause);
    // The stream of a case that is not there is refused: that says nothing of the server.
    if (error.status === 404) setState({ open: null, connected: null, jobError: { kind: isOpen(jobId) ? 'removed' : 'missing' } });
    else if (!isOpen(jobId)) setState({ jobError: { kind: 'failed', error } });
    return;
  }
  const isFirst = takeOver(job, editsBefore);
  await attemptUnasked(() => followMask(job, isFirst), i18next.t('error.mask'));
  await attemptUnasked(async () => {
    if (job.status !== 'failed') return;
    const failure = await failureOf(jobId);
    if (isOpen(jobId)) patchOpen({ failure });
  });
  if (job.task?.kind === 'propagate') void showPartial(job.task);
}

let isFetchingPartial = false;

/** Shows how far a running propagation has come; one call at a time. */
async function showPartial(task: Task): Promise<void> {
  if (isFetchingPartial) return;
  isFetchingPartial = true;
  try {
    const bytes = await api.getPartial(task.task_id);
    if (bytes !== null) {
      const partial = decodeRle(bytes);
      patchOpen(({ job, mask }) =>
        job.task?.task_id === task.task_id ? { shown: withPartial(mask, partial, task.label) } : {},
      );
    }
  } catch (cause) {
    // The task ended in between: its mask comes as a revision.
    if (!(cause instanceof ApiError)) notifyError(cause, i18next.t('error.mask'));
  } finally {
    isFetchingPartial = false;
  }
}

function taskEnded(task: Task): void {
  const open = getState().open;
  if (open === null) return;
  const t = i18next.t.bind(i18next);
  if (open.job.task?.task_id === task.task_id) patchJob({ task: null });
  segmentationEnded(task.task_id);
  if (isWithdrawn(task.task_id)) return;
  if (task.state === 'failed') patchOpen({ failure: task.failure ?? null, shown: open.mask });
  else if (task.state === 'cancelled') {
    patchOpen({ shown: open.mask });
    // A slice's task that nobody stopped gave way to a newer one.
    if (task.kind === 'propagate' || task.cancel_requested) notifyPlain(t('task.cancelled'));
  } else {
    patchOpen({ failure: null });
    // A propagation's end is said on the slices, with what can be done next.
    if (task.kind === 'segment_slice' && !getState().settings.autoSegment) notifyDone(t('task.doneSlice'));
  }
}

function taskChanged(task: Task): void {
  if (isFinal(task)) {
    taskEnded(task);
    return;
  }
  patchJob({ task });
  const { done, total } = task.progress;
  patchOpen(({ pace }) => ({ failure: null, pace: paced(pace, `${task.task_id}/${task.attempt}`, done, total, Date.now()) }));
  if (task.kind === 'propagate' && task.state === 'leased') void showPartial(task);
}

/** Whether an engine segmented one slice and left it empty. */
function foundNothing({ author, extent, label }: Revision): boolean {
  const mask = getState().open?.mask ?? null;
  if (mask === null || author.by !== 'engine' || !extent || !label) return false;
  const isOneSlice = extent.first === extent.last;
  return isOneSlice && !labelsOnSlice(mask, axisIndex(extent.axis), extent.first).has(label);
}

function newRevision(jobId: string, revision: Revision): void {
  const open = getState().open;
  if (open === null) return;
  const work = workOf(jobId, open.grid.shape);
  if (revision.author.by === 'engine' && isWithdrawn(revision.author.task_id)) {
    void attempt(() => putAside(work, revision), i18next.t('error.mask'));
    return;
  }
  if (revision.author.by === 'engine') patchOpen({ seen: new Set() });
  void attemptUnasked(() => followRevision(work, revision), i18next.t('error.mask')).then(() => {
    if (foundNothing(revision)) notifyPlain(i18next.t('task.empty'));
  });
}

/** Those that may be about a job. */
type JobEvent = Exclude<Event, { readonly event: 'request_update' | 'request_removed' | 'device_update' | 'device_removed' }>;

function isAbout(jobId: string, event: Event): event is JobEvent {
  return 'job_id' in event.data && event.data.job_id === jobId;
}

function follow(jobId: string, event: Event): void {
  if (!isAbout(jobId, event) || !isOpen(jobId)) return;
  switch (event.event) {
    case 'job_update':
      patchJob({ status: event.data.status });
      followRecords(jobId);
      break;
    case 'job_removed':
      setState({ open: null, jobError: { kind: 'removed' } });
      forget(jobId);
      break;
    case 'queue_update':
      taskChanged(event.data);
      break;
    case 'revision_update':
      newRevision(jobId, event.data.revision);
      break;
    case 'review_update':
      patchJob({ review: event.data.review });
      if (event.data.review.state === 'accepted') patchOpen({ tool: 'navigate' });
      else {
        settled('reopened');
        sendAgain();
      }
      break;
    case 'log_update':
      break;
    case 'head_update': {
      const { head = null } = event.data;
      const shape = getState().open?.grid.shape;
      if (shape !== undefined) void attemptUnasked(() => followHead(workOf(jobId, shape), head), i18next.t('error.mask'));
      break;
    }
  }
}

async function loadVolume(jobId: string, signal: AbortSignal): Promise<void> {
  try {
    const file = await fetchVolume(jobId, signal);
    // The file of a single frame is let go once its voxels are read.
    if (isOpen(jobId)) patchOpen(({ frame }) => ({ volume: file.frame(frame), file: file.nFrames > 1 ? file : null }));
  } catch {
    // Shown on the page; slices keep coming from the server.
    if (!signal.aborted && isOpen(jobId)) patchOpen({ volumeFailed: true });
  }
}

async function loadEngines(): Promise<void> {
  try {
    const engines = await api.listEngines();
    setState({ engines });
    patchOpen((open) => ({ engine: openingEngine(engines, open.engine) }));
  } catch (cause) {
    notifyUnasked(cause);
  }
}

/** Whether the server said that the case is not there. */
function isGone(): boolean {
  const kind = getState().jobError?.kind;
  return kind === 'missing' || kind === 'removed';
}

/** Opens a job and follows it until the returned function is called. */
export function watchJob(jobId: string): () => void {
  const stopLoading = new AbortController();
  setState({ open: null, jobError: null });
  void refreshJob(jobId).then(() => loadVolume(jobId, stopLoading.signal));
  void loadEngines();
  const stopPreparing = prepareSlices();
  const stopRemembering = rememberObject();
  const stop = listen(jobId, {
    onEvent: (event) => {
      follow(jobId, event);
    },
    onRefused: () => void refreshSession(),
    onConnection: (connected, again) => {
      if (isGone()) return;
      setState({ connected });
      if (again) notifyPlain(i18next.t('connection.restored'));
      settled(connected ? 'connected' : 'lost');
      if (again && getState().engines.length === 0) void loadEngines();
      if (connected) sendAgain();
      if (connected && isOpen(jobId)) void refreshJob(jobId);
    },
  });
  const poll = setInterval(() => {
    if (getState().connected === false) void refreshJob(jobId);
  }, POLL_MS);
  return () => {
    stopLoading.abort();
    stopPreparing();
    stopRemembering();
    stopFollowing();
    endDrag();
    stop();
    clearInterval(poll);
    endDrawing();
    closeMask(jobId);
    setState({ open: null, hover: null, saving: NOTHING_WAITS });
  };
}
