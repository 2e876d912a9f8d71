// The slices: a painter below, NiiVue above it once it has loaded, masks and overlay on top, a slider beneath.
import { useRef } from 'react';
import { Loader } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { storedAxisOfPlane } from '../core/axes';
import type { Rect } from '../core/layout';
import { useStore, type OpenJob } from '../state/store';
import { FrameSlider } from './FrameSlider';
import { PaneChrome } from './PaneChrome';
import { PlaneSlider } from './PlaneSlider';
import { SurfacePane } from './SurfacePane';
import { Thinking } from './Thinking';
import { usePresence } from './use_presence';
import { useToolLayer } from './use_tool_layer';
import { useArrangement, useInput, useMask, useOverlay, useScene, useSize, usesNiivue, useViewers, webgl2 } from './use_viewers';

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

/** Where an element lies over the stage. */
function styleOf({ x, y, width, height }: Rect): React.CSSProperties {
  return { left: x, top: y, width, height };
}

function Slices({ open }: { open: OpenJob }): React.JSX.Element {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const painter = useRef<HTMLCanvasElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const masks = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const toolLayer = useRef<HTMLCanvasElement>(null);
  const layout = useStore((state) => state.settings.layout);
  const size = useSize(box, layout);
  const arrangement = useArrangement(open, size);
  const { tiles, panes } = arrangement;
  const scene = useScene(open, arrangement);
  const hasNiivue = useViewers(open, scene, painter, host);
  const presence = usePresence();
  useMask(open, scene, masks);
  useOverlay(open, scene, overlay);
  useInput(overlay, tiles, open);
  useToolLayer(open, tiles, toolLayer);
  const [largest] = tiles;
  const viewer = hasNiivue ? 'niivue' : 'canvas';
  return (
    <>
      <div
        className="slices"
        ref={box}
        data-testid="viewer"
        data-viewer={viewer}
        data-layout={layout}
        data-volume={open.volume === null ? 'loading' : 'ready'}
      >
        <canvas ref={painter} className="layer" aria-hidden />
        <div ref={host} className={largest === undefined ? 'niivue-host layer-hidden' : 'niivue-host'} style={largest && styleOf(largest.pane)} aria-hidden />
        <canvas ref={masks} className="layer masks" aria-hidden />
        <canvas
          ref={overlay}
          className="layer overlay"
          tabIndex={0}
          role="application"
          aria-label={t('job.region')}
          data-testid="overlay"
        />
        <canvas ref={toolLayer} className="layer tools-layer" aria-hidden />
        {panes.map(({ kind, pane }) => (
          <div key={kind} className="pane" style={styleOf(pane)} data-testid={`pane-${kind}`}>
            {kind === 'surface' && <SurfacePane open={open} pane={pane} />}
            <PaneChrome kind={kind} open={open} presence={presence} />
          </div>
        ))}
        <Waiting open={open} hasNiivue={hasNiivue} />
        <Thinking />
      </div>
      <PlaneSlider key={storedAxisOfPlane(open.grid.axes, open.plane)} plane={open.plane} presence={presence} />
      <FrameSlider />
    </>
  );
}

export function ImageView(): React.JSX.Element | null {
  const open = useStore((state) => state.open);
  return open === null ? null : <Slices open={open} />;
}
