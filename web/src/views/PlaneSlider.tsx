// One plane's slider: the slice, the confidence of each slice, and the range of the propagation beneath.
import { RangeSlider, Slider, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { SlicePrompt, SliceConfidence } from '../api/types';
import { storedAxisOfPlane, type AxisIndex, type Plane } from '../core/axes';
import { doubtOf, ratedRevision, tellingSlices } from '../core/confidence';
import { sliceOfPlane } from '../core/grid';
import { rangeOf, runAxis, setRange } from '../state/prompts';
import { useStore, type OpenJob } from '../state/store';
import { setSlice } from '../state/view';

interface StripProps {
  readonly n: number;
  readonly slices: readonly SliceConfidence[];
  readonly prompts: readonly SlicePrompt[];
  readonly onPick: (sliceIndex: number) => void;
}

/** Colours per slice: sure, worth a look, doubtful; prompted slices stand out. */
function Strip({ n, slices, prompts, onPick }: StripProps): React.JSX.Element {
  const { t } = useTranslation();
  const pick = (event: React.MouseEvent<SVGSVGElement>): void => {
    const bounds = event.currentTarget.getBoundingClientRect();
    onPick(Math.min(Math.max(Math.round(((event.clientX - bounds.left) / bounds.width) * (n - 1)), 0), n - 1));
  };
  return (
    <svg
      className="strip"
      viewBox={`0 0 ${Math.max(n - 1, 1)} 10`}
      preserveAspectRatio="none"
      role="img"
      aria-label={t('slice.confidence')}
      data-testid="confidence-strip"
      onClick={pick}
    >
      {slices.map((slice) => (
        <rect key={slice.slice_index} className={`strip-${doubtOf(slice)}`} x={slice.slice_index - 0.5} y={0} width={1} height={10}>
          <title>
            {t('slice.stripSlice', {
              index: slice.slice_index,
              doubt: t(`slice.${doubtOf(slice)}`),
              area: slice.area_voxels,
            })}
          </title>
        </rect>
      ))}
      {prompts.map((prompt) => (
        <rect
          key={prompt.slice_index}
          className={prompt.absent === true ? 'strip-absent' : 'strip-prompted'}
          x={prompt.slice_index - 0.5}
          y={0}
          width={1}
          height={10}
        >
          <title>{`${prompt.slice_index}: ${t(prompt.absent === true ? 'slice.absent' : 'slice.prompted')}`}</title>
        </rect>
      ))}
    </svg>
  );
}

function ratedSlices(open: OpenJob, axis: AxisIndex): readonly SliceConfidence[] {
  const rated = ratedRevision(open.revisions, open.label);
  return rated?.extent?.axis === axis ? tellingSlices(rated.slices ?? []) : [];
}

function Range({ open, axis, n }: { open: OpenJob; axis: AxisIndex; n: number }): React.JSX.Element {
  const { t } = useTranslation();
  const [first, last] = rangeOf(open, axis);
  return (
    <RangeSlider
      className="range-slider"
      size="xs"
      color="yellow"
      label={null}
      min={0}
      max={Math.max(n - 1, 1)}
      minRange={0}
      value={[first, last]}
      thumbSize={14}
      thumbFromLabel={t('slice.rangeStart')}
      thumbToLabel={t('slice.rangeEnd')}
      data-testid="range"
      onChange={(range) => {
        setRange(axis, range);
      }}
    />
  );
}

export function PlaneSlider({ plane }: { plane: Plane }): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  if (open === null) return null;
  const axis = storedAxisOfPlane(open.grid.axes, plane);
  const n = open.grid.shape[axis];
  const { sliceIndex } = sliceOfPlane(open.grid, plane, open.cursor);
  const prompts = open.job.prompts.filter((prompt) => prompt.axis === axis && (prompt.label ?? 1) === open.label);
  const slices = ratedSlices(open, axis);
  const hasRange = runAxis(open) === axis;
  const name = t('slice.slider', { plane: t(`plane.${plane}`) });
  return (
    <div className="plane-slider" data-testid={`slider-${plane}`}>
      <div className="plane-slider-words">
        <Text size="xs" fw={600} className="nowrap">
          {t(`plane.${plane}`)}
        </Text>
        <Text size="xs" className="slice-number" data-testid={`slice-${plane}`}>
          {t('slice.position', { index: sliceIndex, last: n - 1 })}
        </Text>
      </div>
      <div className="plane-slider-tracks">
        <Slider
          size="sm"
          label={null}
          min={0}
          max={Math.max(n - 1, 1)}
          value={sliceIndex}
          thumbLabel={name}
          thumbProps={{ 'aria-valuetext': t('slice.position', { index: sliceIndex, last: n - 1 }) }}
          onChange={(index) => {
            setSlice(plane, index);
          }}
        />
        {(slices.length > 0 || prompts.length > 0) && (
          <Strip
            n={n}
            slices={slices}
            prompts={prompts}
            onPick={(index) => {
              setSlice(plane, index);
            }}
          />
        )}
        {hasRange && <Range open={open} axis={axis} n={n} />}
      </div>
    </div>
  );
}
