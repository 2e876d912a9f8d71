// Figures of a device: bars with words beside them, and curves of the last minutes.
import { useTranslation } from 'react-i18next';
import type { DeviceSample } from '../api/types';
import { curveOf } from '../core/devices';

const CURVE = { width: 150, height: 34 };

/** A share as a bar; without a figure an empty one that says so. */
export function Meter({ name, percent, words }: { name: string; percent: number | null; words: string }): React.JSX.Element {
  return (
    <div className="device-meter">
      <span className="device-meter-name">{name}</span>
      <span className="device-bar" role="meter" aria-label={name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(percent ?? 0)} aria-valuetext={words}>
        <span className="device-bar-fill" style={{ width: `${Math.min(100, Math.max(0, percent ?? 0))}%` }} />
      </span>
      <span className="device-meter-words number">{words}</span>
    </div>
  );
}

export function Curve({
  name,
  samples,
  of,
}: {
  name: string;
  samples: readonly DeviceSample[];
  of: (sample: DeviceSample) => number | null | undefined;
}): React.JSX.Element {
  const { t } = useTranslation();
  const lines = curveOf(samples, of, CURVE);
  const known = samples.map(of).filter((it) => typeof it === 'number');
  const now = known.at(-1);
  const label = now === undefined ? t('devices.noCurve', { what: name }) : t('devices.curve', { what: name, now: Math.round(now), most: Math.round(Math.max(...known)) });
  return (
    <figure className="device-curve">
      <figcaption>
        <span>{name}</span>
        <span className="number">{now === undefined ? '–' : `${Math.round(now)} %`}</span>
      </figcaption>
      <svg viewBox={`0 0 ${CURVE.width} ${CURVE.height}`} preserveAspectRatio="none" role="img" aria-label={label} data-testid="curve">
        <line className="plot-grid" x1={0} x2={CURVE.width} y1={CURVE.height - 0.5} y2={CURVE.height - 0.5} />
        {lines.map((points) => (
          <polyline key={points} className="device-curve-line" points={points} vectorEffect="non-scaling-stroke" />
        ))}
      </svg>
    </figure>
  );
}
