// Brushes: which voxels one covers, snapped to the grid, and the way it takes from one place to the next.

/** A line between two places of a slice, in voxel corners: `[x1, y1, x2, y2]`. */
export type Edge = readonly [number, number, number, number];

export type BrushShape = 'round' | 'square';

/** `size` is the diameter in voxels along the finer side of a slice; 1 is a single voxel. */
export interface Brush {
  readonly shape: BrushShape;
  readonly size: number;
}

/** Voxels covered in one row: y, first and last x. */
export type Span = readonly [number, number, number];

export interface Stamp {
  /** Rows of voxels, from the anchor voxel. */
  readonly spans: readonly Span[];
  /** Whether an even number of voxels is covered along x and y: then the middle is a corner, not a voxel. */
  readonly even: readonly [boolean, boolean];
}

export const MAX_BRUSH = 100;

/** Distances of the covered voxels from the middle along one side, in voxels from the anchor. */
function reach(count: number): { first: number; last: number; middle: number } {
  const isEven = count % 2 === 0;
  const last = Math.floor(count / 2);
  return { first: isEven ? 1 - last : -last, last, middle: isEven ? 0.5 : 0 };
}

/**
 * The voxels of a brush on a slice with these millimetres between voxels. Round: centres within half the diameter,
 * in millimetres, so that it is round on the screen where voxels are not square.
 */
export function stampOf({ shape, size }: Brush, [sx, sy]: readonly [number, number]): Stamp {
  const diameter = size * Math.min(sx, sy);
  const counts = [sx, sy].map((spacing) => Math.max(1, Math.round(diameter / spacing))) as [number, number];
  const [x, y] = [reach(counts[0]), reach(counts[1])];
  const limit = (diameter / 2) ** 2 * (1 + 1e-9);
  const isCovered = (dx: number, dy: number): boolean =>
    shape === 'square' || ((dx - x.middle) * sx) ** 2 + ((dy - y.middle) * sy) ** 2 <= limit;
  const spans: Span[] = [];
  for (let dy = y.first; dy <= y.last; dy++) {
    let [first, last] = [x.first, x.last];
    while (first <= last && !isCovered(first, dy)) first++;
    while (last >= first && !isCovered(last, dy)) last--;
    if (first <= last) spans.push([dy, first, last]);
  }
  return { spans, even: [counts[0] % 2 === 0, counts[1] % 2 === 0] };
}

/** The anchor voxel of a brush held at a place, in voxels of the slice. */
export function anchorAt({ even }: Stamp, place: readonly [number, number]): readonly [number, number] {
  const snap = (value: number, isEven: boolean): number => (isEven ? Math.floor(value) : Math.round(value));
  return [snap(place[0], even[0]), snap(place[1], even[1])];
}

/** Voxels from one to another in steps to a neighbour, the first left out. */
export function walk(from: readonly [number, number], to: readonly [number, number]): (readonly [number, number])[] {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const steps = Math.max(Math.abs(dx), Math.abs(dy));
  return Array.from({ length: steps }, (_, at) => {
    const part = (at + 1) / steps;
    return [Math.round(from[0] + dx * part), Math.round(from[1] + dy * part)] as const;
  });
}

/** The edges around a stamp, in voxel corners from the anchor. */
export function stampEdges({ spans }: Stamp): Edge[] {
  const edges: Edge[] = [];
  const rows = new Map(spans.map((span) => [span[0], span]));
  const border = (span: Span, next: Span | undefined, at: number): void => {
    const [, first, last] = span;
    if (next === undefined) {
      edges.push([first - 0.5, at, last + 0.5, at]);
      return;
    }
    if (first < next[1]) edges.push([first - 0.5, at, next[1] - 0.5, at]);
    if (last > next[2]) edges.push([next[2] + 0.5, at, last + 0.5, at]);
  };
  for (const span of spans) {
    const [y, first, last] = span;
    edges.push([first - 0.5, y - 0.5, first - 0.5, y + 0.5], [last + 0.5, y - 0.5, last + 0.5, y + 0.5]);
    border(span, rows.get(y - 1), y - 0.5);
    border(span, rows.get(y + 1), y + 0.5);
  }
  return edges;
}
