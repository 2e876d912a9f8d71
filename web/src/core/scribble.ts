// Strokes of a prompt: polylines with a width, in voxels of a slice.
import type { Scribble } from '../api/types';
import type { SliceSize } from './box';

/** A place on a slice, in voxels. */
export type Place = readonly [number, number];

/** Corners closer to the line than this, in voxels, say nothing. */
const TOLERANCE_VOXELS = 0.2;

/** Half widths that a person can choose, in voxels. */
export const MAX_SCRIBBLE_RADIUS = 10;

/** The place inside the slice, to a hundredth of a voxel: more digits are noise of the pointer. */
export function placeInside(place: Place, size: SliceSize): [number, number] {
  const at = (value: number, n: number): number => Math.round(100 * Math.min(Math.max(value, 0), n - 1)) / 100;
  return [at(place[0], size[0]), at(place[1], size[1])];
}

/** How far a place lies from a line between two others. */
export function distanceToLine(place: Place, from: Place, to: Place): number {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((place[0] - from[0]) * dx + (place[1] - from[1]) * dy) / length;
  const part = Math.min(Math.max(along, 0), 1);
  return Math.hypot(place[0] - from[0] - part * dx, place[1] - from[1] - part * dy);
}

/** The polyline with fewer corners: none of those left out lies further off than the tolerance. */
export function simplified(path: readonly Place[], tolerance = TOLERANCE_VOXELS): Place[] {
  const [first, last] = [path[0], path[path.length - 1]];
  if (first === undefined || last === undefined || path.length < 3) return [...path];
  let [farthest, index] = [0, 0];
  path.forEach((place, at) => {
    const away = distanceToLine(place, first, last);
    if (away > farthest) [farthest, index] = [away, at];
  });
  if (farthest <= tolerance) return [first, last];
  return [...simplified(path.slice(0, index + 1), tolerance).slice(0, -1), ...simplified(path.slice(index), tolerance)];
}

function pathOf({ path }: Scribble): Place[] {
  return path.map(([x = 0, y = 0]) => [x, y]);
}

/** How far a place lies from a stroke's middle line. */
export function distanceToScribble(scribble: Scribble, place: Place): number {
  const path = pathOf(scribble);
  const [only] = path;
  if (only === undefined) return Infinity;
  if (path.length === 1) return distanceToLine(place, only, only);
  return Math.min(...path.slice(1).map((corner, at) => distanceToLine(place, path[at] ?? corner, corner)));
}

/** The newest stroke under a place, its width and `slack` voxels included; -1 where there is none. */
export function scribbleAt(scribbles: readonly Scribble[], place: Place, slack: number): number {
  return scribbles.findLastIndex((it) => distanceToScribble(it, place) <= Math.max(it.radius ?? 0, 0.5) + slack);
}
