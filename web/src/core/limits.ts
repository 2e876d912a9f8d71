// Which numbers will do in a field.

export interface Limits {
  readonly least: number;
  readonly most: number;
  readonly isWhole?: boolean;
}

/** Whether what stands in a field is a number within its limits. Fields tell numbers that are complete as such. */
export function isWithin({ least, most, isWhole = false }: Limits, value: string | number): value is number {
  return typeof value === 'number' && value >= least && value <= most && (!isWhole || Number.isInteger(value));
}

/** The number that will do next to one that may not. */
export function nearest({ least, most, isWhole = false }: Limits, value: number): number {
  return Math.min(Math.max(isWhole ? Math.round(value) : value, least), most);
}

/** Intensities further from 0 than this are no window that shows anything. */
const MOST_INTENSITY = 1e9;

export const ANY_INTENSITY: Limits = { least: -MOST_INTENSITY, most: MOST_INTENSITY };

/** What a side of a window may be beside the other one. */
export function windowLimits(side: 'low' | 'high', { low, high }: { readonly low: number; readonly high: number }): Limits {
  const gap = Math.max(1e-6, (high - low) * 1e-6);
  return side === 'low' ? { least: -MOST_INTENSITY, most: high - gap } : { least: low + gap, most: MOST_INTENSITY };
}
