// The viewers' life: what they show, the painter, NiiVue above it once it has loaded, masks, and the overlay.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { useTranslation } from 'react-i18next';
import type { Plane } from '../core/axes';
import { formatWindow } from '../core/format';
import { sliceOfPlane } from '../core/grid';
import type { Layout } from '../core/layout';
import { drawnDiameters } from '../core/measure';
import { outlineColors, paletteOf } from '../core/palette';
import { promptAt } from '../core/prompts';
import { arrange, type Arrangement, type Tile } from '../core/tile';
import { listenToImage, type ImageInput } from '../input/listen';
import { onPainted } from '../state/live';
import { useStore, type OpenJob } from '../state/store';
import { CanvasViewer } from '../viewer/canvas_viewer';
import { MaskLayer } from '../viewer/mask_layer';
import { drawOverlay } from '../viewer/overlay';
import { acceleration, suitsNiivue, type Scene, type SliceViewer } from '../viewer/slice_viewer';

export const webgl2 = acceleration();
// Begins to load at once; the first slice is painted meanwhile.
const niivueCode = webgl2 === 'none' ? null : import('../viewer/niivue_viewer');

export function usesNiivue({ grid, frame }: OpenJob): boolean {
  // NiiVue would begin anew with each frame; the painter shows another at once.
  return frame === 0 && suitsNiivue(webgl2, grid.shape[0] * grid.shape[1] * grid.shape[2]);
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of an element: measured when the layout changes, and whenever it changes by itself. */
export function useSize(element: React.RefObject<HTMLElement | null>, layout: Layout): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const watched = element.current;
    if (watched === null) return undefined;
    const measure = (): void => {
      setSize({ width: watched.clientWidth, height: watched.clientHeight });
    };
    measure();
    // Within the frame: NiiVue follows the new size at once, and what lies over it must too.
    const observer = new ResizeObserver(() => {
      flushSync(measure);
    });
    observer.observe(watched);
    return () => {
      observer.disconnect();
    };
  }, [element, layout]);
  return size;
}

export function useArrangement(open: OpenJob, { width, height }: Size): Arrangement {
  const { layout, large, convention } = useStore((state) => state.settings);
  const { grid, camera } = open;
  return useMemo(
    () => arrange(grid, { layout, large, camera, convention }, width, height),
    [grid, layout, large, width, height, camera, convention],
  );
}

export function useScene(open: OpenJob, arrangement: Arrangement): Scene {
  const convention = useStore((state) => state.settings.convention);
  const { grid, cursor, window, camera } = open;
  return useMemo(
    () => ({ grid, arrangement, cursor, window, camera, convention }),
    [grid, arrangement, cursor, window, camera, convention],
  );
}

/** Starts NiiVue once the voxels are there; until then, and without WebGL2, the painter shows all slices. */
export function useViewers(
  open: OpenJob,
  scene: Scene,
  painterCanvas: React.RefObject<HTMLCanvasElement | null>,
  host: React.RefObject<HTMLDivElement | null>,
): boolean {
  const [niivue, setNiivue] = useState<SliceViewer | null>(null);
  const painter = useRef<CanvasViewer | null>(null);
  const latest = useRef(scene);
  const { volume, frame } = open;
  const jobId = open.job.job_id;
  const isPlaced = scene.arrangement.width > 0;
  const isWanted = usesNiivue(open);

  useLayoutEffect(() => {
    latest.current = scene;
    if (painterCanvas.current === null || !isPlaced) return;
    painter.current ??= new CanvasViewer(painterCanvas.current, jobId);
    painter.current.setVolume(volume, frame);
    painter.current.skip(niivue === null ? null : (scene.arrangement.tiles[0]?.plane ?? null));
    painter.current.show(scene);
    niivue?.show(scene);
  }, [scene, niivue, volume, frame, jobId, painterCanvas, isPlaced]);

  useEffect(() => {
    const parent = host.current;
    if (volume === null || niivueCode === null || parent === null || !isPlaced || !isWanted) return undefined;
    const canvas = document.createElement('canvas');
    canvas.className = 'niivue-canvas';
    parent.append(canvas);
    let viewer: SliceViewer | null = null;
    let isGone = false;
    const start = async (): Promise<void> => {
      const { NiivueViewer } = await niivueCode;
      viewer = await NiivueViewer.create(canvas, volume, latest.current);
      if (isGone) viewer.destroy();
      else {
        canvas.classList.add('niivue-canvas-shown');
        setNiivue(viewer);
      }
    };
    start().catch(() => {
      // The painter goes on; it shows the same slices.
      canvas.remove();
    });
    return () => {
      isGone = true;
      setNiivue(null);
      viewer?.destroy();
      canvas.remove();
    };
  }, [volume, host, isPlaced, isWanted]);
  return niivue !== null;
}

/** Draws masks above the slices. */
export function useMask(open: OpenJob, { arrangement }: Scene, canvas: React.RefObject<HTMLCanvasElement | null>): void {
  const { opacity, outline } = useStore((state) => state.settings);
  const { grid, cursor, shown, hidden } = open;
  const { masksHidden } = open;
  const a = open.compared?.a?.mask ?? null;
  const b = open.compared?.b.mask ?? null;
  // Two masks can only be told apart by their outlines.
  const isOutlined = outline || b !== null;
  const { labels } = open.job;
  const layer = useRef<MaskLayer | null>(null);
  const palette = useMemo(() => paletteOf(labels, hidden, opacity), [labels, hidden, opacity]);
  const outlines = useMemo(() => outlineColors(labels, hidden, isOutlined), [labels, hidden, isOutlined]);
  useLayoutEffect(() => {
    if (canvas.current === null || arrangement.width === 0) return;
    layer.current ??= new MaskLayer(canvas.current);
    const masks = masksHidden ? { mask: null, compared: null } : { mask: shown, compared: b === null ? null : { a, b } };
    layer.current.show({ grid, arrangement, cursor, palette, outlines, ...masks });
  }, [canvas, grid, arrangement, cursor, shown, palette, outlines, a, b, masksHidden]);
  // A stroke is seen while it is drawn, without a turn through the store.
  useEffect(
    () =>
      onPainted(({ slice, rect }) => {
        layer.current?.repaint(slice, rect);
      }),
    [],
  );
}

/** Pixels at the bottom of a pane that its slider takes, where panes have sliders of their own. */
const PANE_SLIDER_PX = 26;

export function useOverlay(open: OpenJob, scene: Scene, canvas: React.RefObject<HTMLCanvasElement | null>): void {
  const { t } = useTranslation();
  const { crosshair, letters, annotations } = useStore((state) => state.settings);
  const { label, plane, hidden, tool, measured } = open;
  const { prompts, labels } = open.job;
  const hasDiameters = useStore((state) => state.panelTab === 'measure') && open.diameters;
  const diameters = useMemo(() => (hasDiameters ? drawnDiameters(measured, labels) : []), [hasDiameters, measured, labels]);
  useLayoutEffect(() => {
    const { arrangement, grid, cursor, window, camera } = scene;
    if (canvas.current === null || arrangement.width === 0) return;
    const facts = formatWindow(window, camera.zoom);
    const words = (it: Plane): { title: string; facts: string } => {
      const { axis, sliceIndex } = sliceOfPlane(grid, it, cursor);
      const name = t(`plane.${it}`);
      const place = annotations ? `${name} ${t('slice.position', { index: sliceIndex, last: grid.shape[axis] - 1 })}` : name;
      const vouched = promptAt(prompts, { axis, sliceIndex, label });
      if (vouched?.absent === true) return { title: `${place} · ∅ ${t('slice.absent')}`, facts };
      return { title: vouched?.mask === true ? `${place} · ✓ ${t('slice.confirmed')}` : place, facts };
    };
    const footer = arrangement.panes.length > 1 ? PANE_SLIDER_PX : 0;
    const handles = tool === 'box';
    drawOverlay(canvas.current, { ...scene, prompts, label, plane, hidden, crosshair, letters, annotations, handles, words, footer, diameters });
  }, [canvas, scene, prompts, label, plane, hidden, crosshair, letters, annotations, tool, diameters, t]);
}

/** Pointer and wheel on the overlay; what lies under the pointer is told again when the picture moves. */
export function useInput(overlay: React.RefObject<HTMLCanvasElement | null>, tiles: readonly Tile[], { cursor, tool, label }: OpenJob): void {
  const editTools = useStore((state) => state.editTools);
  const tilesNow = useRef(tiles);
  const input = useRef<ImageInput | null>(null);
  useEffect(() => {
    if (overlay.current === null) return undefined;
    const listening = listenToImage(overlay.current, () => tilesNow.current);
    input.current = listening;
    return listening.stop;
  }, [overlay]);
  useEffect(() => {
    tilesNow.current = tiles;
    input.current?.refresh();
  }, [tiles, cursor, tool, label, editTools]);
}
