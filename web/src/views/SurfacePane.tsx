// The objects in three dimensions: turned by hand, with the slices' crosshair among them and the patient's directions.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { ActionIcon, Loader } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { mmFromRas } from '../core/grid';
import type { Rect } from '../core/layout';
import { rgbOf, shownLabels } from '../core/palette';
import { boundsOf, type Bounds } from '../core/surface';
import { FIRST_CAMERA, lookFrom, projectionOf, SIDES, type SurfaceCamera } from '../core/surface_camera';
import { listenToSurface } from '../input/surface';
import { useStore, type OpenJob, type Surfaces } from '../state/store';
import { watchSurfaces } from '../state/surfaces';
import { CanvasSurface } from '../viewer/canvas_surface';
import { drawMarks, type SurfaceObject, type SurfaceScene, type SurfaceViewer } from '../viewer/surface_viewer';
import { webgl2 } from './use_viewers';

async function viewerOn(canvas: HTMLCanvasElement): Promise<SurfaceViewer> {
  if (webgl2 === 'none') return new CanvasSurface(canvas);
  const { ThreeSurface } = await import('../viewer/three_surface');
  return new ThreeSurface(canvas);
}

function useObjects({ job, hidden }: OpenJob, surfaces: Surfaces | null): readonly SurfaceObject[] {
  const { labels } = job;
  return useMemo(
    () =>
      shownLabels(labels, hidden).flatMap(({ value, color, opacity }) => {
        const mesh = surfaces?.meshes.get(value);
        return mesh === undefined || mesh.triangles.length === 0 ? [] : [{ label: value, mesh, rgb: rgbOf(color), opacity: opacity ?? 1 }];
      }),
    [labels, hidden, surfaces],
  );
}

/** The box that is looked at: that of the first surfaces, until the view is put back. */
function useBounds(objects: readonly SurfaceObject[], reset: number): Bounds | null {
  const [kept, setKept] = useState<{ readonly reset: number; readonly bounds: Bounds } | null>(null);
  const now = useMemo(() => boundsOf(objects.map(({ mesh }) => mesh)), [objects]);
  if (now !== null && kept?.reset !== reset) setKept({ reset, bounds: now });
  return kept?.bounds ?? now;
}

/** Draws the scene on a canvas of its own; the viewer's code is loaded when there is a pane to draw on. */
function useSurfaceViewer(host: React.RefObject<HTMLDivElement | null>, scene: SurfaceScene | null): void {
  const [viewer, setViewer] = useState<SurfaceViewer | null>(null);
  useEffect(() => {
    const parent = host.current;
    if (parent === null) return undefined;
    const canvas = document.createElement('canvas');
    canvas.className = 'layer';
    parent.append(canvas);
    let isGone = false;
    let made: SurfaceViewer | null = null;
    viewerOn(canvas)
      .then((it) => {
        made = it;
        if (isGone) it.destroy();
        else setViewer(it);
      })
      .catch(() => {
        // Without the code the pane stays empty; the slices are not touched.
      });
    return () => {
      isGone = true;
      made?.destroy();
      canvas.remove();
      setViewer(null);
    };
  }, [host]);
  useLayoutEffect(() => {
    if (viewer !== null && scene !== null) viewer.show(scene);
  }, [viewer, scene]);
}

function Sides({ onLook, onReset }: { onLook: (change: (camera: SurfaceCamera) => SurfaceCamera) => void; onReset: () => void }): React.JSX.Element {
  const { t } = useTranslation();
  return (
    <div className="surface-sides" role="group" aria-label={t('surface.sides')}>
      {SIDES.map((side) => (
        <button
          key={side}
          type="button"
          className="surface-side"
          aria-label={t('surface.from', { side: t(`side.${side}`) })}
          title={t('surface.from', { side: t(`side.${side}`) })}
          onClick={() => {
            onLook((camera) => lookFrom(camera, side));
          }}
        >
          {side}
        </button>
      ))}
      <ActionIcon size={32} className="surface-reset" aria-label={t('surface.reset')} title={t('surface.reset')} data-testid="surface-reset" onClick={onReset}>
        <IconRefresh size={16} />
      </ActionIcon>
    </div>
  );
}

function Note({ open, surfaces, isEmpty }: { open: OpenJob; surfaces: Surfaces | null; isEmpty: boolean }): React.JSX.Element | null {
  const { t } = useTranslation();
  if (surfaces?.state === 'failed') return <p className="surface-note" data-testid="surface-note">{t('surface.failed')}</p>;
  const isLoading = (open.job.head ?? null) !== null && surfaces?.state !== 'ready';
  if (isLoading && isEmpty) {
    return (
      <p className="surface-note" role="status">
        <Loader size={14} aria-hidden /> {t('surface.loading')}
      </p>
    );
  }
  return isEmpty ? <p className="surface-note" data-testid="surface-note">{t('surface.none')}</p> : null;
}

export function SurfacePane({ open, pane }: { open: OpenJob; pane: Rect }): React.JSX.Element {
  const { t } = useTranslation();
  const picture = useRef<HTMLDivElement>(null);
  const marks = useRef<HTMLCanvasElement>(null);
  const surfaces = useStore((state) => state.surfaces);
  const { crosshair, letters } = useStore((state) => state.settings);
  const [camera, setCamera] = useState<SurfaceCamera>(FIRST_CAMERA);
  const [reset, setReset] = useState(0);
  useEffect(watchSurfaces, []);
  const objects = useObjects(open, surfaces);
  const bounds = useBounds(objects, reset);
  const { width, height } = pane;
  const projection = useMemo(() => bounds && projectionOf(camera, bounds, width, height), [camera, bounds, width, height]);
  const { grid, cursor } = open;
  const scene = useMemo<SurfaceScene | null>(() => {
    if (projection === null || bounds === null) return null;
    const reachMm = Math.hypot(bounds.high[0] - bounds.low[0], bounds.high[1] - bounds.low[1], bounds.high[2] - bounds.low[2]) / 2;
    return { objects, projection, crosshair: crosshair ? { mm: mmFromRas(grid, cursor), reachMm } : null };
  }, [objects, projection, bounds, grid, cursor, crosshair]);
  useSurfaceViewer(picture, scene);
  useLayoutEffect(() => {
    if (marks.current !== null && projection !== null) drawMarks(marks.current, projection, letters);
  }, [projection, letters]);
  useEffect(() => (marks.current === null ? undefined : listenToSurface(marks.current, setCamera)), []);
  const putBack = useCallback(() => {
    setCamera(FIRST_CAMERA);
    setReset((n) => n + 1);
  }, []);

  return (
    <>
      <div
        ref={picture}
        className="layer"
        aria-hidden
        data-testid="surface"
        data-state={surfaces?.state ?? 'none'}
        data-revision={surfaces?.revision ?? ''}
        data-objects={objects.length}
      />
      <canvas ref={marks} className="layer overlay" tabIndex={0} role="application" aria-label={t('surface.region')} data-testid="surface-marks" />
      <span className="pane-title">{t('plane.surface')}</span>
      <Note open={open} surfaces={surfaces} isEmpty={objects.length === 0} />
      {objects.length > 0 && <Sides onLook={setCamera} onReset={putBack} />}
    </>
  );
}
