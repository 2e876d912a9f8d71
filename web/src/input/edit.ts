// Tools that change the mask by hand: brush, eraser, threshold brush, fill, scissors; and what each shows under the pointer.
import i18next from 'i18next';
import type { EditAction } from '../api/client';
import { anchorAt, stampEdges, stampOf } from '../core/edit/brush';
import { Pencil, Stroke, type PencilRules } from '../core/edit/pencil';
import { planeOffset, slicePlane, type SlicePlane } from '../core/edit/plane';
import { holesOf, inverse, lassoOf, regionAt } from '../core/edit/regions';
import { sliceOfPlane } from '../core/grid';
import { sliceFromCanvas, type CanvasPoint } from '../core/tile';
import { intensityAt } from '../core/volume_file';
import { brushOf, stepBrushSize } from '../state/edit_tools';
import { dropDrawing, editArea, eraseRule, finishDrawing, paintRule, startDrawing, tellStroke, tellTouched, type Drawing } from '../state/editing';
import { showPreview } from '../state/live';
import { endDrawing } from '../state/turns';
import { notifyPlain } from '../state/notices';
import { getState, type OpenJob } from '../state/store';
import { nothing, type Drag } from './drag';
import type { ToolInput, Touch } from './tools';

type Kind = 'brush' | 'eraser' | 'threshold';

const NO_DRAG: Drag = { move: nothing, end: nothing };
const ERASE_COLOR = '#ffffff';

function planeOf({ open, tile }: Touch): SlicePlane {
  const { axis, sliceIndex } = sliceOfPlane(open.grid, tile.plane, open.cursor);
  return slicePlane(open.grid, axis, sliceIndex);
}

function placeOf({ open, tile, point }: Touch): readonly [number, number] {
  return sliceFromCanvas(open.grid, tile, point, open.cursor);
}

/** The voxel under a touch; null beside the image. */
function voxelAt(touch: Touch, plane: SlicePlane): readonly [number, number] | null {
  const [x, y] = placeOf(touch).map(Math.round) as [number, number];
  return x >= 0 && y >= 0 && x < plane.size[0] && y < plane.size[1] ? [x, y] : null;
}

function isErasing(kind: Kind, event: MouseEvent): boolean {
  return kind === 'eraser' || event.shiftKey;
}

/** The intensities that the threshold brush paints from a place on; null where they are not known. */
function rangeAt(touch: Touch, plane: SlicePlane): readonly [number, number] | null {
  const { rangeMode, tolerance, low, high } = getState().editTools;
  if (rangeMode === 'typed') return [low, high];
  const { volume } = touch.open;
  const voxel = voxelAt(touch, plane);
  if (volume === null || voxel === null) return null;
  const intensity = intensityAt(volume, planeOffset(plane, voxel[0], voxel[1]));
  return [intensity - tolerance, intensity + tolerance];
}

function withRange(rules: PencilRules, { volume }: OpenJob, range: readonly [number, number] | null): PencilRules {
  if (volume === null || range === null) return { ...rules, accepts: () => false };
  return {
    ...rules,
    accepts: (offset) => {
      const intensity = intensityAt(volume, offset);
      return intensity >= range[0] && intensity <= range[1];
    },
  };
}

const ACTIONS: Readonly<Record<Kind, EditAction>> = { brush: 'paint', eraser: 'erase', threshold: 'threshold_brush' };

function rulesOf(drawing: Drawing, kind: Kind, touch: Touch): PencilRules {
  if (isErasing(kind, touch.event)) return eraseRule(drawing);
  const rules = paintRule(drawing);
  return kind === 'threshold' ? withRange(rules, drawing.open, rangeAt(touch, drawing.plane)) : rules;
}

function startAt(touch: Touch): Drawing | null {
  const { axis, sliceIndex } = sliceOfPlane(touch.open.grid, touch.tile.plane, touch.open.cursor);
  return startDrawing(axis, sliceIndex);
}

function strokeDrag(kind: Kind, touch: Touch): Drag | null {
  const drawing = startAt(touch);
  if (drawing === null) return null;
  const { open, tile } = touch;
  const stamp = stampOf(brushOf(getState().editTools), drawing.plane.spacingMm);
  const rules = rulesOf(drawing, kind, touch);
  const stroke = new Stroke(new Pencil(drawing.record, drawing.plane, rules), stamp);
  const to = (points: readonly CanvasPoint[]): void => {
    for (const point of points) stroke.to(sliceFromCanvas(open.grid, tile, point, open.cursor));
    tellTouched(stroke.pencil);
  };
  to([touch.point]);
  return {
    move: nothing,
    trace: to,
    end: () => {
      const hasChanged = finishDrawing(drawing, isErasing(kind, touch.event) ? 'erase' : ACTIONS[kind]);
      tellStroke(drawing, rules, hasChanged ? null : stroke.pencil.met);
    },
    cancel: () => {
      dropDrawing(drawing);
    },
  };
}

/** Shows the brush on the voxels that it would paint. */
function showBrush(kind: Kind, touch: Touch | null): void {
  if (touch === null) {
    showPreview(null);
    return;
  }
  const { open, tile, event } = touch;
  const plane = planeOf(touch);
  const stamp = stampOf(brushOf(getState().editTools), plane.spacingMm);
  const [x, y] = anchorAt(stamp, placeOf(touch));
  const color = open.job.labels.find(({ value }) => value === open.label)?.color ?? ERASE_COLOR;
  showPreview({
    plane: tile.plane,
    slice: plane,
    edges: stampEdges(stamp).map(([x1, y1, x2, y2]) => [x1 + x, y1 + y, x2 + x, y2 + y] as const),
    lasso: [],
    color: isErasing(kind, event) ? ERASE_COLOR : color,
    // While a stroke is drawn its range stays that of its beginning.
    range: kind === 'threshold' && event.buttons === 0 ? rangeAt(touch, plane) : null,
  });
}

function brush(kind: Kind): ToolInput {
  return {
    begin: (touch) => strokeDrag(kind, touch),
    hover: (touch) => {
      showBrush(kind, touch);
    },
    shape: () => 'none',
    wheel: (touch, event) => {
      stepBrushSize(event.deltaY < 0 ? 1 : -1);
      showBrush(kind, touch);
      return true;
    },
  };
}

function fillAt(touch: Touch): Drag | null {
  const voxel = voxelAt(touch, planeOf(touch));
  const drawing = voxel === null ? null : startAt(touch);
  if (voxel === null || drawing === null) return null;
  const { plane, record, open } = drawing;
  const rules = touch.event.shiftKey ? { ...eraseRule(drawing) } : paintRule(drawing);
  if (getState().editTools.fill === 'holes') {
    if (!editArea(drawing, holesOf(record.mask.voxels, plane, open.label), rules, 'fill')) notifyPlain(i18next.t('edit.noHoles'));
    return NO_DRAG;
  }
  const region = regionAt(record.mask.voxels, plane, voxel[0], voxel[1]);
  const isBackground = record.labelAt(planeOffset(plane, voxel[0], voxel[1])) === 0;
  if (isBackground && region.isOpen) {
    endDrawing();
    notifyPlain(i18next.t('edit.open'));
  } else if (!editArea(drawing, region.inside, rules, touch.event.shiftKey ? 'erase' : 'fill')) notifyPlain(i18next.t('edit.unchanged'));
  return NO_DRAG;
}

function cut(drawing: Drawing, corners: readonly (readonly [number, number])[], isShifted: boolean): void {
  const { scissors } = getState().editTools;
  const inside = lassoOf(corners, drawing.plane.size);
  const fills = scissors === 'fill_inside' && !isShifted;
  const area = scissors === 'erase_outside' ? inverse(inside) : inside;
  editArea(drawing, area, fills ? paintRule(drawing) : eraseRule(drawing), 'scissors');
}

function scissorsDrag(touch: Touch): Drag | null {
  const drawing = startAt(touch);
  if (drawing === null) return null;
  const { open, tile } = touch;
  const corners = [placeOf(touch)];
  const show = (): void => {
    showPreview({ plane: tile.plane, slice: drawing.plane, edges: [], lasso: corners, color: ERASE_COLOR, range: null });
  };
  return {
    move: nothing,
    trace: (points) => {
      corners.push(...points.map((point) => sliceFromCanvas(open.grid, tile, point, open.cursor)));
      show();
    },
    end: () => {
      showPreview(null);
      // A click is no line.
      if (corners.length < 3) dropDrawing(drawing);
      else cut(drawing, corners, touch.event.shiftKey);
    },
    cancel: () => {
      showPreview(null);
      dropDrawing(drawing);
    },
  };
}

export const EDIT_INPUT: Readonly<Record<'brush' | 'eraser' | 'threshold' | 'fill' | 'scissors', ToolInput>> = {
  brush: brush('brush'),
  eraser: brush('eraser'),
  threshold: brush('threshold'),
  fill: { begin: fillAt },
  scissors: { begin: scissorsDrag },
};
