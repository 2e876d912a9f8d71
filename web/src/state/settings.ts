// What a person sets once for all jobs; kept in the browser.
import { PLANES, type Plane } from '../core/axes';
import { defaultsFrom, NO_DEFAULTS, type Defaults } from '../core/defaults';
import { firstLayout, LAYOUTS, type Layout, type SharedLayout } from '../core/layout';
import type { Convention } from '../core/tile';

/** `system`: as the person's system has it. */
export const THEMES = ['dark', 'light', 'system'] as const;

export type Theme = (typeof THEMES)[number];

export interface Settings {
  readonly theme: Theme;
  readonly convention: Convention;
  readonly layout: Layout;
  /** The large plane of the layout `main`. */
  readonly large: Plane;
  /** What a pane that is alone goes back to. */
  readonly shared: SharedLayout;
  /** 0–1. */
  readonly opacity: number;
  readonly outline: boolean;
  readonly crosshair: boolean;
  /** Orientation letters at the edges of the slices. */
  readonly letters: boolean;
  /** Scale bar, and slice, window and magnification in the corners. */
  readonly annotations: boolean;
  /** Whether the engine runs after each change of a prompt. */
  readonly autoSegment: boolean;
  /** What a case opens with, by modality. */
  readonly defaults: Defaults;
  /** Whether the tour was taken or left. */
  readonly tourSeen: boolean;
}

const STORAGE_KEY = 'voxloop.settings';

export const DEFAULTS: Settings = {
  theme: 'dark',
  convention: 'radiological',
  layout: 'axial',
  large: 'axial',
  shared: 'main',
  opacity: 0.4,
  outline: true,
  crosshair: true,
  letters: true,
  annotations: true,
  autoSegment: true,
  defaults: NO_DEFAULTS,
  tourSeen: false,
};

/** The defaults on this page: a roomy one starts with all three planes. */
export function defaultsHere(): Settings {
  return { ...DEFAULTS, layout: firstLayout(window.innerWidth) };
}

function flag(stored: unknown, otherwise: boolean): boolean {
  return typeof stored === 'boolean' ? stored : otherwise;
}

/** Stored settings; a value that is not one of ours falls back to its default. */
export function settingsFrom(text: string, otherwise = DEFAULTS): Settings {
  let stored: Partial<Record<keyof Settings, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) stored = parsed;
  } catch {
    stored = {};
  }
  const { theme, convention, layout, large, shared, opacity, outline, crosshair, letters, annotations, autoSegment, defaults, tourSeen } = stored;
  return {
    theme: THEMES.find((it) => it === theme) ?? DEFAULTS.theme,
    convention: convention === 'neurological' ? 'neurological' : DEFAULTS.convention,
    layout: LAYOUTS.find((it) => it === layout) ?? otherwise.layout,
    large: PLANES.find((it) => it === large) ?? DEFAULTS.large,
    shared: shared === 'grid' ? shared : DEFAULTS.shared,
    opacity: typeof opacity === 'number' && opacity >= 0 && opacity <= 1 ? opacity : DEFAULTS.opacity,
    outline: flag(outline, DEFAULTS.outline),
    crosshair: flag(crosshair, DEFAULTS.crosshair),
    letters: flag(letters, DEFAULTS.letters),
    annotations: flag(annotations, DEFAULTS.annotations),
    autoSegment: flag(autoSegment, DEFAULTS.autoSegment),
    defaults: defaultsFrom(defaults),
    tourSeen: flag(tourSeen, DEFAULTS.tourSeen),
  };
}

export function readSettings(): Settings {
  return settingsFrom(localStorage.getItem(STORAGE_KEY) ?? '{}', defaultsHere());
}

export function writeSettings(settings: Settings): void {
  localStorage.setItem(STORAGE_KEY, JSON.stringify(settings));
}
