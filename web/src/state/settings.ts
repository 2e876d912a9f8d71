// What a person sets once for all jobs; kept in the browser.
import type { Convention, Layout } from '../core/tile';

export interface Settings {
  readonly theme: 'dark' | 'light';
  readonly convention: Convention;
  readonly layout: Layout;
  /** 0–1. */
  readonly opacity: number;
  readonly outline: boolean;
  readonly crosshair: boolean;
  /** Whether the engine runs after each change of a prompt. */
  readonly autoSegment: boolean;
}

const STORAGE_KEY = 'voxloop.settings';

const DEFAULTS: Settings = {
  theme: 'dark',
  convention: 'radiological',
  layout: 'axial',
  opacity: 0.4,
  outline: true,
  crosshair: true,
  autoSegment: true,
};

function flag(stored: unknown, otherwise: boolean): boolean {
  return typeof stored === 'boolean' ? stored : otherwise;
}

/** Stored settings; a value that is not one of ours falls back to its default. */
export function readSettings(): Settings {
  let stored: Partial<Record<keyof Settings, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}');
    if (typeof parsed === 'object' && parsed !== null) stored = parsed;
  } catch {
    stored = {};
  }
  const { theme, convention, layout, opacity, outline, crosshair, autoSegment } = stored;
  return {
    theme: theme === 'light' ? 'light' : DEFAULTS.theme,
    convention: convention === 'neurological' ? 'neurological' : DEFAULTS.convention,
    layout:
      layout === 'coronal' || layout === 'sagittal' || layout === 'grid' ? layout : DEFAULTS.layout,
    opacity: typeof opacity === 'number' && opacity >= 0 && opacity <= 1 ? opacity : DEFAULTS.opacity,
    outline: flag(outline, DEFAULTS.outline),
    crosshair: flag(crosshair, DEFAULTS.crosshair),
    autoSegment: flag(autoSegment, DEFAULTS.autoSegment),
  };
}

export function writeSettings(settings: Settings): void {
  localStorage.setItem(STORAGE_KEY, JSON.stringify(settings));
}
