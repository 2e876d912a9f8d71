// The slices: a painter below, NiiVue above it once it has loaded, the overlay on top, sliders beneath.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Loader } from '@mantine/core';
import { flushSync } from 'react-dom';
import { useTranslation } from 'react-i18next';
import { PLANES, storedAxisOfPlane, type Plane, type Vec3 } from '../core/axes';
import { paletteOf } from '../core/palette';
import { arrange, type Arrangement, type Layout, type Tile } from '../core/tile';
import { useStore, type OpenJob } from '../state/store';
import { CanvasViewer } from '../viewer/canvas_viewer';
import { drawOverlay } from '../viewer/overlay';
import { acceleration, suitsNiivue, type Scene, type SliceViewer } from '../viewer/slice_viewer';
import { listenToImage, type ImageInput } from '../input/listen';
import { PlaneSlider } from './PlaneSlider';
import { Thinking } from './Thinking';

const webgl2 = acceleration();
// Begins to load at once; the first slice is painted meanwhile.
const niivueCode = webgl2 === 'none' ? null : import('../viewer/niivue_viewer');

function usesNiivue({ grid }: OpenJob): boolean {
  return suitsNiivue(webgl2, grid.shape[0] * grid.shape[1] * grid.shape[2]);
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of an element: measured when the layout changes, and whenever it changes by itself. */
function useSize(element: React.RefObject<HTMLElement | null>, layout: Layout): Size {
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

function useArrangement(open: OpenJob, { width, height }: Size): Arrangement {
  const { layout, convention } = useStore((state) => state.settings);
  const { grid, camera } = open;
  return useMemo(() => arrange(grid, layout, width, height, camera, convention), [grid, layout, width, height, camera, convention]);
}

function useScene(open: OpenJob, arrangement: Arrangement): Scene {
  const { convention, opacity } = useStore((state) => state.settings);
  const { grid, cursor, window, camera, shown, hidden } = open;
  const { labels } = open.job;
  const palette = useMemo(() => paletteOf(labels, hidden), [labels, hidden]);
  return useMemo(
    () => ({ grid, arrangement, cursor, window, camera, convention, mask: shown, palette, opacity }),
    [grid, arrangement, cursor, window, camera, convention, shown, palette, opacity],
  );
}

/** Starts NiiVue once the voxels are there; until then, and without WebGL2, the painter shows the slices. */
function useViewer(open: OpenJob, scene: Scene, painterCanvas: React.RefObject<HTMLCanvasElement | null>, host: React.RefObject<HTMLDivElement | null>): boolean {
  const [niivue, setNiivue] = useState<SliceViewer | null>(null);
  const painter = useRef<CanvasViewer | null>(null);
  const latest = useRef(scene);
  const { volume } = open;
  const jobId = open.job.job_id;
  const isPlaced = scene.arrangement.width > 0;
  const isWanted = usesNiivue(open);

  useLayoutEffect(() => {
    latest.current = scene;
    if (painterCanvas.current === null || !isPlaced) return;
    painter.current ??= new CanvasViewer(painterCanvas.current, jobId);
    painter.current.setVolume(volume);
    if (niivue === null) painter.current.show(scene);
    else niivue.show(scene);
  }, [scene, niivue, volume, jobId, painterCanvas, isPlaced]);

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

function useOverlay(open: OpenJob, scene: Scene, canvas: React.RefObject<HTMLCanvasElement | null>): void {
  const { t } = useTranslation();
  const { outline, crosshair } = useStore((state) => state.settings);
  const { label, plane, hidden, tool } = open;
  const { prompts } = open.job;
  useLayoutEffect(() => {
    if (canvas.current === null || scene.arrangement.width === 0) return;
    const title = (it: Plane): string => t(`plane.${it}`);
    drawOverlay(canvas.current, { ...scene, prompts, label, plane, hidden, outline, crosshair, handles: tool === 'box', title });
  }, [canvas, scene, prompts, label, plane, hidden, outline, crosshair, tool, t]);
}

/** Pointer and wheel on the overlay; what lies under the pointer is told again when the picture moves. */
function useInput(overlay: React.RefObject<HTMLCanvasElement | null>, tiles: readonly Tile[], cursor: Vec3): void {
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
  }, [tiles, cursor]);
}

function Waiting({ open, hasNiivue }: { open: OpenJob; hasNiivue: boolean }): React.JSX.Element | null {
  const { t } = useTranslation();
  if (open.volumeFailed) return <p className="stage-note" data-testid="viewer-note">{t('job.imageFailed')}</p>;
  if (webgl2 === 'none') return <p className="stage-note" data-testid="viewer-note">{t('job.noWebgl')}</p>;
  if (hasNiivue || (open.volume !== null && !usesNiivue(open))) return null;
  return (
    <p className="stage-note" role="status">
      <Loader size={14} aria-hidden /> {t(open.volume === null ? 'job.loadingVolume' : 'job.loadingViewer')}
    </p>
  );
}

function Slices({ open }: { open: OpenJob }): React.JSX.Element {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const painter = useRef<HTMLCanvasElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const layout = useStore((state) => state.settings.layout);
  const size = useSize(box, layout);
  const arrangement = useArrangement(open, size);
  const { tiles } = arrangement;
  const scene = useScene(open, arrangement);
  const hasNiivue = useViewer(open, scene, painter, host);
  useOverlay(open, scene, overlay);
  useInput(overlay, tiles, open.cursor);
  const isGrid = tiles.length > 1;
  const viewer = hasNiivue ? 'niivue' : 'canvas';
  return (
    <>
      <div className="slices" ref={box} data-testid="viewer" data-viewer={viewer} data-volume={open.volume === null ? 'loading' : 'ready'}>
        <canvas ref={painter} className="layer" aria-hidden />
        <div ref={host} className="layer" aria-hidden />
        <canvas
          ref={overlay}
          className="layer overlay"
          tabIndex={0}
          role="application"
          aria-label={t('job.region')}
          data-testid="overlay"
        />
        {isGrid && (
          <div className="grid-sliders">
            {PLANES.map((plane) => (
              <PlaneSlider key={plane} plane={plane} isCompact />
            ))}
          </div>
        )}
        <Waiting open={open} hasNiivue={hasNiivue} />
        <Thinking />
      </div>
      {!isGrid && <PlaneSlider key={storedAxisOfPlane(open.grid.axes, open.plane)} plane={open.plane} isCompact={false} />}
    </>
  );
}

export function ImageView(): React.JSX.Element | null {
  const open = useStore((state) => state.open);
  return open === null ? null : <Slices open={open} />;
}
