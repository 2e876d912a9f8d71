// How the open job is looked at: crosshair, plane, window, magnification, tool, settings.
import { PLANE_AXES, storedAxisOfPlane, type AxisIndex, type Plane, type Vec3 } from '../core/axes';
import { clampRas, rasAtSlice, rasStepped, sliceOfPlane } from '../core/grid';
import { enlarged, isShared, type Layout, type PaneKind } from '../core/layout';
import { WHOLE_IMAGE, type Camera } from '../core/tile';
import type { Window } from '../core/window';
import { refuseReadOnly } from './accepted';
import { tellHindered } from './hindered';
import { writeSettings, type Settings } from './settings';
import { getState, patchOpen, setState, type OpenJob, type Tool } from './store';

export function setCursor(cursor: Vec3, plane?: Plane): void {
  patchOpen((open) => ({ cursor: clampRas(open.grid, cursor), plane: plane ?? open.plane }));
}

export function setHover(hover: Vec3 | null): void {
  setState(({ open }) => ({ hover: open === null || hover === null ? null : clampRas(open.grid, hover) }));
}

export function setPlane(plane: Plane): void {
  patchOpen({ plane });
}

/** Shows a stored slice on its plane. */
export function setSlice(plane: Plane, sliceIndex: number): void {
  patchOpen((open) => ({ cursor: rasAtSlice(open.grid, plane, open.cursor, sliceIndex), plane }));
}

/** Steps through a plane; positive towards S, A or R. */
export function stepSlice(plane: Plane, steps: number): void {
  patchOpen((open) => ({ cursor: rasStepped(open.grid, plane, open.cursor, steps), plane }));
}

/** To the first or last slice of a plane. */
export function toEnd(plane: Plane, last: boolean): void {
  patchOpen((open) => {
    const size = open.grid.rasShape[PLANE_AXES[plane].normal];
    return { cursor: rasStepped(open.grid, plane, open.cursor, last ? size : -size), plane };
  });
}

/** Shows another frame of a 4D image. */
export function setFrame(frame: number): void {
  patchOpen(({ job, file, frame: before }) => {
    const next = Math.min(Math.max(frame, 0), job.image.n_frames - 1);
    return next === before ? {} : { frame: next, volume: file?.frame(next) ?? null };
  });
}

export function stepFrame(steps: number): void {
  setFrame((getState().open?.frame ?? 0) + steps);
}

/** Takes all masks off the slices, or puts them back. */
export function toggleMasks(): void {
  patchOpen(({ masksHidden }) => ({ masksHidden: !masksHidden }));
}

export function setWindow(window: Window): void {
  if (window.high > window.low) patchOpen({ window });
}

export function setCamera(camera: Camera): void {
  patchOpen({ camera: camera.zoom <= 1.001 && camera.zoom >= 0.999 && camera.panMm.every((mm) => mm === 0) ? WHOLE_IMAGE : camera });
}

export function setTool(tool: Tool): void {
  if (tool !== 'navigate' && refuseReadOnly()) return;
  tellHindered(null);
  patchOpen({ tool });
}

export function changeSettings(change: Partial<Settings>): void {
  const settings = { ...getState().settings, ...change };
  writeSettings(settings);
  setState({ settings });
}

/** The plane that a layout puts first; the one that was active where none is. */
export function firstPlane(layout: Layout, large: Plane): Plane | null {
  if (layout === 'main') return large;
  return layout === 'grid' || layout === 'surface' ? null : layout;
}

export function setLayout(layout: Layout): void {
  const { large } = getState().settings;
  changeSettings(isShared(layout) ? { layout, shared: layout } : { layout });
  patchOpen((open) => ({ plane: firstPlane(layout, large) ?? open.plane, camera: WHOLE_IMAGE }));
}

/** Makes a pane larger, or puts it back where it is the only one. Magnification and place stay. */
export function enlarge(kind: PaneKind): void {
  const { layout, large, shared } = getState().settings;
  changeSettings(enlarged({ layout, large, shared }, kind));
  if (kind !== 'surface') setPlane(kind);
}

/** The stored slice that prompts go to: the active plane's. */
export function activeSlice(open: OpenJob): { axis: AxisIndex; sliceIndex: number } {
  return sliceOfPlane(open.grid, open.plane, open.cursor);
}

export function activeAxis(open: OpenJob): AxisIndex {
  return storedAxisOfPlane(open.grid.axes, open.plane);
}
