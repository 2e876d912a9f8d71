// Writes voxels of one slice under the rules of an edit, and says which part of the slice was touched.
import type { Span, Stamp } from './brush';
import { anchorAt, walk } from './brush';
import type { Recorder } from './change';
import type { Met } from './hindrance';
import type { SlicePlane } from './plane';
import type { Writable } from './rules';

/** First and last x and y, inclusive. */
export type SliceRect = readonly [number, number, number, number];

export interface PencilRules {
  /** What voxels become; 0 erases. */
  readonly label: number;
  readonly writable: Writable;
  /** Whether a voxel may change, by its offset: intensities of a threshold brush. All may where it is left out. */
  readonly accepts?: (offset: number) => boolean;
}

export class Pencil {
  private touched: [number, number, number, number] | null = null;
  private readonly kept = new Uint8Array(256);
  private outOfRange = false;

  constructor(
    private readonly record: Recorder,
    readonly plane: SlicePlane,
    private readonly rules: PencilRules,
  ) {}

  /** Writes the voxels of one row; those outside the slice are left out. */
  span([y, first, last]: Span): void {
    const { size, start, strides } = this.plane;
    if (y < 0 || y >= size[1]) return;
    const { label, writable, accepts } = this.rules;
    const end = Math.min(last, size[0] - 1);
    for (let x = Math.max(first, 0); x <= end; x++) {
      const offset = start + x * strides[0] + y * strides[1];
      const before = this.record.labelAt(offset);
      if (before === label) continue;
      if (writable[before] !== 1) this.kept[before] = 1;
      else if (accepts !== undefined && !accepts(offset)) this.outOfRange = true;
      else {
        this.record.set(offset, label);
        this.touch(x, y);
      }
    }
  }

  spans(spans: Iterable<Span>): void {
    for (const span of spans) this.span(span);
  }

  /** What was in the way so far. */
  get met(): Met {
    return { kept: new Set([...this.kept.keys()].filter((label) => this.kept[label] === 1)), outOfRange: this.outOfRange };
  }

  /** The part of the slice that changed since the last call; null where nothing did. */
  takeTouched(): SliceRect | null {
    const { touched } = this;
    this.touched = null;
    return touched;
  }

  private touch(x: number, y: number): void {
    if (this.touched === null) {
      this.touched = [x, y, x, y];
      return;
    }
    const rect = this.touched;
    if (x < rect[0]) rect[0] = x;
    if (y < rect[1]) rect[1] = y;
    if (x > rect[2]) rect[2] = x;
    if (y > rect[3]) rect[3] = y;
  }
}

/** A brush drawn over a slice: whatever lies between two places is painted as well. */
export class Stroke {
  private anchor: readonly [number, number] | null = null;

  constructor(
    readonly pencil: Pencil,
    private readonly stamp: Stamp,
  ) {}

  /** Goes on to a place in voxels of the slice. */
  to(place: readonly [number, number]): void {
    const next = anchorAt(this.stamp, place);
    const way = this.anchor === null ? [next] : walk(this.anchor, next);
    this.anchor = next;
    for (const [x, y] of way) {
      for (const [dy, first, last] of this.stamp.spans) this.pencil.span([y + dy, x + first, x + last]);
    }
  }
}
