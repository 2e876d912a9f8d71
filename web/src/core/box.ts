// Box prompts on a slice: inclusive voxel corners, clamped to the slice, moved and resized by handles.

/** Inclusive corners `[x1, y1, x2, y2]` in stored voxels of a slice, x1 ≤ x2, y1 ≤ y2. */
export type Box = readonly [number, number, number, number];

/** Voxels along a slice's x and y. */
export type SliceSize = readonly [number, number];

/** Sides and corners that a box can be held by. */
export type Handle = 'x1' | 'x2' | 'y1' | 'y2' | 'x1y1' | 'x1y2' | 'x2y1' | 'x2y2';

export const HANDLES: readonly Handle[] = ['x1', 'x2', 'y1', 'y2', 'x1y1', 'x1y2', 'x2y1', 'x2y2'];

/** A side shorter than this makes a box too small to say much. */
export const SMALL_SIDE_VOXELS = 4;

function clamp(value: number, size: number): number {
  return Math.min(Math.max(value, 0), size - 1);
}

/** The box between two places, rounded to voxels, ordered, inside the slice. */
export function boxBetween(a: readonly [number, number], b: readonly [number, number], size: SliceSize): Box {
  const x = [clamp(Math.round(a[0]), size[0]), clamp(Math.round(b[0]), size[0])] as const;
  const y = [clamp(Math.round(a[1]), size[1]), clamp(Math.round(b[1]), size[1])] as const;
  return [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
}

/** The box with corners in order and inside the slice. */
export function clampBox(box: Box, size: SliceSize): Box {
  return boxBetween([box[0], box[1]], [box[2], box[3]], size);
}

/** The box moved by whole voxels, kept whole inside the slice. */
export function moveBox(box: Box, dx: number, dy: number, size: SliceSize): Box {
  const shift = (low: number, high: number, delta: number, n: number): number =>
    Math.min(Math.max(Math.round(delta), -low), n - 1 - high);
  const [sx, sy] = [shift(box[0], box[2], dx, size[0]), shift(box[1], box[3], dy, size[1])];
  return [box[0] + sx, box[1] + sy, box[2] + sx, box[3] + sy];
}

/** The box with the held side or corner at a new place. */
export function resizeBox(box: Box, handle: Handle, to: readonly [number, number], size: SliceSize): Box {
  let [x1, y1, x2, y2] = box;
  if (handle.includes('x1')) x1 = to[0];
  if (handle.includes('x2')) x2 = to[0];
  if (handle.includes('y1')) y1 = to[1];
  if (handle.includes('y2')) y2 = to[1];
  return boxBetween([x1, y1], [x2, y2], size);
}

/** Where a handle sits, in voxel coordinates; sides lie half a voxel outside the corners' centres. */
export function handlePlace(box: Box, handle: Handle): readonly [number, number] {
  const [left, top, right, bottom] = [box[0] - 0.5, box[1] - 0.5, box[2] + 0.5, box[3] + 0.5];
  const x = handle.includes('x1') ? left : handle.includes('x2') ? right : (left + right) / 2;
  const y = handle.includes('y1') ? top : handle.includes('y2') ? bottom : (top + bottom) / 2;
  return [x, y];
}

/** Whether a place lies in the box, its outer voxels included. */
export function boxContains(box: Box, place: readonly [number, number]): boolean {
  return (
    place[0] >= box[0] - 0.5 && place[0] <= box[2] + 0.5 && place[1] >= box[1] - 0.5 && place[1] <= box[3] + 0.5
  );
}

/** Width and height in voxels. */
export function boxSize(box: Box): readonly [number, number] {
  return [box[2] - box[0] + 1, box[3] - box[1] + 1];
}

export function isSmall(box: Box): boolean {
  const [width, height] = boxSize(box);
  return width < SMALL_SIDE_VOXELS || height < SMALL_SIDE_VOXELS;
}

/** One corner of the box set to a typed number; the opposite corner gives way, so that the box stays in order. */
export function boxWithCorner(box: Box, corner: 0 | 1 | 2 | 3, value: number, size: SliceSize): Box {
  const next: [number, number, number, number] = [...box];
  next[corner] = clamp(Math.round(value), size[corner % 2 === 0 ? 0 : 1]);
  const opposite = (corner + 2) % 4;
  const isFirst = corner < 2;
  const crossed = isFirst ? next[corner] > (next[opposite] ?? 0) : next[corner] < (next[opposite] ?? 0);
  if (crossed) next[opposite] = next[corner];
  return next;
}
