// What a viewer of surfaces must do. Two do it: three.js on WebGL2, and plain Canvas2D without it.
import type { Vec3 } from '../core/axes';
import type { SurfaceMesh } from '../core/surface';
import { projected, type Projection, type Side } from '../core/surface_camera';
import { freshContext } from './slice_viewer';

export interface SurfaceObject {
  readonly label: number;
  readonly mesh: SurfaceMesh;
  /** 0–255 each. */
  readonly rgb: readonly [number, number, number];
  readonly opacity: number;
}

export interface SurfaceScene {
  readonly objects: readonly SurfaceObject[];
  readonly projection: Projection;
}

export interface SurfaceViewer {
  show(scene: SurfaceScene): void;
  destroy(): void;
}

const CROSSHAIR_COLOR = 'rgba(92, 200, 215, 0.85)';
const LETTER_COLOR = '255, 180, 84';
const GAP_PX = 9;
const GIZMO_PX = 26;
const FONT = '600 13px system-ui, "Noto Sans", sans-serif';

const ENDS: readonly (readonly [Side, Vec3])[] = [
  ['R', [1, 0, 0]],
  ['L', [-1, 0, 0]],
  ['A', [0, 1, 0]],
  ['P', [0, -1, 0]],
  ['S', [0, 0, 1]],
  ['I', [0, 0, -1]],
];

/** Lines through the crosshair along R, A and S, so long as the objects are wide; a gap leaves the place itself free. */
function drawCrosshair(context: CanvasRenderingContext2D, projection: Projection, mm: Vec3, reachMm: number): void {
  const [x, y] = projected(projection, mm);
  context.strokeStyle = CROSSHAIR_COLOR;
  context.lineWidth = 1;
  for (const [, direction] of ENDS) {
    const [toX, toY] = projected(projection, [
      mm[0] + direction[0] * reachMm,
      mm[1] + direction[1] * reachMm,
      mm[2] + direction[2] * reachMm,
    ]);
    const length = Math.hypot(toX - x, toY - y);
    if (length <= GAP_PX) continue;
    context.beginPath();
    context.moveTo(x + ((toX - x) * GAP_PX) / length, y + ((toY - y) * GAP_PX) / length);
    context.lineTo(toX, toY);
    context.stroke();
  }
  context.beginPath();
  context.arc(x, y, 2.5, 0, 2 * Math.PI);
  context.fillStyle = CROSSHAIR_COLOR;
  context.fill();
}

/** Axes of the patient at the lower left; letters that point away are dim and lie behind. */
function drawOrientation(context: CanvasRenderingContext2D, projection: Projection): void {
  const { right, up, toViewer, height } = projection;
  const [x, y] = [GIZMO_PX + 20, height - GIZMO_PX - 20];
  const ends = ENDS.map(([side, [r, a, s]]) => {
    const along = (v: Vec3): number => r * v[0] + a * v[1] + s * v[2];
    return { side, dx: along(right), dy: -along(up), depth: along(toViewer) };
  }).sort((one, other) => one.depth - other.depth);
  context.font = FONT;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  for (const { side, dx, dy, depth } of ends) {
    const shade = depth < -0.05 ? 0.45 : 1;
    context.strokeStyle = `rgba(${LETTER_COLOR}, ${shade * 0.8})`;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + dx * GIZMO_PX, y + dy * GIZMO_PX);
    context.stroke();
    const [tx, ty] = [x + dx * (GIZMO_PX + 11), y + dy * (GIZMO_PX + 11)];
    context.strokeStyle = 'rgba(0, 0, 0, 0.85)';
    context.lineWidth = 3;
    context.strokeText(side, tx, ty);
    context.fillStyle = `rgba(${LETTER_COLOR}, ${shade})`;
    context.fillText(side, tx, ty);
  }
}

export interface SurfaceMarks {
  readonly projection: Projection;
  /** The crosshair in millimetres of RAS; null where it is not shown. */
  readonly cursorMm: Vec3 | null;
  /** Length of the crosshair's arms. */
  readonly reachMm: number;
  readonly letters: boolean;
}

/** Draws what lies over the surfaces: crosshair and orientation. */
export function drawMarks(canvas: HTMLCanvasElement, marks: SurfaceMarks): void {
  const context = freshContext(canvas);
  if (context === null) return;
  if (marks.cursorMm !== null) drawCrosshair(context, marks.projection, marks.cursorMm, marks.reachMm);
  if (marks.letters) drawOrientation(context, marks.projection);
}
