// How surfaces are looked at: a turntable about the patient's long axis, without perspective.
import { AXES, type Vec3 } from './axes';
import type { Bounds } from './surface';

export interface SurfaceCamera {
  /** Turn about S in radians: 0 looks at the patient's front, π/2 at the right side. */
  readonly azimuth: number;
  /** Towards S in radians: π/2 looks down from above. */
  readonly elevation: number;
  readonly zoom: number;
  /** Shift on the screen, as a share of the pane's shorter side; up is positive. */
  readonly pan: readonly [number, number];
}

/** From the front, a little from the side and above, as a person is met. */
export const FIRST_CAMERA: SurfaceCamera = { azimuth: -0.45, elevation: 0.35, zoom: 1, pan: [0, 0] };

const MAX_ZOOM = 20;
const MIN_ZOOM = 0.3;
const UPRIGHT = Math.PI / 2;

/** Sides that surfaces are looked at from. */
export const SIDES = ['A', 'P', 'R', 'L', 'S', 'I'] as const;

export type Side = (typeof SIDES)[number];

const FROM: Readonly<Record<Side, readonly [number, number]>> = {
  A: [0, 0],
  P: [Math.PI, 0],
  R: [UPRIGHT, 0],
  L: [-UPRIGHT, 0],
  S: [0, UPRIGHT],
  I: [0, -UPRIGHT],
};

export function lookFrom(camera: SurfaceCamera, side: Side): SurfaceCamera {
  const [azimuth, elevation] = FROM[side];
  return { ...camera, azimuth, elevation };
}

export function turned(camera: SurfaceCamera, azimuth: number, elevation: number): SurfaceCamera {
  return {
    ...camera,
    azimuth: camera.azimuth + azimuth,
    elevation: Math.min(Math.max(camera.elevation + elevation, -UPRIGHT), UPRIGHT),
  };
}

/** Magnifies about a place, given as a share of the shorter side from the middle, up positive; it stays where it is. */
export function zoomed(camera: SurfaceCamera, factor: number, about: readonly [number, number] = [0, 0]): SurfaceCamera {
  const zoom = Math.min(Math.max(camera.zoom * factor, MIN_ZOOM), MAX_ZOOM);
  const ratio = zoom / camera.zoom;
  const along = (axis: 0 | 1): number => about[axis] - (about[axis] - camera.pan[axis]) * ratio;
  return { ...camera, zoom, pan: [along(0), along(1)] };
}

export function shifted(camera: SurfaceCamera, right: number, up: number): SurfaceCamera {
  return { ...camera, pan: [camera.pan[0] + right, camera.pan[1] + up] };
}

/** The screen's directions in RAS: to the right, up, and towards the viewer. */
export interface Basis {
  readonly right: Vec3;
  readonly up: Vec3;
  readonly toViewer: Vec3;
}

export function basisOf({ azimuth, elevation }: SurfaceCamera): Basis {
  const [sa, ca, se, ce] = [Math.sin(azimuth), Math.cos(azimuth), Math.sin(elevation), Math.cos(elevation)];
  return { right: [-ca, sa, 0], up: [-sa * se, -ca * se, ce], toViewer: [sa * ce, ca * ce, se] };
}

export function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** What is needed to put a place in millimetres onto a pane. */
export interface Projection extends Basis {
  /** Millimetres in RAS that lie in the middle of the pane at pan zero. */
  readonly centre: Vec3;
  readonly pixelsPerMm: number;
  /** CSS pixels of the pane. */
  readonly width: number;
  readonly height: number;
  /** Where `centre` lies in the pane. */
  readonly middle: readonly [number, number];
}

/** Share of the pane's shorter side that the surfaces' largest extent has at zoom 1. */
const FILL = 0.72;

export function projectionOf(camera: SurfaceCamera, { low, high }: Bounds, width: number, height: number): Projection {
  const shorter = Math.min(width, height);
  const sizeMm = Math.max(Math.hypot(...AXES.map((axis) => high[axis] - low[axis])), 1);
  const centre: Vec3 = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2];
  return {
    ...basisOf(camera),
    centre,
    pixelsPerMm: (FILL * shorter * camera.zoom) / sizeMm,
    width,
    height,
    middle: [width / 2 + camera.pan[0] * shorter, height / 2 - camera.pan[1] * shorter],
  };
}

/** Place in the pane, in CSS pixels from its top left, and depth in millimetres towards the viewer. */
export function projected(projection: Projection, mm: Vec3): Vec3 {
  const { centre, right, up, toViewer, pixelsPerMm, middle } = projection;
  const from: Vec3 = [mm[0] - centre[0], mm[1] - centre[1], mm[2] - centre[2]];
  return [middle[0] + pixelsPerMm * dot(from, right), middle[1] - pixelsPerMm * dot(from, up), dot(from, toViewer)];
}
