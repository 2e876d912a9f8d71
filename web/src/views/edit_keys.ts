// Keys of editing by hand and of the history.
import { copySlice } from '../state/editing';
import { stepBrushSize } from '../state/edit_tools';
import { redo, undo } from '../state/history';
import { interpolate } from '../state/operations';
import { setScribbleRadius } from '../state/prompts';
import { getState, type EditTool } from '../state/store';
import { setTool } from '../state/view';

type Press = (event: KeyboardEvent) => void;

function take(tool: EditTool): Press {
  return () => {
    setTool(tool);
  };
}

/** The width of what is in hand: a stroke of a prompt, or the brush. */
function stepWidth(direction: 1 | -1): void {
  const open = getState().open;
  if (open?.tool === 'scribble_in' || open?.tool === 'scribble_out') setScribbleRadius(open.scribbleRadius + direction / 2);
  else stepBrushSize(direction);
}

export const EDIT_KEYS: Readonly<Record<string, Press>> = {
  r: take('brush'),
  e: take('eraser'),
  f: take('fill'),
  t: take('threshold'),
  x: take('scissors'),
  '[': () => {
    stepWidth(-1);
  },
  ']': () => {
    stepWidth(1);
  },
  k: (event) => {
    copySlice(event.shiftKey ? -1 : 1);
  },
  i: () => {
    void interpolate();
  },
};

/** With Ctrl or the command key. */
export const COMMAND_KEYS: Readonly<Record<string, Press>> = {
  z: (event) => {
    if (event.shiftKey) redo();
    else undo();
  },
  y: redo,
};
