// Surfaces on Canvas2D, for browsers without WebGL2: shaded triangles, the farthest first.
import { coarser, type SurfaceMesh } from '../core/surface';
import { dot, projected, type Projection } from '../core/surface_camera';
import { freshContext } from './slice_viewer';
import { BEHIND_OPACITY, crosshairLines, type SurfaceCrosshair, type SurfaceObject, type SurfaceScene, type SurfaceViewer } from './surface_viewer';

/** More triangles than this are not drawn in the time of a frame or two. */
const MAX_TRIANGLES = 12_000;

/** A line is drawn in so many pieces, each at its depth among the triangles. */
const LINE_PIECES = 96;

/** A triangle, or a piece of a line. */
interface Painted {
  readonly path: readonly (readonly [number, number])[];
  /** Three times its mean. */
  readonly depth: number;
  readonly color: string;
}

function trianglesOf({ rgb, opacity }: SurfaceObject, { positions, triangles }: SurfaceMesh, projection: Projection): Painted[] {
  const at = (corner: number): readonly [number, number, number] => [
    positions[3 * corner] ?? 0,
    positions[3 * corner + 1] ?? 0,
    positions[3 * corner + 2] ?? 0,
  ];
  const out: Painted[] = [];
  for (let first = 0; first < triangles.length; first += 3) {
    const [a, b, c] = [at(triangles[first] ?? 0), at(triangles[first + 1] ?? 0), at(triangles[first + 2] ?? 0)];
    const [u, v] = [[b[0] - a[0], b[1] - a[1], b[2] - a[2]] as const, [c[0] - a[0], c[1] - a[1], c[2] - a[2]] as const];
    const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]] as const;
    const facing = dot(normal, projection.toViewer) / (Math.hypot(...normal) || 1);
    if (facing <= 0) continue;
    const [p, q, r] = [projected(projection, a), projected(projection, b), projected(projection, c)];
    const shade = 0.3 + 0.7 * facing;
    const color = `rgb(${rgb.map((value) => Math.round(value * shade)).join(' ')} / ${opacity})`;
    out.push({ path: [[p[0], p[1]], [q[0], q[1]], [r[0], r[1]]], depth: p[2] + q[2] + r[2], color });
  }
  return out;
}

/** The crosshair's lines in pieces, from one end to the other. */
function piecesOf(crosshair: SurfaceCrosshair, projection: Projection): Painted[] {
  return crosshairLines(crosshair).flatMap(({ from, to, color }) => {
    const [start, end] = [projected(projection, from), projected(projection, to)];
    const at = (share: number, axis: 0 | 1 | 2): number => start[axis] + (end[axis] - start[axis]) * share;
    return Array.from({ length: LINE_PIECES }, (_, piece): Painted => {
      const [first, last] = [piece / LINE_PIECES, (piece + 1) / LINE_PIECES];
      return { path: [[at(first, 0), at(first, 1)], [at(last, 0), at(last, 1)]], depth: 1.5 * (at(first, 2) + at(last, 2)), color };
    });
  });
}

function paint(context: CanvasRenderingContext2D, { path, color }: Painted): void {
  const [first, ...rest] = path;
  if (first === undefined) return;
  context.beginPath();
  context.moveTo(...first);
  for (const corner of rest) context.lineTo(...corner);
  context.strokeStyle = color;
  if (rest.length > 1) {
    context.closePath();
    context.fillStyle = color;
    context.fill();
    // Closes the hair's breadth that smoothing leaves between neighbours.
    context.lineWidth = 0.6;
  } else context.lineWidth = 1.2;
  context.stroke();
}

export class CanvasSurface implements SurfaceViewer {
  private readonly coarse = new WeakMap<SurfaceMesh, SurfaceMesh>();

  constructor(private readonly canvas: HTMLCanvasElement) {}

  show({ objects, projection, crosshair }: SurfaceScene): void {
    const context = freshContext(this.canvas);
    if (context === null) return;
    const share = MAX_TRIANGLES / Math.max(objects.length, 1);
    const lines = crosshair === null ? [] : piecesOf(crosshair, projection);
    const triangles = objects.flatMap((object) => trianglesOf(object, this.meshOf(object, share), projection));
    for (const painted of [...triangles, ...lines].sort((one, other) => one.depth - other.depth)) paint(context, painted);
    // Once more, faintly: seen through what lies before it.
    context.globalAlpha = BEHIND_OPACITY;
    for (const line of lines) paint(context, line);
    context.globalAlpha = 1;
  }

  destroy(): void {
    freshContext(this.canvas);
  }

  private meshOf({ mesh }: SurfaceObject, maxTriangles: number): SurfaceMesh {
    let coarse = this.coarse.get(mesh);
    if (coarse === undefined) {
      coarse = coarser(mesh, maxTriangles);
      this.coarse.set(mesh, coarse);
    }
    return coarse;
  }
}
