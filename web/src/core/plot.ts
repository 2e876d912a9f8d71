// Where bars, a line and the marks of the axes lie in a plot of tasks over time.
import type { RateBucket } from '../api/types';

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Steps from 0 to at least `most` by 1, 2 or 5 times a power of ten, at most five of them. */
export function niceSteps(most: number, smallest: number): readonly number[] {
  const aim = Math.max(most, smallest) / 4;
  const power = 10 ** Math.floor(Math.log10(aim));
  const factor = [1, 2, 5, 10].find((it) => it * power >= aim * (1 - 1e-9)) ?? 10;
  const step = Math.max(factor * power, smallest);
  const n = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: n + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

export interface Bar {
  readonly x: number;
  readonly width: number;
  /** Top and height of each part, lowest first. */
  readonly parts: readonly { readonly kind: 'succeeded' | 'failed' | 'cancelled'; readonly y: number; readonly height: number }[];
}

const GAP = 0.18;
const KINDS = ['succeeded', 'failed', 'cancelled'] as const;

export function total(bucket: RateBucket): number {
  return bucket.succeeded + bucket.failed + bucket.cancelled;
}

/** One bar a bucket, its parts on top of each other; `most` tasks reach the frame's top. */
export function barsOf(buckets: readonly RateBucket[], most: number, frame: Frame): readonly Bar[] {
  const step = (frame.width - frame.left - frame.right) / Math.max(1, buckets.length);
  const unit = (frame.height - frame.top - frame.bottom) / Math.max(1, most);
  return buckets.map((bucket, index) => {
    let y = frame.height - frame.bottom;
    const parts = KINDS.filter((kind) => bucket[kind] > 0).map((kind) => {
      const height = bucket[kind] * unit;
      y -= height;
      return { kind, y, height };
    });
    return { x: frame.left + step * (index + GAP / 2), width: step * (1 - GAP), parts };
  });
}

/** Points of a line through the buckets that have a value, cut where there is none; `most` reaches the frame's top. */
export function linesOf(values: readonly (number | null)[], most: number, frame: Frame): readonly (readonly (readonly [number, number])[])[] {
  const step = (frame.width - frame.left - frame.right) / Math.max(1, values.length);
  const height = frame.height - frame.top - frame.bottom;
  const lines: [number, number][][] = [];
  let open: [number, number][] | null = null;
  values.forEach((value, index) => {
    if (value === null) {
      open = null;
      return;
    }
    if (open === null) lines.push((open = []));
    open.push([frame.left + step * (index + 0.5), frame.height - frame.bottom - (value / Math.max(most, 1e-9)) * height]);
  });
  return lines;
}
