// What lies over the slices: outlines, crosshair, boxes with handles, points, letters. Plain Canvas2D, for both viewers.
import type { SlicePrompt } from '../api/types';
import { axisIndex, PLANE_AXES, type AxisIndex, type Plane } from '../core/axes';
import { HANDLES, handlePlace, type Box } from '../core/box';
import { sliceOfPlane } from '../core/grid';
import { outlineEdges, planeLabels } from '../core/labelmap';
import { boxOf } from '../core/prompts';
import { canvasFromRas, canvasFromSlice, edgeLetters, type CanvasPoint, type Tile } from '../core/tile';
import type { Scene } from './slice_viewer';

export interface OverlayScene extends Scene {
  readonly prompts: readonly SlicePrompt[];
  /** The object that prompts go to. */
  readonly label: number;
  /** The plane that prompts go to. */
  readonly plane: Plane;
  readonly hidden: ReadonlySet<number>;
  readonly outline: boolean;
  readonly crosshair: boolean;
  /** Whether boxes show handles. */
  readonly handles: boolean;
  /** Names of planes in the page's language, and the slice count text. */
  readonly title: (plane: Plane) => string;
}

const BOX_COLOR = '#ffd54a';
const POSITIVE_COLOR = '#4ade80';
const NEGATIVE_COLOR = '#ff6b5e';
const CROSSHAIR_COLOR = 'rgba(92, 200, 215, 0.75)';
const LETTER_COLOR = '#ffb454';
const SHADOW = 'rgba(0, 0, 0, 0.85)';
const FONT = 'system-ui, "Noto Sans CJK SC", "Noto Sans", sans-serif';

/** Half a handle's side in pixels. */
export const HANDLE_RADIUS = 5;

interface Slice {
  readonly axis: AxisIndex;
  readonly sliceIndex: number;
}

function strokeTwice(context: CanvasRenderingContext2D, path: Path2D, color: string, width: number): void {
  context.strokeStyle = SHADOW;
  context.lineWidth = width + 2;
  context.stroke(path);
  context.strokeStyle = color;
  context.lineWidth = width;
  context.stroke(path);
}

function drawOutlines(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile): void {
  if (scene.mask === null) return;
  const slice = planeLabels(scene.grid, scene.mask, tile.plane, scene.cursor);
  const { across, up } = PLANE_AXES[tile.plane];
  const place = (column: number, row: number): CanvasPoint => {
    const ras: [number, number, number] = [...scene.cursor];
    ras[across] = column;
    ras[up] = row;
    return canvasFromRas(tile, ras);
  };
  for (const label of new Set(slice.labels)) {
    if (label === 0 || scene.palette[4 * label + 3] === 0) continue;
    const path = new Path2D();
    for (const [a, b, c, d] of outlineEdges(slice, label)) {
      path.moveTo(...place(a, b));
      path.lineTo(...place(c, d));
    }
    const [red = 0, green = 0, blue = 0] = scene.palette.subarray(4 * label, 4 * label + 3);
    context.lineCap = 'square';
    context.strokeStyle = `rgb(${red} ${green} ${blue})`;
    context.lineWidth = 1.5;
    context.stroke(path);
  }
}

function drawCrosshair(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile): void {
  const [x, y] = canvasFromRas(tile, scene.cursor);
  const { frame } = tile;
  const gap = 9;
  const path = new Path2D();
  path.moveTo(frame.x, y);
  path.lineTo(x - gap, y);
  path.moveTo(x + gap, y);
  path.lineTo(frame.x + frame.width, y);
  path.moveTo(x, frame.y);
  path.lineTo(x, y - gap);
  path.moveTo(x, y + gap);
  path.lineTo(x, frame.y + frame.height);
  context.strokeStyle = CROSSHAIR_COLOR;
  context.lineWidth = 1;
  context.stroke(path);
}

function drawBox(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile, slice: Slice, box: Box, isActive: boolean): void {
  const [x1, y1] = canvasFromSlice(scene.grid, tile, slice, [box[0] - 0.5, box[1] - 0.5]);
  const [x2, y2] = canvasFromSlice(scene.grid, tile, slice, [box[2] + 0.5, box[3] + 0.5]);
  const path = new Path2D();
  path.rect(Math.min(x1, x2), Math.min(y1, y2), Math.abs(x2 - x1), Math.abs(y2 - y1));
  context.save();
  if (!isActive) context.setLineDash([4, 4]);
  strokeTwice(context, path, BOX_COLOR, isActive ? 1.5 : 1);
  context.restore();
  if (!isActive || !scene.handles) return;
  for (const handle of HANDLES) {
    const [x, y] = canvasFromSlice(scene.grid, tile, slice, handlePlace(box, handle));
    context.fillStyle = BOX_COLOR;
    context.strokeStyle = SHADOW;
    context.lineWidth = 1;
    context.fillRect(x - HANDLE_RADIUS + 1, y - HANDLE_RADIUS + 1, 2 * HANDLE_RADIUS - 2, 2 * HANDLE_RADIUS - 2);
    context.strokeRect(x - HANDLE_RADIUS + 0.5, y - HANDLE_RADIUS + 0.5, 2 * HANDLE_RADIUS - 1, 2 * HANDLE_RADIUS - 1);
  }
}

function drawPoints(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile, slice: Slice, prompt: SlicePrompt): void {
  for (const point of prompt.points ?? []) {
    const [x, y] = canvasFromSlice(scene.grid, tile, slice, [point.x, point.y]);
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.fillStyle = SHADOW;
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = point.positive ? POSITIVE_COLOR : NEGATIVE_COLOR;
    context.stroke();
    const sign = new Path2D();
    sign.moveTo(x - 3.5, y);
    sign.lineTo(x + 3.5, y);
    if (point.positive) {
      sign.moveTo(x, y - 3.5);
      sign.lineTo(x, y + 3.5);
    }
    context.stroke(sign);
  }
}

function drawPrompts(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile): void {
  const shown = sliceOfPlane(scene.grid, tile.plane, scene.cursor);
  for (const prompt of scene.prompts) {
    const label = prompt.label ?? 1;
    if (prompt.axis !== shown.axis || prompt.slice_index !== shown.sliceIndex || scene.hidden.has(label)) continue;
    const slice = { axis: axisIndex(prompt.axis), sliceIndex: prompt.slice_index };
    const box = boxOf(prompt);
    const isActive = label === scene.label && tile.plane === scene.plane;
    if (box !== null) drawBox(context, scene, tile, slice, box, isActive);
    drawPoints(context, scene, tile, slice, prompt);
  }
}

function drawText(context: CanvasRenderingContext2D, text: string, x: number, y: number, color: string): void {
  context.lineJoin = 'round';
  context.strokeStyle = SHADOW;
  context.lineWidth = 3;
  context.strokeText(text, x, y);
  context.fillStyle = color;
  context.fillText(text, x, y);
}

function drawLabels(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile): void {
  const { pane } = tile;
  const letters = edgeLetters(tile.plane, scene.convention);
  context.font = `600 15px ${FONT}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  drawText(context, letters.left, pane.x + 8, pane.y + pane.height / 2, LETTER_COLOR);
  context.textAlign = 'right';
  drawText(context, letters.right, pane.x + pane.width - 8, pane.y + pane.height / 2, LETTER_COLOR);
  context.textAlign = 'center';
  drawText(context, letters.top, pane.x + pane.width / 2, pane.y + 14, LETTER_COLOR);
  drawText(context, letters.bottom, pane.x + pane.width / 2, pane.y + pane.height - 14, LETTER_COLOR);
  context.font = `13px ${FONT}`;
  context.textAlign = 'left';
  drawText(context, scene.title(tile.plane), pane.x + 10, pane.y + 15, '#e6edf3');
}

function clip(context: CanvasRenderingContext2D, rect: Tile['pane'], draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.clip();
  draw();
  context.restore();
}

/** Draws everything over the slices. */
export function drawOverlay(canvas: HTMLCanvasElement, scene: OverlayScene): void {
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const { tiles } = scene.arrangement;
  for (const tile of tiles) {
    clip(context, tile.frame, () => {
      if (scene.outline) drawOutlines(context, scene, tile);
      if (scene.crosshair) drawCrosshair(context, scene, tile);
    });
    clip(context, tile.pane, () => {
      drawPrompts(context, scene, tile);
      drawLabels(context, scene, tile);
    });
    if (tiles.length > 1) {
      context.strokeStyle = tile.plane === scene.plane ? '#5cc8d7' : '#2a313a';
      context.lineWidth = 1;
      context.strokeRect(tile.pane.x + 0.5, tile.pane.y + 0.5, tile.pane.width - 1, tile.pane.height - 1);
    }
  }
}
