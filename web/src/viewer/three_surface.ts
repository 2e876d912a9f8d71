// The only file that knows three.js: surfaces on WebGL2, drawn when something changed, never by themselves.
import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DirectionalLight,
  FrontSide,
  HemisphereLight,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  Mesh,
  MeshLambertMaterial,
  OrthographicCamera,
  Scene,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from 'three';
import type { SurfaceMesh } from '../core/surface';
import type { Projection } from '../core/surface_camera';
import { BEHIND_OPACITY, crosshairLines, type SurfaceCrosshair, type SurfaceObject, type SurfaceScene, type SurfaceViewer } from './surface_viewer';

/** Half the depth in millimetres that is drawn: more than any patient. */
const DEPTH_MM = 5000;

function geometryOf({ positions, triangles }: SurfaceMesh): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(positions, 3));
  geometry.setIndex(new BufferAttribute(triangles, 1));
  geometry.computeVertexNormals();
  return geometry;
}

interface Shown {
  readonly source: SurfaceMesh;
  readonly mesh: Mesh<BufferGeometry, MeshLambertMaterial>;
}

/** The crosshair twice: as surfaces leave it to be seen, and faintly through them. */
function crosshairLayers(geometry: BufferGeometry): readonly LineSegments[] {
  const seen = new LineBasicMaterial({ vertexColors: true });
  const behind = new LineBasicMaterial({ vertexColors: true, transparent: true, opacity: BEHIND_OPACITY, depthTest: false });
  return [seen, behind].map((material, order) => {
    const lines = new LineSegments(geometry, material);
    lines.frustumCulled = false;
    // The faint one lies over the surfaces, which are drawn by then.
    lines.renderOrder = order;
    return lines;
  });
}

export class ThreeSurface implements SurfaceViewer {
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new OrthographicCamera();
  private readonly lamp = new DirectionalLight(0xffffff, 2.4);
  private readonly shown = new Map<number, Shown>();
  private readonly crosshair = new BufferGeometry();
  private readonly layers = crosshairLayers(this.crosshair);

  constructor(canvas: HTMLCanvasElement) {
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true, preserveDrawingBuffer: true });
    this.renderer.setClearColor(0x000000, 1);
    this.camera.matrixAutoUpdate = false;
    this.scene.add(this.lamp, new HemisphereLight(0xffffff, 0x555555, 0.9), ...this.layers);
  }

  show({ objects, projection, crosshair }: SurfaceScene): void {
    const { width, height } = projection;
    this.renderer.setPixelRatio(window.devicePixelRatio);
    this.renderer.setSize(width, height, false);
    this.place(objects);
    this.cross(crosshair);
    this.look(projection);
    this.renderer.render(this.scene, this.camera);
  }

  destroy(): void {
    this.place([]);
    this.crosshair.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
  }

  private place(objects: readonly SurfaceObject[]): void {
    for (const [label, { mesh, source }] of this.shown) {
      if (objects.some((object) => object.label === label && object.mesh === source)) continue;
      this.scene.remove(mesh);
      mesh.geometry.dispose();
      mesh.material.dispose();
      this.shown.delete(label);
    }
    for (const object of objects) {
      const { material } = this.meshOf(object);
      material.color = new Color().setRGB(object.rgb[0] / 255, object.rgb[1] / 255, object.rgb[2] / 255, SRGBColorSpace);
      material.opacity = object.opacity;
      material.transparent = object.opacity < 1;
      // What lies behind something transparent must be seen through it.
      material.depthWrite = object.opacity >= 1;
    }
  }

  private cross(crosshair: SurfaceCrosshair | null): void {
    for (const layer of this.layers) layer.visible = crosshair !== null;
    if (crosshair === null) return;
    const lines = crosshairLines(crosshair);
    const colors = lines.flatMap(({ color }) => {
      const { r, g, b } = new Color(color);
      return [r, g, b, r, g, b];
    });
    this.crosshair.setAttribute('position', new BufferAttribute(Float32Array.from(lines.flatMap(({ from, to }) => [...from, ...to])), 3));
    this.crosshair.setAttribute('color', new BufferAttribute(Float32Array.from(colors), 3));
  }

  private meshOf({ label, mesh: source }: SurfaceObject): Shown['mesh'] {
    const before = this.shown.get(label);
    if (before !== undefined) return before.mesh;
    const mesh = new Mesh(geometryOf(source), new MeshLambertMaterial({ side: FrontSide }));
    mesh.frustumCulled = false;
    this.scene.add(mesh);
    this.shown.set(label, { source, mesh });
    return mesh;
  }

  private look({ right, up, toViewer, centre, pixelsPerMm, width, height, middle }: Projection): void {
    const [x, y] = [middle[0] / pixelsPerMm, (height - middle[1]) / pixelsPerMm];
    this.camera.left = -x;
    this.camera.right = width / pixelsPerMm - x;
    this.camera.bottom = -y;
    this.camera.top = height / pixelsPerMm - y;
    this.camera.near = -DEPTH_MM;
    this.camera.far = DEPTH_MM;
    this.camera.updateProjectionMatrix();
    const axes = new Matrix4().makeBasis(new Vector3(...right), new Vector3(...up), new Vector3(...toViewer));
    this.camera.matrix.copy(axes.setPosition(...centre));
    this.camera.matrixWorldNeedsUpdate = true;
    // The lamp is at the viewer's shoulder.
    this.lamp.position.set(
      toViewer[0] - 0.4 * right[0] + 0.5 * up[0],
      toViewer[1] - 0.4 * right[1] + 0.5 * up[1],
      toViewer[2] - 0.4 * right[2] + 0.5 * up[2],
    );
  }
}
