// What is kept in the browser is checked when it is read; what a case opens with follows its modality.
import { describe, expect, it } from 'vitest';
import type { EngineStatus } from '../src/api/types';
import { defaultsFrom, NO_DEFAULTS, openingEngine, openingWindow } from '../src/core/defaults';
import { DEFAULTS, settingsFrom } from '../src/state/settings';

const CT = { modality: 'CT', intensity_range: [-1024, 1500], intensity_percentiles: [-900, 400] };
const MR = { modality: 'MR', intensity_range: [0, 2000], intensity_percentiles: [10, 900] };

describe('stored settings', () => {
  it.each(['', 'no json', 'null', '[]', '7', '{"theme":"pink","opacity":3,"autoSegment":"yes","defaults":{"CT":5}}'])('%s falls back to what is usual', (text) => {
    expect(settingsFrom(text)).toEqual(DEFAULTS);
  });

  it('what was chosen comes back', () => {
    const defaults = { ...NO_DEFAULTS, CT: { preset: 'lung', engine: 'graphcut', opacity: 0.7 } } as const;
    const chosen = { ...DEFAULTS, theme: 'system', convention: 'neurological', autoSegment: false, tourSeen: true, defaults } as const;
    expect(settingsFrom(JSON.stringify(chosen))).toEqual(chosen);
  });
});

describe('defaults of a modality', () => {
  it('a preset of Hounsfield units is one for CT only', () => {
    const stored = { CT: { preset: 'liver' }, MR: { preset: 'liver', opacity: 1.5, engine: 'other' }, unknown: { preset: 'full', opacity: 0 } };
    expect(defaultsFrom(stored)).toEqual({
      CT: { preset: 'liver', engine: null, opacity: null },
      MR: { preset: null, engine: null, opacity: null },
      unknown: { preset: 'full', engine: null, opacity: 0 },
    });
  });

  it('the window is the chosen one where the image has it', () => {
    expect(openingWindow(CT, 'lung')).toEqual({ low: -1350, high: 150 });
    expect(openingWindow(CT, null)).toEqual({ low: -160, high: 240 });
    expect(openingWindow(MR, 'full')).toEqual({ low: 0, high: 2000 });
    // A CT that was scaled to grey levels has no Hounsfield units.
    const grey = { ...CT, intensity_range: [0, 255], intensity_percentiles: [5, 250] };
    expect(openingWindow(grey, 'lung')).toEqual({ low: 5, high: 250 });
  });

  it('the engine is the chosen one unless it cannot run', () => {
    const status = (name: EngineStatus['name'], ready: boolean): EngineStatus => ({ name, ready, version: '1', licence: 'MIT' });
    expect(openingEngine([], 'medsam2')).toBe('medsam2');
    expect(openingEngine([status('graphcut', true), status('medsam2', false)], 'medsam2')).toBeNull();
    expect(openingEngine([status('graphcut', true), status('medsam2', true)], 'medsam2')).toBe('medsam2');
    expect(openingEngine([status('graphcut', true)], null)).toBeNull();
  });
});
