// What each tool does on the slices: one row per tool; how the pointer becomes a drag is listen.ts.
import { boxContains } from '../core/box';
import { boxOf, promptAt } from '../core/prompts';
import { sliceFromCanvas, type CanvasPoint, type Tile } from '../core/tile';
import type { OpenJob, Tool } from '../state/store';
import { boxDrag, handleAt } from './box';
import { keyOf, type Drag } from './drag';
import { EDIT_INPUT } from './edit';
import { cursorDrag } from './navigate';
import { pointDrag } from './points';
import { scribbleDrag, turnScribbleRadius } from './scribble';

/** A place on a tile, and the event that names it: for its keys and its pressure. */
export interface Touch {
  readonly open: OpenJob;
  readonly tile: Tile;
  readonly point: CanvasPoint;
  readonly event: MouseEvent;
}

export interface ToolInput {
  /** A press of the first button. */
  begin(touch: Touch): Drag | null;
  /** The pointer's shape while nothing is held. */
  shape?(touch: Touch): string;
  /** What is shown under the pointer; null when it left. Told after every move, also during a drag. */
  hover?(touch: Touch | null): void;
  /** A turn of the wheel with Ctrl or Alt; false where the tool has no use for it. */
  wheel?(touch: Touch, event: WheelEvent): boolean;
}

const navigate: ToolInput = {
  begin: ({ tile, point }) => {
    const drag = cursorDrag(tile);
    drag.move(point);
    return drag;
  },
};

const box: ToolInput = {
  begin: ({ open, tile, point }) => boxDrag(open, tile, point),
  shape: ({ open, tile, point }) => {
    const shown = boxOf(promptAt(open.job.prompts, keyOf(open, tile)));
    if (shown === null) return 'crosshair';
    if (handleAt(open, tile, shown, point) !== null) return 'pointer';
    return boxContains(shown, sliceFromCanvas(open.grid, tile, point, open.cursor)) ? 'move' : 'crosshair';
  },
};

function scribble(positive: boolean): ToolInput {
  return {
    begin: ({ open, tile, point }) => scribbleDrag(open, tile, point, positive),
    wheel: ({ open }, event) => turnScribbleRadius(open, event),
  };
}

export const TOOL_INPUT: Readonly<Record<Tool, ToolInput>> = {
  navigate,
  box,
  positive: { begin: ({ open, tile, point }) => pointDrag(open, tile, point, true) },
  negative: { begin: ({ open, tile, point }) => pointDrag(open, tile, point, false) },
  scribble_in: scribble(true),
  scribble_out: scribble(false),
  ...EDIT_INPUT,
};
