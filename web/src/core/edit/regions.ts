// Areas of a slice: a connected region, the holes of an object, the inside of a drawn line.
import type { Span } from './brush';
import { planeOffset, type SlicePlane } from './plane';

export interface Region {
  /** One byte per voxel of the slice, x fastest; 1 inside. */
  readonly inside: Uint8Array;
  /** Whether it reaches the slice's border. */
  readonly isOpen: boolean;
}

/** Grows from seeds over neighbours along x and y that `isIn` allows. Fills `inside`; says whether the border is reached. */
function grow(size: readonly [number, number], inside: Uint8Array, seeds: number[], isIn: (x: number, y: number) => boolean): boolean {
  const [width, height] = size;
  let isOpen = false;
  const visit = (x: number, y: number): void => {
    const at = x + width * y;
    if (inside[at] === 1 || !isIn(x, y)) return;
    inside[at] = 1;
    seeds.push(at);
  };
  const stack = seeds;
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const x = at % width;
    const y = (at - x) / width;
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) isOpen = true;
    if (x > 0) visit(x - 1, y);
    if (x < width - 1) visit(x + 1, y);
    if (y > 0) visit(x, y - 1);
    if (y < height - 1) visit(x, y + 1);
  }
  return isOpen;
}

/** The voxels of one label that hang together with a voxel of the slice, side by side. */
export function regionAt(voxels: Uint8Array, plane: SlicePlane, x: number, y: number): Region {
  const { size } = plane;
  const inside = new Uint8Array(size[0] * size[1]);
  const label = voxels[planeOffset(plane, x, y)];
  inside[x + size[0] * y] = 1;
  const isOpen = grow(size, inside, [x + size[0] * y], (nx, ny) => voxels[planeOffset(plane, nx, ny)] === label);
  return { inside, isOpen };
}

/** What an object encloses on a slice: all that is not of it and has no way to the border past it. */
export function holesOf(voxels: Uint8Array, plane: SlicePlane, label: number): Uint8Array {
  const [width, height] = plane.size;
  const isOther = (x: number, y: number): boolean => voxels[planeOffset(plane, x, y)] !== label;
  const outside = new Uint8Array(width * height);
  const seeds: number[] = [];
  const seed = (x: number, y: number): void => {
    const at = x + width * y;
    if (outside[at] === 1 || !isOther(x, y)) return;
    outside[at] = 1;
    seeds.push(at);
  };
  for (let x = 0; x < width; x++) {
    seed(x, 0);
    seed(x, height - 1);
  }
  for (let y = 0; y < height; y++) {
    seed(0, y);
    seed(width - 1, y);
  }
  grow(plane.size, outside, seeds, isOther);
  return outside.map((isOutside, at) => {
    const x = at % width;
    return isOutside === 0 && isOther(x, (at - x) / width) ? 1 : 0;
  });
}

/** Rows of an area. */
export function* spansOf(inside: Uint8Array, width: number): Generator<Span> {
  for (let start = 0; start < inside.length; start += width) {
    for (let x = 0; x < width; x++) {
      if (inside[start + x] !== 1) continue;
      const first = x;
      while (x + 1 < width && inside[start + x + 1] === 1) x++;
      yield [start / width, first, x];
    }
  }
}

/** The voxels whose centres lie inside a closed line; where it crosses itself, inside and outside alternate. */
export function lassoOf(corners: readonly (readonly [number, number])[], size: readonly [number, number]): Uint8Array {
  const [width, height] = size;
  const inside = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const crossings: number[] = [];
    corners.forEach(([x1, y1], at) => {
      const [x2, y2] = corners[(at + 1) % corners.length] ?? [x1, y1];
      if (y1 <= y !== y2 <= y) crossings.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
    });
    crossings.sort((a, b) => a - b);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const first = Math.max(Math.ceil(crossings[pair] ?? 0), 0);
      const last = Math.min(Math.ceil(crossings[pair + 1] ?? 0) - 1, width - 1);
      if (last >= first) inside.fill(1, width * y + first, width * y + last + 1);
    }
  }
  return inside;
}

/** The other voxels of the slice. */
export function inverse(inside: Uint8Array): Uint8Array {
  return inside.map((value) => 1 - value);
}

/** Where an object lies on a slice. */
export function areaOf(voxels: Uint8Array, plane: SlicePlane, label: number): Uint8Array {
  const [width, height] = plane.size;
  const inside = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (voxels[planeOffset(plane, x, y)] === label) inside[x + width * y] = 1;
    }
  }
  return inside;
}
