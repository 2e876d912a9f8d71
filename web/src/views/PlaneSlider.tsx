// The active plane's slider: the slice, the confidence of each slice beneath, and the range of the propagation.
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { SliceConfidence } from '../api/types';
import { storedAxisOfPlane, type AxisIndex, type Plane } from '../core/axes';
import { doubtOf, ratedRevision, tellingSlices } from '../core/confidence';
import { isUnjudged } from '../state/doubt';
import { sliceOfPlane } from '../core/grid';
import type { Presence } from '../core/presence';
import { indexAt, shareOf } from '../core/slider';
import { rangeOf, runAxis, setRange } from '../state/prompts';
import { useStore, type OpenJob } from '../state/store';
import { setSlice } from '../state/view';
import { Handle, shareUnder } from './Handle';
import { SliceTrack } from './SliceTrack';

/** Colours per slice: sure, worth a look, doubtful. Empty where nothing was propagated along the axis. */
function Strip({ n, slices, isBare, onPick }: { n: number; slices: readonly SliceConfidence[]; isBare: boolean; onPick: (index: number) => void }): React.JSX.Element {
  const { t } = useTranslation();
  if (slices.length === 0) return <div className="strip strip-empty" title={isBare ? t('propagate.unjudged') : undefined} />;
  return (
    <svg
      className="strip"
      viewBox={`0 0 ${Math.max(n - 1, 1)} 10`}
      preserveAspectRatio="none"
      role="img"
      aria-label={t('slice.confidence')}
      data-testid="confidence-strip"
      onClick={(event) => {
        onPick(indexAt(shareUnder(event, event.currentTarget), n));
      }}
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
    </svg>
  );
}

function ratedSlices(open: OpenJob, axis: AxisIndex): readonly SliceConfidence[] {
  const rated = ratedRevision(open);
  return rated?.extent?.axis === axis ? tellingSlices(rated.slices ?? []) : [];
}

function Range({ open, axis, n }: { open: OpenJob; axis: AxisIndex; n: number }): React.JSX.Element {
  const { t } = useTranslation();
  const [first, last] = rangeOf(open, axis);
  const words = (index: number): string => t('slice.position', { index, last: n - 1 });
  return (
    <div className="range-track" role="group" aria-label={t('slice.range')} title={t('slice.range')} data-testid="range">
      <span className="range-bar" style={{ left: `${100 * shareOf(first, n)}%`, width: `${100 * shareOf(last - first, n)}%` }} />
      <Handle
        className="range-handle range-handle-first"
        name={t('slice.rangeStart')}
        words={words(first)}
        index={first}
        n={n}
        most={last}
        onChange={(index) => {
          setRange(axis, [index, last]);
        }}
      />
      <Handle
        className="range-handle range-handle-last"
        name={t('slice.rangeEnd')}
        words={words(last)}
        index={last}
        n={n}
        least={first}
        onChange={(index) => {
          setRange(axis, [first, index]);
        }}
      />
    </div>
  );
}

export function PlaneSlider({ plane, presence }: { plane: Plane; presence: Presence }): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  if (open === null) return null;
  const axis = storedAxisOfPlane(open.grid.axes, plane);
  const n = open.grid.shape[axis];
  const { sliceIndex } = sliceOfPlane(open.grid, plane, open.cursor);
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
        <SliceTrack open={open} plane={plane} presence={presence} className="slice-track-large" />
        <Strip
          n={n}
          slices={ratedSlices(open, axis)}
          isBare={isUnjudged(open)}
          onPick={(index) => {
            setSlice(plane, index);
          }}
        />
        {/* Its place is kept without it, so that slices do not move while a box is being dragged. */}
        {runAxis(open) === axis ? <Range open={open} axis={axis} n={n} /> : <div className="range-track" />}
      </div>
    </div>
  );
}
