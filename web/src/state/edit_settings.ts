// How the editing tools are set: the same for all jobs, kept in the browser.
import { MAX_BRUSH, type BrushShape } from '../core/edit/brush';
import type { EraseFrom, PaintOver } from '../core/edit/rules';

export type FillMode = 'region' | 'holes';
export type ScissorsMode = 'erase_inside' | 'erase_outside' | 'fill_inside';
/** Intensities of the threshold brush: about that of the voxel where the stroke begins, or typed. */
export type RangeMode = 'near' | 'typed';

export interface EditTools {
  readonly shape: BrushShape;
  readonly size: number;
  readonly over: PaintOver;
  readonly eraseFrom: EraseFrom;
  readonly fill: FillMode;
  readonly scissors: ScissorsMode;
  readonly rangeMode: RangeMode;
  /** Half the width of the range about a voxel's intensity. */
  readonly tolerance: number;
  readonly low: number;
  readonly high: number;
}

const STORAGE_KEY = 'voxloop.tools';

const DEFAULTS: EditTools = {
  shape: 'round',
  size: 8,
  over: 'background',
  eraseFrom: 'active',
  fill: 'region',
  scissors: 'erase_inside',
  rangeMode: 'near',
  tolerance: 50,
  low: 0,
  high: 200,
};

/** The settings as they were left; what is not one of ours falls back to its default. */
export function readEditTools(): EditTools {
  let stored: Partial<Record<keyof EditTools, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}');
    if (typeof parsed === 'object' && parsed !== null) stored = parsed;
  } catch {
    stored = {};
  }
  const one = <K extends keyof EditTools>(key: K, allowed: readonly EditTools[K][]): EditTools[K] =>
    allowed.find((it) => it === stored[key]) ?? DEFAULTS[key];
  const number = (key: 'size' | 'tolerance' | 'low' | 'high', low: number, high: number): number => {
    const value = stored[key];
    return typeof value === 'number' && value >= low && value <= high ? value : DEFAULTS[key];
  };
  return {
    shape: one('shape', ['round', 'square']),
    size: Math.round(number('size', 1, MAX_BRUSH)),
    over: one('over', ['background', 'unlocked']),
    eraseFrom: one('eraseFrom', ['active', 'unlocked']),
    fill: one('fill', ['region', 'holes']),
    scissors: one('scissors', ['erase_inside', 'erase_outside', 'fill_inside']),
    rangeMode: one('rangeMode', ['near', 'typed']),
    tolerance: number('tolerance', 0, Number.MAX_VALUE),
    low: number('low', -Number.MAX_VALUE, Number.MAX_VALUE),
    high: number('high', -Number.MAX_VALUE, Number.MAX_VALUE),
  };
}

export function writeEditTools(tools: EditTools): void {
  localStorage.setItem(STORAGE_KEY, JSON.stringify(tools));
}
