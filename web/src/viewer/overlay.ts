// What lies over slices and masks: crosshair, boxes with handles, points, letters, scale bar, facts in the corners.
import type { Diameter, SlicePrompt } from '../api/types';
import { axisIndex, PLANE_AXES, PLANES, type AxisIndex, type Plane } from '../core/axes';
import { HANDLES, handlePlace, type Box } from '../core/box';
import { sliceOfPlane } from '../core/grid';
import { boxOf } from '../core/prompts';
import type { DrawnDiameters } from '../core/measure';
import { PLANE_COLORS } from '../core/palette';
import { scaleBar } from '../core/scale_bar';
import { canvasFromRas, canvasFromSlice, edgeLetters, type Tile } from '../core/tile';
import { drawScribbles, NEGATIVE_COLOR, POSITIVE_COLOR } from './marks';
import { clipped, freshContext, type Scene } from './slice_viewer';

export interface OverlayScene extends Scene {
  readonly prompts: readonly SlicePrompt[];
  /** The object that prompts go to. */
  readonly label: number;
  /** The plane that prompts go to. */
  readonly plane: Plane;
  readonly hidden: ReadonlySet<number>;
  readonly crosshair: boolean;
  /** Orientation letters at the edges. */
  readonly letters: boolean;
  /** Scale bar, and slice, window and magnification in the corners. */
  readonly annotations: boolean;
  /** Whether boxes show handles. */
  readonly handles: boolean;
  /** Words in the page's language: the plane with its slice, and window with magnification. */
  readonly words: (plane: Plane) => { readonly title: string; readonly facts: string };
  /** Pixels at the bottom of each pane that a slider covers. */
  readonly footer: number;
  /** Diameters of objects, drawn on their slices. */
  readonly diameters: readonly DrawnDiameters[];
}

const BOX_COLOR = '#ffd54a';
const LETTER_COLOR = '#ffb454';
const TEXT_COLOR = '#e6edf3';
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

/** The plane whose slices are counted along a RAS axis. */
function planeAcross(rasAxis: AxisIndex): Plane {
  return PLANES.find((plane) => PLANE_AXES[plane].normal === rasAxis) ?? 'axial';
}

/** Two lines, each in the colour of the plane that it stands for; the place itself is left free. */
function drawCrosshair(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile): void {
  const [x, y] = canvasFromRas(tile, scene.cursor);
  const { pane } = tile;
  const { across, up } = PLANE_AXES[tile.plane];
  const gap = 9;
  const draw = (plane: Plane, ends: readonly (readonly [number, number, number, number])[]): void => {
    context.beginPath();
    for (const [x1, y1, x2, y2] of ends) {
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
    }
    context.strokeStyle = PLANE_COLORS[plane];
    context.stroke();
  };
  context.save();
  context.globalAlpha = 0.75;
  context.lineWidth = 1;
  draw(planeAcross(up), [[pane.x, y, x - gap, y], [x + gap, y, pane.x + pane.width, y]]);
  draw(planeAcross(across), [[x, pane.y, x, y - gap], [x, y + gap, x, pane.y + pane.height]]);
  context.restore();
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
    drawScribbles(context, scene.grid, tile, slice, prompt.scribbles ?? []);
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

function drawLetters(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile): void {
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
  drawText(context, letters.bottom, pane.x + pane.width / 2, pane.y + pane.height - 14 - scene.footer, LETTER_COLOR);
}

/** A bar of a round length at the lower right, its length in pixels that many millimetres. */
function drawScaleBar(context: CanvasRenderingContext2D, scene: OverlayScene, { pane, pixelsPerMm }: Tile): void {
  const bar = scaleBar(pixelsPerMm, Math.min(pane.width * 0.3, 160));
  if (bar === null) return;
  const [right, y] = [Math.round(pane.x + pane.width - 12), Math.round(pane.y + pane.height - 12 - scene.footer)];
  const left = right - bar.pixels;
  context.fillStyle = SHADOW;
  context.fillRect(left - 1, y - 6, bar.pixels + 2, 8);
  context.fillStyle = TEXT_COLOR;
  context.fillRect(left, y - 1, bar.pixels, 2);
  context.fillRect(left, y - 5, 1, 5);
  context.fillRect(right - 1, y - 5, 1, 5);
  context.font = `12px ${FONT}`;
  context.textBaseline = 'alphabetic';
  context.textAlign = 'right';
  drawText(context, bar.text, right, y - 9, TEXT_COLOR);
}

function drawFacts(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile): void {
  const { pane } = tile;
  const { title, facts } = scene.words(tile.plane);
  context.font = `13px ${FONT}`;
  // A small pane's title must not run into the letter in the middle.
  if (context.measureText(title).width > pane.width / 2 - 34) context.font = `11px ${FONT}`;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillStyle = PLANE_COLORS[tile.plane];
  context.fillRect(pane.x + 8, pane.y + 9, 3, 12);
  drawText(context, title, pane.x + 16, pane.y + 15, TEXT_COLOR);
  if (!scene.annotations) return;
  // Window and magnification are those of all panes: the first says them.
  if (tile === scene.arrangement.tiles[0]) {
    context.font = `12px ${FONT}`;
    drawText(context, facts, pane.x + 10, pane.y + pane.height - 14 - scene.footer, TEXT_COLOR);
  }
  drawScaleBar(context, scene, tile);
}

function drawDiameter(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile, diameter: Diameter, color: string): void {
  const slice = { axis: axisIndex(diameter.axis), sliceIndex: diameter.slice_index };
  const ends = [diameter.from, diameter.to].map(([x = 0, y = 0]) => canvasFromSlice(scene.grid, tile, slice, [x, y]));
  const [[x1, y1] = [0, 0], [x2, y2] = [0, 0]] = ends;
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [acrossX, acrossY] = length === 0 ? [0, 0] : [(5 * (y1 - y2)) / length, (5 * (x2 - x1)) / length];
  const path = new Path2D();
  path.moveTo(x1, y1);
  path.lineTo(x2, y2);
  for (const [x, y] of ends) {
    path.moveTo(x - acrossX, y - acrossY);
    path.lineTo(x + acrossX, y + acrossY);
  }
  strokeTwice(context, path, color, 1.5);
  const [x, y] = x1 > x2 ? [x1, y1] : [x2, y2];
  context.font = `600 12px ${FONT}`;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  drawText(context, `${diameter.mm.toFixed(1)} mm`, x + 8, y, color);
}

function drawDiameters(context: CanvasRenderingContext2D, scene: OverlayScene, tile: Tile): void {
  const shown = sliceOfPlane(scene.grid, tile.plane, scene.cursor);
  for (const { label, color, longest, perpendicular } of scene.diameters) {
    if (longest.axis !== shown.axis || longest.slice_index !== shown.sliceIndex || scene.hidden.has(label)) continue;
    drawDiameter(context, scene, tile, longest, color);
    if (perpendicular !== null) drawDiameter(context, scene, tile, perpendicular, color);
  }
}

/** Draws everything over the slices. */
export function drawOverlay(canvas: HTMLCanvasElement, scene: OverlayScene): void {
  const context = freshContext(canvas);
  if (context === null) return;
  const { tiles, panes } = scene.arrangement;
  for (const tile of tiles) {
    clipped(context, tile.pane, () => {
      if (scene.crosshair) drawCrosshair(context, scene, tile);
      drawPrompts(context, scene, tile);
      drawDiameters(context, scene, tile);
      if (scene.letters) drawLetters(context, scene, tile);
      drawFacts(context, scene, tile);
    });
    if (panes.length > 1) {
      context.strokeStyle = tile.plane === scene.plane ? '#5cc8d7' : '#2a313a';
      context.lineWidth = 1;
      context.strokeRect(tile.pane.x + 0.5, tile.pane.y + 0.5, tile.pane.width - 1, tile.pane.height - 1);
    }
  }
}
