// The page's one store: settings, connection, notices, the job list and the open job.
import { create } from 'zustand';
import type { ApiError } from '../api/http';
import type { Combine, Diagnosis, Direction, EngineName, EngineStatus, Job, JobSummary, Label, Measurements, Revision, Session, Task, TaskFailure } from '../api/types';
import type { AxisIndex, Plane, Vec3 } from '../core/axes';
import type { Hindrance } from '../core/edit/hindrance';
import type { Grid } from '../core/grid';
import type { Labelmap } from '../core/rle';
import type { Layout } from '../core/layout';
import type { SurfaceMesh } from '../core/surface';
import type { Camera, Convention } from '../core/tile';
import type { Pace } from '../core/time_left';
import type { DisplayVolume, VolumeFile } from '../core/volume_file';
import type { Window } from '../core/window';
import { FIRST_VIEW, type ListView } from '../core/job_list';
import { FIRST_DESK, type Desk } from './desk';
import type { DevicesState } from './devices';
import { FIRST_MONITOR, type Monitor } from './monitor';
import { readEditTools, type EditTools } from './edit_settings';
import { readSettings, type Settings } from './settings';

export type Tool = 'navigate' | 'box' | 'positive' | 'negative' | 'scribble_in' | 'scribble_out' | EditTool;

/** Tools that change the mask by hand. */
export type EditTool = 'brush' | 'eraser' | 'fill' | 'threshold' | 'scissors';

/** Tabs of the side panel. */
export const PANEL_TABS = ['segment', 'measure', 'history', 'review'] as const;

export type PanelTab = (typeof PANEL_TABS)[number];

export interface Notice {
  readonly id: number;
  readonly kind: 'error' | 'done' | 'plain';
  /** Already translated. */
  readonly title: string;
  readonly text: string | null;
  /** What it says until then is no longer so. */
  readonly until?: 'connected' | 'reopened' | 'lost';
  /** What the person can do about it by one click. */
  readonly action?: { readonly words: string; readonly run: () => void };
}

/** A file on its way to the server. */
export interface UploadProgress {
  readonly name: string;
  readonly sent: number;
  readonly total: number;
  readonly cancel: () => void;
}

export type SliceRange = readonly [number, number];

/** A revision with its mask. */
export interface RevisionMask {
  readonly revisionId: string;
  readonly mask: Labelmap;
}

/** Two masks whose outlines are shown; `a` is null where it is the mask as it is now, edits included. */
export interface ComparedMasks {
  readonly a: RevisionMask | null;
  readonly b: RevisionMask;
}

/** The job on the screen. */
export interface OpenJob {
  readonly job: Job;
  readonly grid: Grid;
  /** Newest mask, and what is shown: the same, or a running propagation's mask over it. */
  readonly mask: Labelmap | null;
  readonly shown: Labelmap | null;
  /** Newest first. */
  readonly revisions: readonly Revision[];
  readonly failure: TaskFailure | null;
  /** Voxels for the viewer; null until loaded. */
  readonly volume: DisplayVolume | null;
  readonly volumeFailed: boolean;
  /** The frame of a 4D image that is shown; 0 is the first. */
  readonly frame: number;
  /** The file of a 4D image, for its other frames. */
  readonly file: VolumeFile | null;
  /** RAS-ordered voxel under the crosshair. */
  readonly cursor: Vec3;
  readonly plane: Plane;
  readonly window: Window;
  readonly camera: Camera;
  readonly tool: Tool;
  /** Half the width of a new stroke, in voxels. */
  readonly scribbleRadius: number;
  readonly label: number;
  /** Objects that are not shown, by their labels. */
  readonly hidden: ReadonlySet<number>;
  readonly compared: ComparedMasks | null;
  /** No mask is drawn over the slices, for a look at the image alone. */
  readonly masksHidden: boolean;
  /** Measurements of a mask; those of the last one stand until the head's have come. */
  readonly measured: Measurements | null;
  readonly measureError: ApiError | null;
  /** Whether diameters are drawn on the slices while measurements are shown. */
  readonly diameters: boolean;
  readonly engine: EngineName | null;
  readonly direction: Direction;
  /** What becomes of voxels that only one of two passes found. */
  readonly combine: Combine;
  /** Only the largest connected part of an object stays. */
  readonly largest: boolean;
  /** Chosen range per stored axis; all slices where none is chosen. */
  readonly ranges: Readonly<Partial<Record<AxisIndex, SliceRange>>>;
  /** Doubtful slices that were looked at since the last propagation. */
  readonly seen: ReadonlySet<number>;
  /** Edits of prompts and objects so far: what the server said before the last one is out of date. */
  readonly edits: number;
  /** A propagation was asked for and is not queued yet. */
  readonly asking: boolean;
  /** The engine is at work on a slice, or will be. */
  readonly thinking: boolean;
  /** How the running task comes on. */
  readonly pace: Pace | null;
  /** The propagation whose result the person has put aside. */
  readonly dismissed: string | null;
}

/** The objects' surfaces, where a pane shows them. */
export interface Surfaces {
  /** The mask they were made of; an older one while those of a newer are loading. */
  readonly revision: string | null;
  readonly meshes: ReadonlyMap<number, SurfaceMesh>;
  readonly state: 'loading' | 'ready' | 'failed';
}

/** Two people set voxels of one mask to different labels; `answer` says whose stay. */
export interface ClashQuestion {
  readonly jobId: string;
  readonly voxels: number;
  /** Who the other is, as far as known. */
  readonly by: string;
  readonly answer: (whose: 'mine' | 'theirs') => void;
}

/** The server does not take an edit that was made while it was away. */
export interface RefusedQuestion {
  readonly jobId: string;
  readonly cause: ApiError;
  /** Edits that wait, this one included. */
  readonly waiting: number;
  readonly answer: (what: 'drop' | 'keep') => void;
}

/** Edits of the open job that the server does not have. */
export interface Saving {
  readonly waiting: number;
  /** The server cannot be reached. */
  readonly isStuck: boolean;
  /** This browser keeps all of them: the page may be closed. */
  readonly isKept: boolean;
  /** The server refused one, and the person did not want to lose it. */
  readonly isPaused: boolean;
}

export const NOTHING_WAITS: Saving = { waiting: 0, isStuck: false, isKept: true, isPaused: false };

export interface State {
  readonly settings: Settings;
  /** Who sits here, as they said; empty where they did not. */
  readonly person: string;
  /** Null until the stream was opened for the first time. */
  readonly connected: boolean | null;
  /** Whether the server asks for a token, and has it from this browser; null until known. */
  readonly session: Session | null;
  readonly notices: readonly Notice[];
  readonly jobs: readonly JobSummary[] | null;
  /** How the case list is looked at. */
  readonly list: ListView;
  readonly jobsError: ApiError | null;
  readonly upload: UploadProgress | null;
  readonly uploadError: { readonly name: string; readonly error: ApiError } | null;
  readonly openingSample: boolean;
  readonly engines: readonly EngineStatus[];
  readonly diagnosis: { readonly found: Diagnosis | null; readonly error: ApiError | null; readonly looking: boolean };
  /** Whether the sheet of keys lies over the page. */
  readonly keysShown: boolean;
  readonly monitor: Monitor;
  readonly desk: Desk;
  readonly devices: DevicesState;
  readonly open: OpenJob | null;
  readonly surfaces: Surfaces | null;
  readonly saving: Saving;
  readonly clash: ClashQuestion | null;
  readonly refused: RefusedQuestion | null;
  readonly editTools: EditTools;
  /** Why the last stroke changed nothing. */
  readonly hindered: Hindrance | null;
  readonly panelTab: PanelTab;
  /** RAS-ordered voxel of the open job under the pointer. Apart from `open`: it changes with every move. */
  readonly hover: Vec3 | null;
  readonly jobError: { readonly kind: 'missing' | 'removed' } | { readonly kind: 'failed'; readonly error: ApiError } | null;
}

export const useStore = create<State>(() => ({
  settings: readSettings(),
  person: '',
  connected: null,
  session: null,
  notices: [],
  jobs: null,
  list: FIRST_VIEW,
  jobsError: null,
  upload: null,
  uploadError: null,
  openingSample: false,
  engines: [],
  diagnosis: { found: null, error: null, looking: false },
  keysShown: false,
  monitor: FIRST_MONITOR,
  desk: FIRST_DESK,
  devices: { devices: [], removed: {}, isLoaded: false, error: null, order: 'name' },
  open: null,
  surfaces: null,
  saving: NOTHING_WAITS,
  clash: null,
  refused: null,
  editTools: readEditTools(),
  hindered: null,
  panelTab: 'segment',
  hover: null,
  jobError: null,
}));

export const { getState, setState } = useStore;

/** Changes the open job; nothing where none is open. */
export function patchOpen(patch: Partial<OpenJob> | ((open: OpenJob) => Partial<OpenJob>)): void {
  setState(({ open }) => {
    if (open === null) return {};
    const next = { ...open, ...(typeof patch === 'function' ? patch(open) : patch) };
    const areSame = next.job.labels === open.job.labels;
    return { open: areSame ? next : { ...next, hidden: hiddenLabels(next.job.labels) } };
  });
}

/** Objects that are not shown. */
export function hiddenLabels(labels: readonly Label[]): ReadonlySet<number> {
  return new Set(labels.filter((label) => label.visible === false).map((label) => label.value));
}

/** Changes the wire part of the open job. */
export function patchJob(patch: Partial<Job>): void {
  patchOpen((open) => ({ job: { ...open.job, ...patch } }));
}

/** The task that is running or waiting, if any. */
export function runningTask(open: OpenJob): Task | null {
  return open.job.task ?? null;
}

export type { Convention, Layout };
