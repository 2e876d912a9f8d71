// Options of the editing tools: size and shape, what is painted over, intensities, mode.
import { NativeSelect, SegmentedControl, Slider } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { MAX_BRUSH } from '../core/edit/brush';
import { ANY_INTENSITY } from '../core/limits';
import type { EditTools } from '../state/edit_settings';
import { changeEditTools, setBrushSize } from '../state/edit_tools';
import { useStore, type EditTool } from '../state/store';
import { CheckedNumber } from './CheckedNumber';

function useEditTools(): EditTools {
  return useStore((state) => state.editTools);
}

function Size(): React.JSX.Element {
  const { t } = useTranslation();
  const { size } = useEditTools();
  return (
    <>
      <span className="dim option-word">{t('edit.size')}</span>
      <Slider
        size="xs"
        className="brush-size"
        label={null}
        min={1}
        max={MAX_BRUSH}
        value={size}
        thumbLabel={t('edit.size')}
        data-testid="brush-slider"
        onChange={setBrushSize}
      />
      <CheckedNumber
        size="xs"
        className="option-number"
        aria-label={t('edit.sizeVoxels')}
        title={t('edit.sizeKeys')}
        data-testid="brush-size"
        limits={{ least: 1, most: MAX_BRUSH, isWhole: true }}
        value={size}
        onChange={setBrushSize}
      />
    </>
  );
}

function Shape(): React.JSX.Element {
  const { t } = useTranslation();
  const { shape } = useEditTools();
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('edit.shape')}
      data-testid="brush-shape"
      value={shape}
      data={[
        { value: 'round' as const, label: t('edit.round') },
        { value: 'square' as const, label: t('edit.square') },
      ]}
      onChange={(next) => {
        changeEditTools({ shape: next });
      }}
    />
  );
}

function Over(): React.JSX.Element {
  const { t } = useTranslation();
  const { over } = useEditTools();
  return (
    <span className="option">
      <span className="dim option-word">{t('edit.over')}</span>
      <NativeSelect
        size="xs"
        className="option-select"
        aria-label={t('edit.over')}
        data-testid="paint-over"
        value={over}
        data={[
          { value: 'background', label: t('edit.overBackground') },
          { value: 'unlocked', label: t('edit.overUnlocked') },
        ]}
        onChange={(event) => {
          changeEditTools({ over: event.currentTarget.value === 'unlocked' ? 'unlocked' : 'background' });
        }}
      />
    </span>
  );
}

function From(): React.JSX.Element {
  const { t } = useTranslation();
  const { eraseFrom } = useEditTools();
  return (
    <span className="option">
      <span className="dim option-word">{t('edit.from')}</span>
      <NativeSelect
        size="xs"
        className="option-select"
        aria-label={t('edit.from')}
        data-testid="erase-from"
        value={eraseFrom}
        data={[
          { value: 'active', label: t('edit.fromActive') },
          { value: 'unlocked', label: t('edit.fromUnlocked') },
        ]}
        onChange={(event) => {
          changeEditTools({ eraseFrom: event.currentTarget.value === 'unlocked' ? 'unlocked' : 'active' });
        }}
      />
    </span>
  );
}

interface IntensityProps {
  readonly name: 'tolerance' | 'low' | 'high';
  readonly label: string;
}

function Intensity({ name, label }: IntensityProps): React.JSX.Element {
  const value = useEditTools()[name];
  return (
    <CheckedNumber
      size="xs"
      className="option-number"
      hideControls
      aria-label={label}
      title={label}
      data-testid={`threshold-${name}`}
      value={value}
      limits={name === 'tolerance' ? { ...ANY_INTENSITY, least: 0 } : ANY_INTENSITY}
      onChange={(next) => {
        changeEditTools({ [name]: next });
      }}
    />
  );
}

function Range(): React.JSX.Element {
  const { t } = useTranslation();
  const { rangeMode } = useEditTools();
  return (
    <>
      <NativeSelect
        size="xs"
        className="option-select"
        aria-label={t('edit.range')}
        data-testid="threshold-mode"
        value={rangeMode}
        data={[
          { value: 'near', label: t('edit.rangeNear') },
          { value: 'typed', label: t('edit.rangeTyped') },
        ]}
        onChange={(event) => {
          changeEditTools({ rangeMode: event.currentTarget.value === 'typed' ? 'typed' : 'near' });
        }}
      />
      {rangeMode === 'near' ? (
        <span className="option">
          ±<Intensity name="tolerance" label={t('edit.tolerance')} />
        </span>
      ) : (
        <span className="option">
          <Intensity name="low" label={t('edit.low')} />–<Intensity name="high" label={t('edit.high')} />
        </span>
      )}
    </>
  );
}

function BrushOptions(): React.JSX.Element {
  return (
    <>
      <Size />
      <Shape />
      <Over />
    </>
  );
}

function EraserOptions(): React.JSX.Element {
  return (
    <>
      <Size />
      <Shape />
      <From />
    </>
  );
}

function ThresholdOptions(): React.JSX.Element {
  return (
    <>
      <Size />
      <Range />
      <Over />
    </>
  );
}

function FillOptions(): React.JSX.Element {
  const { t } = useTranslation();
  const { fill } = useEditTools();
  return (
    <>
      <SegmentedControl
        size="xs"
        aria-label={t('edit.fillMode')}
        data-testid="fill-mode"
        value={fill}
        data={[
          { value: 'region' as const, label: t('edit.fillRegion') },
          { value: 'holes' as const, label: t('edit.fillHoles') },
        ]}
        onChange={(next) => {
          changeEditTools({ fill: next });
        }}
      />
      <Over />
    </>
  );
}

function ScissorsOptions(): React.JSX.Element {
  const { t } = useTranslation();
  const { scissors } = useEditTools();
  return (
    <>
      <SegmentedControl
        size="xs"
        aria-label={t('edit.scissorsMode')}
        data-testid="scissors-mode"
        value={scissors}
        data={(['erase_inside', 'erase_outside', 'fill_inside'] as const).map((value) => ({ value, label: t(`scissors.${value}`) }))}
        onChange={(next) => {
          changeEditTools({ scissors: next });
        }}
      />
      {scissors === 'fill_inside' ? <Over /> : <From />}
    </>
  );
}

/** What stands in the line of each editing tool. */
export const EDIT_OPTIONS: Readonly<Record<EditTool, () => React.JSX.Element>> = {
  brush: BrushOptions,
  eraser: EraserOptions,
  threshold: ThresholdOptions,
  fill: FillOptions,
  scissors: ScissorsOptions,
};
