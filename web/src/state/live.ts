// What changes with every move of the pointer goes past the store: what was painted just now, and what a tool shows.
import type { AxisIndex } from '../core/axes';
import type { SliceRect } from '../core/edit/pencil';
import type { ToolPreview } from '../core/edit/preview';

export interface SliceRef {
  readonly axis: AxisIndex;
  readonly sliceIndex: number;
}

type Listener<T> = (value: T) => void;

function channel<T>(): { readonly send: Listener<T>; readonly listen: (listener: Listener<T>) => () => void } {
  const listeners = new Set<Listener<T>>();
  return {
    send: (value) => {
      for (const listener of listeners) listener(value);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

const paint = channel<{ readonly slice: SliceRef; readonly rect: SliceRect }>();
const preview = channel<ToolPreview | null>();

/** Tells that voxels of the mask changed in place, within a part of a slice. */
export const tellPainted = paint.send;
export const onPainted = paint.listen;

/** Tells what the tool in hand shows now. */
export const showPreview = preview.send;
export const onPreview = preview.listen;
