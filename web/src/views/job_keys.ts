// Keys of the job page. A control that has the focus keeps those that it uses itself; they rest while a person types.
import { useEffect } from 'react';
import { PLANE_AXES, sliceAxes, storedFromRas } from '../core/axes';
import type { Layout } from '../core/layout';
import { WHOLE_IMAGE } from '../core/tile';
import { toggleAbsent, toggleConfirmed } from '../state/confirm';
import { accept } from '../state/accept';
import { toggleCompare } from '../state/compare';
import { goToDoubtful, goToPreviousDoubtful } from '../state/doubt';
import { stepObject } from '../state/objects';
import { activeKey, addPoint, removePrompt, runPropagation, segment } from '../state/prompts';
import { getState, type OpenJob } from '../state/store';
import { setCamera, setCursor, setLayout, setTool, stepFrame, stepSlice, toEnd, toggleMasks } from '../state/view';
import { COMMAND_KEYS, EDIT_KEYS } from './edit_keys';
import { giveFocusBack, isOwnKey } from './own_keys';

type Action = (open: OpenJob, event: KeyboardEvent) => void;

function step(direction: 1 | -1): Action {
  return ({ plane }, event) => {
    stepSlice(plane, direction * (event.shiftKey ? 10 : 1));
  };
}

/** Moves the crosshair on its slice, as it is seen: right is right. */
function shift(right: number, up: number): Action {
  return (open, event) => {
    const { settings } = getState();
    const axes = PLANE_AXES[open.plane];
    const steps = event.shiftKey ? 10 : 1;
    const cursor: [number, number, number] = [...open.cursor];
    cursor[axes.across] += steps * (settings.convention === 'radiological' ? -right : right);
    cursor[axes.up] += steps * up;
    setCursor(cursor, open.plane);
  };
}

/** Sets a point at the crosshair: outside the object with that tool in hand, else inside. */
function mark(open: OpenJob): void {
  const key = activeKey(open);
  const stored = storedFromRas(open.grid.axes, open.grid.shape, open.cursor);
  const [xAxis, yAxis] = sliceAxes(key.axis);
  addPoint(key, stored[xAxis], stored[yAxis], open.tool !== 'negative');
}

function jump(last: boolean): Action {
  return ({ plane }) => {
    toEnd(plane, last);
  };
}

function lay(layout: Layout): Action {
  return () => {
    setLayout(layout);
  };
}

function take(tool: Parameters<typeof setTool>[0]): Action {
  return () => {
    setTool(tool);
  };
}

/** Keys that ask nothing of the open job. */
function actionsOf(keys: Readonly<Record<string, (event: KeyboardEvent) => void>>): Record<string, Action> {
  const entries = Object.entries(keys).map(([key, press]): [string, Action] => [
    key,
    (_open, event) => {
      press(event);
    },
  ]);
  return Object.fromEntries(entries);
}

const COMMAND_ACTIONS = actionsOf(COMMAND_KEYS);

const ACTIONS: Readonly<Record<string, Action>> = {
  ...actionsOf(EDIT_KEYS),
  ArrowUp: step(1),
  ArrowRight: step(1),
  PageUp: step(1),
  ArrowDown: step(-1),
  ArrowLeft: step(-1),
  PageDown: step(-1),
  End: jump(true),
  Home: jump(false),
  v: take('navigate'),
  Escape: take('navigate'),
  b: take('box'),
  p: take('positive'),
  n: take('negative'),
  s: (_open, event) => {
    setTool(event.shiftKey ? 'scribble_out' : 'scribble_in');
  },
  d: (_open, event) => {
    if (event.shiftKey) goToPreviousDoubtful();
    else goToDoubtful();
  },
  g: (_open, event) => {
    stepObject(event.shiftKey ? -1 : 1);
  },
  h: toggleMasks,
  o: toggleCompare,
  m: mark,
  c: toggleConfirmed,
  a: toggleAbsent,
  Delete: (open) => {
    removePrompt(activeKey(open));
  },
  ',': () => {
    stepFrame(-1);
  },
  '.': () => {
    stepFrame(1);
  },
  '0': () => {
    setCamera(WHOLE_IMAGE);
  },
  '1': lay('axial'),
  '2': lay('coronal'),
  '3': lay('sagittal'),
  '4': lay('grid'),
  '5': lay('main'),
  Enter: (_open, event) => {
    if (event.shiftKey) void runPropagation();
    else segment();
  },
};

const ALT_ACTIONS: Readonly<Record<string, Action>> = {
  ArrowUp: shift(0, 1),
  ArrowDown: shift(0, -1),
  ArrowLeft: shift(-1, 0),
  ArrowRight: shift(1, 0),
};

function onKey(event: KeyboardEvent): void {
  const open = getState().open;
  if (open === null || isOwnKey(event)) return;
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    void accept();
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isCommand = event.ctrlKey || event.metaKey;
  const action: Action | undefined = isCommand ? COMMAND_ACTIONS[key] : event.altKey ? ALT_ACTIONS[key] : ACTIONS[key];
  if (action === undefined) return;
  event.preventDefault();
  action(open, event);
}

/** Every key that does something here; what it does with Shift is its own affair. */
export function boundKeys(): readonly string[] {
  const withAlt = Object.keys(ALT_ACTIONS).map((key) => `Alt+${key}`);
  const withCtrl = [...Object.keys(COMMAND_ACTIONS), 'Enter'].map((key) => `Ctrl+${key}`);
  return [...Object.keys(ACTIONS), ...withAlt, ...withCtrl];
}

export function useJobKeys(): void {
  useEffect(() => {
    window.addEventListener('keydown', onKey);
    const stop = giveFocusBack(() => document.querySelector<HTMLElement>('.slices > .overlay'));
    return () => {
      stop();
      window.removeEventListener('keydown', onKey);
    };
  }, []);
}
