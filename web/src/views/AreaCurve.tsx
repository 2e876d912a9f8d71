// An object's area along the slices: the shown slice is marked; a click or the arrow keys go to a slice.
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ObjectMeasures } from '../api/types';
import { axisIndex, planeOfStoredAxis } from '../core/axes';
import { sliceOfPlane } from '../core/grid';
import { areaCurve, areaPoints, formatNumber } from '../core/measure';
import { showSlice } from '../state/measures';
import type { OpenJob } from '../state/store';

const WIDTH = 260;
const HEIGHT = 62;
const MARGIN = 4;

interface AreaCurveProps {
  readonly open: OpenJob;
  readonly object: ObjectMeasures;
  readonly name: string;
  readonly color: string;
}

export function AreaCurve({ open, object, name, color }: AreaCurveProps): React.JSX.Element | null {
  const { t } = useTranslation();
  const points = useMemo(() => areaPoints(object.areas), [object.areas]);
  const curve = useMemo(() => areaCurve(points, WIDTH, HEIGHT), [points]);
  const [first, last] = [points[0], points.at(-1)];
  if (curve === null || first === undefined || last === undefined) return null;
  const plane = planeOfStoredAxis(open.grid.axes, axisIndex(object.axis));
  const shown = sliceOfPlane(open.grid, plane, open.cursor).sliceIndex;
  const isWithin = shown >= first.sliceIndex && shown <= last.sliceIndex;
  const area = points.find((point) => point.sliceIndex === shown)?.areaMm2 ?? 0;
  const largest = Math.max(...points.map((point) => point.areaMm2));
  const words = t('measure.area', { area: formatNumber(area, 0), index: shown });
  const go = (sliceIndex: number): void => {
    showSlice(plane, Math.min(Math.max(sliceIndex, first.sliceIndex), last.sliceIndex));
  };
  const onClick = (event: React.MouseEvent<SVGSVGElement>): void => {
    const bounds = event.currentTarget.getBoundingClientRect();
    const across = (event.clientX - bounds.left) / bounds.width;
    go(curve.sliceAt(across * (WIDTH + 2 * MARGIN) - MARGIN));
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const targets: Readonly<Record<string, number>> = {
      ArrowRight: shown + 1,
      ArrowUp: shown + 1,
      ArrowLeft: shown - 1,
      ArrowDown: shown - 1,
      Home: first.sliceIndex,
      End: last.sliceIndex,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    go(target);
  };
  return (
    <figure className="area-curve">
      <svg
        viewBox={`${-MARGIN} ${-MARGIN} ${WIDTH + 2 * MARGIN} ${HEIGHT + 2 * MARGIN}`}
        preserveAspectRatio="none"
        role="slider"
        tabIndex={0}
        aria-label={t('measure.areas', { name, first: first.sliceIndex, last: last.sliceIndex, area: formatNumber(largest, 0) })}
        aria-valuemin={first.sliceIndex}
        aria-valuemax={last.sliceIndex}
        aria-valuenow={Math.min(Math.max(shown, first.sliceIndex), last.sliceIndex)}
        aria-valuetext={words}
        data-testid={`areas-${object.label}`}
        onClick={onClick}
        onKeyDown={onKeyDown}
      >
        <path d={curve.filled} fill={color} opacity={0.22} />
        <path d={curve.line} fill="none" stroke={color} strokeWidth={1.5} vectorEffect="non-scaling-stroke" />
        {isWithin && (
          <line className="area-mark" x1={curve.xOf(shown)} x2={curve.xOf(shown)} y1={-MARGIN} y2={HEIGHT + MARGIN} vectorEffect="non-scaling-stroke" />
        )}
      </svg>
      <figcaption>
        <span>{first.sliceIndex}</span>
        <span data-testid={`area-${object.label}`}>{words}</span>
        <span>{last.sliceIndex}</span>
      </figcaption>
    </figure>
  );
}
