// Sets the editing tools.
import { MAX_BRUSH, type Brush } from '../core/edit/brush';
import { writeEditTools, type EditTools } from './edit_settings';
import { getState, setState } from './store';

export function changeEditTools(change: Partial<EditTools>): void {
  const editTools = { ...getState().editTools, ...change };
  writeEditTools(editTools);
  setState({ editTools });
}

export function setBrushSize(size: number): void {
  changeEditTools({ size: Math.min(Math.max(Math.round(size), 1), MAX_BRUSH) });
}

/** Larger or smaller: by one voxel, by more where the brush is large. */
export function stepBrushSize(direction: 1 | -1): void {
  const { size } = getState().editTools;
  setBrushSize(size + direction * Math.max(1, Math.floor((direction > 0 ? size : size - 1) / 10)));
}

export function brushOf({ shape, size }: EditTools): Brush {
  return { shape, size };
}
