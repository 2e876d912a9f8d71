// Surfaces on Canvas2D, for browsers without WebGL2: shaded triangles, the farthest first.
import { coarser, type SurfaceMesh } from '../core/surface';
import { dot, projected, type Projection } from '../core/surface_camera';
import { freshContext } from './slice_viewer';
import type { SurfaceObject, SurfaceScene, SurfaceViewer } from './surface_viewer';

/** More triangles than this are not drawn in the time of a frame or two. */
const MAX_TRIANGLES = 12_000;

interface Triangle {
  readonly path: readonly [number, number, number, number, number, number];
  readonly depth: number;
  readonly color: string;
}

function trianglesOf({ rgb, opacity }: SurfaceObject, { positions, triangles }: SurfaceMesh, projection: Projection): Triangle[] {
  const at = (corner: number): readonly [number, number, number] => [
    positions[3 * corner] ?? 0,
    positions[3 * corner + 1] ?? 0,
    positions[3 * corner + 2] ?? 0,
  ];
  const out: Triangle[] = [];
  for (let first = 0; first < triangles.length; first += 3) {
    const [a, b, c] = [at(triangles[first] ?? 0), at(triangles[first + 1] ?? 0), at(triangles[first + 2] ?? 0)];
    const [u, v] = [[b[0] - a[0], b[1] - a[1], b[2] - a[2]] as const, [c[0] - a[0], c[1] - a[1], c[2] - a[2]] as const];
    const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]] as const;
    const facing = dot(normal, projection.toViewer) / (Math.hypot(...normal) || 1);
    if (facing <= 0) continue;
    const [p, q, r] = [projected(projection, a), projected(projection, b), projected(projection, c)];
    const shade = 0.3 + 0.7 * facing;
    const color = `rgb(${rgb.map((value) => Math.round(value * shade)).join(' ')} / ${opacity})`;
    out.push({ path: [p[0], p[1], q[0], q[1], r[0], r[1]], depth: p[2] + q[2] + r[2], color });
  }
  return out;
}

export class CanvasSurface implements SurfaceViewer {
  private readonly coarse = new WeakMap<SurfaceMesh, SurfaceMesh>();

  constructor(private readonly canvas: HTMLCanvasElement) {}

  show({ objects, projection }: SurfaceScene): void {
    const context = freshContext(this.canvas);
    if (context === null) return;
    const share = MAX_TRIANGLES / Math.max(objects.length, 1);
    const triangles = objects
      .flatMap((object) => trianglesOf(object, this.meshOf(object, share), projection))
      .sort((one, other) => one.depth - other.depth);
    context.lineWidth = 0.6;
    for (const { path, color } of triangles) {
      context.beginPath();
      context.moveTo(path[0], path[1]);
      context.lineTo(path[2], path[3]);
      context.lineTo(path[4], path[5]);
      context.closePath();
      context.fillStyle = color;
      context.fill();
      // Closes the hair's breadth that smoothing leaves between neighbours.
      context.strokeStyle = color;
      context.stroke();
    }
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
