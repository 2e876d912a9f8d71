// What a viewer of surfaces must do. Two do it: three.js on WebGL2, and plain Canvas2D without it.
import { PLANE_AXES, PLANES, type Vec3 } from '../core/axes';
import { PLANE_COLORS } from '../core/palette';
import type { SurfaceMesh } from '../core/surface';
import type { Projection, Side } from '../core/surface_camera';
import { freshContext } from './slice_viewer';

export interface SurfaceObject {
  readonly label: number;
  readonly mesh: SurfaceMesh;
  /** 0–255 each. */
  readonly rgb: readonly [number, number, number];
  readonly opacity: number;
}

/** The place that the slices meet in, in millimetres of RAS, and how far its lines reach. */
export interface SurfaceCrosshair {
  readonly mm: Vec3;
  readonly reachMm: number;
}

export interface SurfaceScene {
  readonly objects: readonly SurfaceObject[];
  readonly projection: Projection;
  /** Null where it is not shown. */
  readonly crosshair: SurfaceCrosshair | null;
}

export interface CrosshairLine {
  readonly from: Vec3;
  readonly to: Vec3;
  /** `#rrggbb`. */
  readonly color: string;
}

/** How strongly a line is seen through a surface before it. */
export const BEHIND_OPACITY = 0.3;

/** Lines along R, A and S, each in the colour of the plane whose slices are counted along it. */
export function crosshairLines({ mm, reachMm }: SurfaceCrosshair): readonly CrosshairLine[] {
  return PLANES.map((plane) => {
    const { normal } = PLANE_AXES[plane];
    const end = (side: 1 | -1): Vec3 => [
      mm[0] + (normal === 0 ? side * reachMm : 0),
      mm[1] + (normal === 1 ? side * reachMm : 0),
      mm[2] + (normal === 2 ? side * reachMm : 0),
    ];
    return { from: end(-1), to: end(1), color: PLANE_COLORS[plane] };
  });
}

export interface SurfaceViewer {
  show(scene: SurfaceScene): void;
  destroy(): void;
}

const LETTER_COLOR = '255, 180, 84';
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

/** Draws what lies over the surfaces: the patient's directions. */
export function drawMarks(canvas: HTMLCanvasElement, projection: Projection, letters: boolean): void {
  const context = freshContext(canvas);
  if (context !== null && letters) drawOrientation(context, projection);
}
