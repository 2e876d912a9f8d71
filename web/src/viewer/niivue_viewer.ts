// The only file that knows NiiVue. It is used as a renderer of the largest pane's slice; masks lie above it.
// Geometry is ours (core/tile.ts): NiiVue gets the voxels under an upright affine and the box that its pane shows.
import NiiVue from '@niivue/niivue/webgl2';
import { PLANE_AXES, type AxisIndex, type Plane, type Vec3 } from '../core/axes';
import type { Grid } from '../core/grid';
import type { Tile } from '../core/tile';
import { uprightHeader } from '../core/upright_nifti';
import type { DisplayVolume } from '../core/volume_file';
import type { Scene, SliceViewer } from './slice_viewer';

const SLICE_TYPE: Readonly<Record<Plane, number>> = { axial: 0, coronal: 1, sagittal: 2 };
const NO_3D_RENDER = 0;

function volumeFile(grid: Grid, volume: DisplayVolume): File {
  return new File([uprightHeader(grid, volume) as BlobPart, volume.voxels as BlobPart], 'volume.nii');
}

/** Millimetres along R, A, S of the box about the image's middle that a pane shows at zoom 1. */
function extentOf(grid: Grid, tile: Tile, zoom: number): Vec3 {
  const { across, up } = PLANE_AXES[tile.plane];
  const pixelsPerMm = tile.pixelsPerMm / zoom;
  const along = (axis: AxisIndex): number => {
    if (axis === across) return tile.pane.width / pixelsPerMm;
    return axis === up ? tile.pane.height / pixelsPerMm : grid.rasShape[axis] * grid.rasSpacingMm[axis];
  };
  return [along(0), along(1), along(2)];
}

/** A voxel's centre as a fraction of the box that is shown. The image's middle is the box's. */
function fraction(grid: Grid, extentMm: Vec3, ras: Vec3): [number, number, number] {
  const at = (axis: AxisIndex): number =>
    0.5 + ((ras[axis] - (grid.rasShape[axis] - 1) / 2) * grid.rasSpacingMm[axis]) / extentMm[axis];
  return [at(0), at(1), at(2)];
}

export class NiivueViewer implements SliceViewer {
  private shown: Scene | null = null;
  /** The window that is wanted, while another is being applied. */
  private pendingWindow: Scene['window'] | null = null;
  private isWindowing = false;

  private constructor(private readonly nv: NiiVue) {}

  /** Starts NiiVue on a canvas and hands it the volume. */
  static async create(canvas: HTMLCanvasElement, volume: DisplayVolume, scene: Scene): Promise<NiivueViewer> {
    const nv = new NiiVue({
      backend: 'webgl2',
      isAntiAlias: false,
      isDragDropEnabled: false,
      logLevel: 'error',
      backgroundColor: [0, 0, 0, 1],
      showRender: NO_3D_RENDER,
      isColorbarVisible: false,
      isOrientCubeVisible: false,
      isOrientationTextVisible: false,
      is3DCrosshairVisible: false,
      isGraphVisible: false,
      isRulerVisible: false,
      isCrossLinesVisible: false,
      isLegendVisible: false,
      crosshairWidth: 0,
      isRadiological: scene.convention === 'radiological',
    });
    // Made here, so that what was drawn stays for a picture of the view; NiiVue gets the same one.
    canvas.getContext('webgl2', { alpha: true, antialias: false, preserveDrawingBuffer: true });
    await nv.attachToCanvas(canvas);
    await nv.loadVolumes([
      {
        url: volumeFile(scene.grid, volume),
        name: 'volume.nii',
        colormap: 'Gray',
        calMin: scene.window.low,
        calMax: scene.window.high,
        isTransparentBelowCalMin: false,
        isColorbarVisible: false,
      },
    ]);
    const viewer = new NiivueViewer(nv);
    viewer.show(scene);
    return viewer;
  }

  show(scene: Scene): void {
    const [tile] = scene.arrangement.tiles;
    if (tile === undefined) return;
    const before = this.shown;
    this.shown = scene;
    if (before?.convention !== scene.convention) this.nv.isRadiological = scene.convention === 'radiological';
    const extentMm = extentOf(scene.grid, tile, scene.camera.zoom);
    if (before?.arrangement !== scene.arrangement) this.arrange(tile, extentMm);
    if (before?.camera !== scene.camera) {
      this.nv.pan2Dxyzmm = [...scene.camera.panMm, scene.camera.zoom];
    }
    if (before?.cursor !== scene.cursor || before.arrangement !== scene.arrangement) {
      this.nv.crosshairPos = fraction(scene.grid, extentMm, scene.cursor);
    }
    if (before !== null && before.window !== scene.window) void this.applyWindow(scene.window);
  }

  destroy(): void {
    this.nv.destroy();
  }

  /** NiiVue fits the scene's extents into the pane: with ours, the picture fills it and zooms into it. */
  private arrange({ plane }: Tile, extentMm: Vec3): void {
    this.nv.model.extentsMin = extentMm.map((mm) => -mm / 2);
    this.nv.model.extentsMax = extentMm.map((mm) => mm / 2);
    this.nv.customLayout = [{ sliceType: SLICE_TYPE[plane], position: [0, 0, 1, 1] }];
  }

  /** Applies windows one at a time; of those that arrive meanwhile only the last counts. */
  private async applyWindow(window: Scene['window']): Promise<void> {
    this.pendingWindow = window;
    if (this.isWindowing) return;
    this.isWindowing = true;
    while (this.pendingWindow !== null) {
      const { low, high } = this.pendingWindow;
      this.pendingWindow = null;
      await this.nv.setVolume(0, { calMin: low, calMax: high });
    }
    this.isWindowing = false;
  }
}
