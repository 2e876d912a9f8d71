// What a case opens with, by modality: window, engine, opacity. Nothing chosen: what suits the image, as it was last.
import type { EngineName, EngineStatus, Image } from '../api/types';
import { firstWindow, PRESET_NAMES, presetsOf, type Intensities, type PresetName, type Window } from './window';

export type Modality = Image['modality'];

const ENGINES: readonly EngineName[] = ['graphcut', 'medsam2'];

export interface ModalityDefaults {
  readonly preset: PresetName | null;
  readonly engine: EngineName | null;
  /** 0–1. */
  readonly opacity: number | null;
}

export type Defaults = Readonly<Record<Modality, ModalityDefaults>>;

const NOTHING: ModalityDefaults = { preset: null, engine: null, opacity: null };

export const NO_DEFAULTS: Defaults = { CT: NOTHING, MR: NOTHING, unknown: NOTHING };

/** Windows that a modality offers: those of Hounsfield units for CT, those of the image's own values for all. */
export function presetNames(modality: Modality): readonly PresetName[] {
  return modality === 'CT' ? PRESET_NAMES : ['percentiles', 'full'];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Stored defaults; what is not one of ours counts as not chosen. */
export function defaultsFrom(stored: unknown): Defaults {
  const all = fieldsOf(stored);
  const of = (modality: Modality): ModalityDefaults => {
    const { preset, engine, opacity } = fieldsOf(all[modality]);
    return {
      preset: presetNames(modality).find((it) => it === preset) ?? null,
      engine: ENGINES.find((it) => it === engine) ?? null,
      opacity: typeof opacity === 'number' && opacity >= 0 && opacity <= 1 ? opacity : null,
    };
  };
  return { CT: of('CT'), MR: of('MR'), unknown: of('unknown') };
}

/** The window an image opens with; its own first one where the chosen one does not fit it. */
export function openingWindow(image: Intensities, preset: PresetName | null): Window {
  return presetsOf(image).find(([name]) => name === preset)?.[1] ?? firstWindow(image);
}

/** The chosen engine, unless the server says that it cannot run. */
export function openingEngine(engines: readonly EngineStatus[], engine: EngineName | null): EngineName | null {
  const isMissing = engines.length > 0 && !engines.some(({ name, ready }) => name === engine && ready);
  return isMissing ? null : engine;
}
