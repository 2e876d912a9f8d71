// Windows that are offered for the open image: its presets, and those that are worked out from its voxels.
import { automaticNames, presetName, presetsOf, type AutomaticName, type PresetName } from '../core/window';
import { automaticName, setAutomaticWindow } from '../state/automatic_window';
import type { OpenJob } from '../state/store';
import { setWindow } from '../state/view';

export interface OfferedWindow {
  readonly name: PresetName | AutomaticName;
  readonly choose: () => void;
}

interface WindowPresets {
  readonly offered: readonly OfferedWindow[];
  /** Null where the window is none of them. */
  readonly chosen: OfferedWindow['name'] | null;
}

export function windowPresets(open: OpenJob): WindowPresets {
  const { image } = open.job;
  const fixed = presetsOf(image).map(([name, window]) => ({
    name,
    choose: () => {
      setWindow(window);
    },
  }));
  const automatic = automaticNames(image).map((name) => ({ name, choose: () => void setAutomaticWindow(name) }));
  return { offered: [...fixed, ...automatic], chosen: presetName(image, open.window) ?? automaticName(open) };
}
