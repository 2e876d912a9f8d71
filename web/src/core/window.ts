// Intensity windows: presets per modality, and the arithmetic of dragging.

export interface Window {
  readonly low: number;
  readonly high: number;
}

export type PresetName = 'abdomen' | 'lung' | 'bone' | 'brain' | 'liver' | 'percentiles' | 'full';

/** Windows worked out from the intensities that are there: 1–99 %, 5–95 %, and those of the active object with as much around. */
export type AutomaticName = 'most' | 'middle' | 'object';

/** Every preset, those of Hounsfield units first. */
export const PRESET_NAMES: readonly PresetName[] = ['abdomen', 'lung', 'bone', 'brain', 'liver', 'percentiles', 'full'];

const CT_PRESETS: readonly (readonly [PresetName, Window])[] = [
  ['abdomen', { low: -160, high: 240 }],
  ['lung', { low: -1350, high: 150 }],
  ['bone', { low: -700, high: 1300 }],
  ['brain', { low: 0, high: 80 }],
  ['liver', { low: -45, high: 105 }],
];

export interface Intensities {
  readonly modality: string;
  readonly intensity_range: readonly number[];
  readonly intensity_percentiles: readonly number[];
}

function ordered(values: readonly number[]): Window {
  const [low = 0, high = 1] = values;
  return high > low ? { low, high } : { low, high: low + 1 };
}

/** Whether stored values look like Hounsfield units: a CT that was scaled to 0–255 before it was saved has none. */
export function hasHounsfieldUnits(image: Intensities): boolean {
  return image.modality === 'CT' && (image.intensity_range[0] ?? 0) < -500;
}

/** Windows offered for an image: those of its modality, then those of its own values. */
export function presetsOf(image: Intensities): readonly (readonly [PresetName, Window])[] {
  const own: readonly (readonly [PresetName, Window])[] = [
    ['percentiles', ordered(image.intensity_percentiles)],
    ['full', ordered(image.intensity_range)],
  ];
  return hasHounsfieldUnits(image) ? [...CT_PRESETS, ...own] : own;
}

/** Windows that are worked out on demand; Hounsfield units have fixed ones for the image as a whole. */
export function automaticNames(image: Intensities): readonly AutomaticName[] {
  return hasHounsfieldUnits(image) ? ['object'] : ['most', 'middle', 'object'];
}

/** The window an image opens with. */
export function firstWindow(image: Intensities): Window {
  return presetsOf(image)[0]?.[1] ?? { low: 0, high: 1 };
}

/** The preset that equals a window, if one does. */
export function presetName(image: Intensities, window: Window): PresetName | null {
  return presetsOf(image).find(([, it]) => it.low === window.low && it.high === window.high)?.[0] ?? null;
}

/** A window dragged by pixels: to the right widens it, down raises its level (darker). */
export function draggedWindow(start: Window, dx: number, dy: number, range: readonly number[]): Window {
  const span = Math.max((range[1] ?? 1) - (range[0] ?? 0), 1e-6);
  const unit = Math.max((start.high - start.low) / 200, span / 4000);
  const width = Math.max(start.high - start.low + dx * unit, span / 10000);
  const level = (start.high + start.low) / 2 + dy * unit;
  const round = (value: number): number => (span > 20 ? Math.round(value) : Number(value.toPrecision(4)));
  const low = round(level - width / 2);
  return { low, high: Math.max(round(level + width / 2), low + (span > 20 ? 1 : 1e-6)) };
}
