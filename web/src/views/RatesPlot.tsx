// How many tasks ended and how long they ran, over time: bars and a line, and the same as a table.
import { useId, useRef, useState } from 'react';
import { SegmentedControl } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import type { RateBucket, TaskRates } from '../api/types';
import { barsOf, linesOf, niceSteps, total, type Frame } from '../core/plot';
import { formatTook } from '../core/tasks';
import { SPANS } from '../state/monitor';
import { useStore } from '../state/store';
import { chooseSpan } from '../state/tasks';

const HEIGHT = 132;

function frameOf(width: number): Frame {
  return { width: Math.max(width, 320), height: HEIGHT, left: 40, right: 64, top: 8, bottom: 22 };
}

/** When a bucket begins, short: the hour, with the day where more than one is shown. */
function useWhen(rates: TaskRates): (atMs: number) => string {
  const { i18n } = useTranslation();
  const isLong = rates.bucket_ms * rates.buckets.length > 36 * 3600_000;
  const format = new Intl.DateTimeFormat(i18n.language, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(isLong ? { month: 'short', day: 'numeric' } : {}),
  });
  return (atMs) => format.format(atMs);
}

function Bars({ rates, frame, over, onOver }: { rates: TaskRates; frame: Frame; over: number | null; onOver: (index: number | null) => void }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const titleId = useId();
  const when = useWhen(rates);
  const { buckets } = rates;
  const counts = niceSteps(Math.max(...buckets.map(total), 1), 1);
  const most = counts.at(-1) ?? 1;
  const ran = buckets.map((bucket) => bucket.ran_ms_median ?? null);
  const times = niceSteps(Math.max(...ran.map((it) => it ?? 0)), 4);
  const mostMs = times.at(-1) ?? 1;
  const { width, height, left, right, top, bottom } = frame;
  const level = (share: number): number => height - bottom - share * (height - top - bottom);
  const step = (width - left - right) / Math.max(1, buckets.length);
  const marks = [0, 0.25, 0.5, 0.75].map((share) => Math.round(share * buckets.length));
  const sum = (kind: 'succeeded' | 'failed' | 'cancelled'): number => buckets.reduce((n, bucket) => n + bucket[kind], 0);
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-labelledby={titleId}
      data-testid="rates-plot"
      onPointerLeave={() => {
        onOver(null);
      }}
      onPointerMove={(event) => {
        const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
        const index = Math.floor((x - left) / step);
        onOver(index >= 0 && index < buckets.length ? index : null);
      }}
    >
      <title id={titleId}>{t('rates.summary', { succeeded: sum('succeeded'), failed: sum('failed'), cancelled: sum('cancelled') })}</title>
      {counts.map((count) => (
        <g key={count}>
          <line className="plot-grid" x1={left} x2={width - right} y1={level(count / most)} y2={level(count / most)} />
          <text className="plot-mark" x={left - 6} y={level(count / most) + 4} textAnchor="end">
            {count}
          </text>
        </g>
      ))}
      {ran.some((it) => it !== null) && [0, 0.5, 1].map((share) => (
        <text key={share} className="plot-mark plot-mark-time" x={width - right + 6} y={level(share) + 4}>
          {formatTook(mostMs * share, i18n.language)}
        </text>
      ))}
      {marks.map((index) => (
        <text key={index} className="plot-mark" x={left + index * step} y={height - 6}>
          {when(buckets[index]?.at_ms ?? 0)}
        </text>
      ))}
      {over !== null && <rect className="plot-over" x={left + over * step} width={step} y={top} height={height - top - bottom} />}
      {barsOf(buckets, most, frame).map((bar, index) =>
        bar.parts.map(({ kind, y, height: tall }) => (
          <rect key={`${index}-${kind}`} className={`plot-${kind}`} data-testid={`bar-${kind}`} x={bar.x} width={bar.width} y={y} height={tall} />
        )),
      )}
      {linesOf(ran, mostMs, frame).map((points, index) => (
        <g key={index}>
          <polyline className="plot-line" points={points.map((point) => point.join(',')).join(' ')} />
          {points.map(([x, y]) => (
            <circle key={x} className="plot-dot" cx={x} cy={y} r={2.5} />
          ))}
        </g>
      ))}
    </svg>
  );
}

const KINDS = ['succeeded', 'failed', 'cancelled'] as const;

function Legend({ bucket, rates }: { bucket: RateBucket | null; rates: TaskRates | null }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const took = bucket?.ran_ms_median ?? null;
  return (
    <ul className="plot-legend">
      {KINDS.map((kind) => (
        <li key={kind}>
          <span className={`plot-key plot-key-${kind}`} aria-hidden /> {t(`taskState.${kind}`)}
          <span className="number plot-value">{bucket === null ? '' : bucket[kind]}</span>
        </li>
      ))}
      <li>
        <span className="plot-key plot-key-line" aria-hidden /> {t('rates.median')}
        <span className="number plot-value plot-value-time">{took === null ? '' : formatTook(took, i18n.language)}</span>
      </li>
      {rates !== null && <Hovered bucket={bucket} rates={rates} />}
    </ul>
  );
}

function Hovered({ bucket, rates }: { bucket: RateBucket | null; rates: TaskRates }): React.JSX.Element {
  const when = useWhen(rates);
  return <li className="dim number plot-when">{bucket === null ? '' : `${when(bucket.at_ms)} – ${when(bucket.at_ms + rates.bucket_ms)}`}</li>;
}

function AsTable({ rates }: { rates: TaskRates }): React.JSX.Element {
  const { t, i18n } = useTranslation();
  const when = useWhen(rates);
  const time = (ms: number | null | undefined): string => ((ms ?? null) === null ? '–' : formatTook(ms ?? 0, i18n.language));
  const filled = rates.buckets.filter((bucket) => total(bucket) > 0);
  return (
    <table className="rates-table" data-testid="rates-table">
      <thead>
        <tr>
          {([t('rates.from'), ...KINDS.map((kind) => t(`taskState.${kind}`)), t('rates.waited'), t('rates.median'), t('rates.p95')] as const).map((words) => (
            <th key={words} scope="col">
              {words}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {filled.map((bucket) => (
          <tr key={bucket.at_ms}>
            <th scope="row">{when(bucket.at_ms)}</th>
            {KINDS.map((kind) => (
              <td key={kind}>{bucket[kind]}</td>
            ))}
            <td>{time(bucket.waited_ms_median)}</td>
            <td>{time(bucket.ran_ms_median)}</td>
            <td>{time(bucket.ran_ms_p95)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function RatesPlot(): React.JSX.Element {
  const { t } = useTranslation();
  const { rates, span } = useStore((state) => state.monitor);
  const { ref, width } = useElementSize();
  const [over, setOver] = useState<number | null>(null);
  const [isTable, setTable] = useState(false);
  const titleId = useId();
  const details = useRef<HTMLDivElement>(null);
  return (
    <section className="rates" aria-labelledby={titleId}>
      <div className="rates-head">
        <h2 id={titleId}>{t('rates.title')}</h2>
        <Legend bucket={over === null ? null : (rates?.buckets[over] ?? null)} rates={rates} />
        <span className="grow" />
        <button
          type="button"
          className="plain-button"
          aria-expanded={isTable}
          data-testid="rates-as-table"
          onClick={() => {
            setTable(!isTable);
          }}
        >
          {t(isTable ? 'rates.asPlot' : 'rates.asTable')}
        </button>
        <SegmentedControl
          size="xs"
          aria-label={t('rates.span')}
          data={SPANS.map(({ hours }) => ({ value: String(hours), label: t(`span.${hours}`) }))}
          value={String(span.hours)}
          onChange={(hours) => {
            chooseSpan(Number(hours));
          }}
        />
      </div>
      <div ref={ref} className="rates-plot">
        {rates !== null && !isTable && <Bars rates={rates} frame={frameOf(width)} over={over} onOver={setOver} />}
        {rates !== null && isTable && (
          <div className="rates-scroll" ref={details} tabIndex={0} role="group" aria-labelledby={titleId}>
            <AsTable rates={rates} />
          </div>
        )}
      </div>
    </section>
  );
}
