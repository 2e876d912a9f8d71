// The window on the volume's histogram: its sides and its middle are dragged, by mouse, finger or keys.
import { useEffect, useRef, useState } from 'react';
import { ActionIcon, Loader, Popover } from '@mantine/core';
import { IconChartHistogram } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { formatIntensity, formatWindow } from '../core/format';
import { axisOf, outlineOf, shareOn, valueAt, withSide, type Histogram } from '../core/histogram';
import type { Window } from '../core/window';
import { useStore, type OpenJob } from '../state/store';
import { histogramOf } from '../state/survey';
import { setWindow } from '../state/view';
import { shareUnder } from './Handle';
import { windowPresets } from './window_presets';

type Part = 'low' | 'high' | 'level';

/** The volume's histogram once it is counted, in turns that leave the page free. */
function useHistogram({ volume, job }: OpenJob): Histogram | null {
  const [counted, setCounted] = useState<Histogram | null>(null);
  const range = job.image.intensity_range;
  useEffect(() => {
    const stop = new AbortController();
    if (volume !== null) {
      void histogramOf(volume, range, stop.signal).then((histogram) => {
        if (!stop.signal.aborted) setCounted(histogram);
      });
    }
    return () => {
      stop.abort();
    };
  }, [volume, range]);
  return counted;
}

/** A window with a part moved to an intensity. The sides stay apart by a two-hundredth of the axis. */
function moved(window: Window, part: Part, value: number, axis: Window): Window {
  const least = (axis.high - axis.low) / 200;
  if (part !== 'level') return withSide(window, part, value, least);
  const half = (window.high - window.low) / 2;
  return { low: value - half, high: value + half };
}

const KEY_STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };

interface SideProps {
  readonly part: Part;
  readonly axis: Window;
  readonly window: Window;
  readonly share: number;
}

function Side({ part, axis, window, share }: SideProps): React.JSX.Element {
  const { t } = useTranslation();
  /** How far the pointer lay from the part when it took hold; null while nothing is held. */
  const offset = useRef<number | null>(null);
  const value = part === 'level' ? (window.low + window.high) / 2 : window[part];
  const drop = (): void => {
    offset.current = null;
  };
  return (
    <div
      className={`histogram-side histogram-${part}`}
      style={{ left: `${100 * share}%` }}
      role="slider"
      tabIndex={0}
      aria-label={t(`window.${part}`)}
      aria-valuemin={axis.low}
      aria-valuemax={axis.high}
      aria-valuenow={value}
      aria-valuetext={formatIntensity(value)}
      data-testid={`histogram-${part}`}
      onPointerDown={(event) => {
        const plot = event.currentTarget.parentElement;
        if (event.button !== 0 || plot === null) return;
        event.preventDefault();
        event.currentTarget.focus();
        event.currentTarget.setPointerCapture(event.pointerId);
        offset.current = share - shareUnder(event, plot);
      }}
      onPointerMove={(event) => {
        const plot = event.currentTarget.parentElement;
        if (offset.current === null || plot === null) return;
        const to = Math.min(Math.max(shareUnder(event, plot) + offset.current, 0), 1);
        setWindow(moved(window, part, valueAt(axis, to), axis));
      }}
      onPointerUp={drop}
      onPointerCancel={drop}
      onKeyDown={(event) => {
        const steps = KEY_STEPS[event.key];
        if (steps === undefined) return;
        event.preventDefault();
        setWindow(moved(window, part, valueAt(axis, shareOn(axis, value) + steps / 200), axis));
      }}
    />
  );
}

function Plot({ open }: { open: OpenJob }): React.JSX.Element {
  const { t } = useTranslation();
  const histogram = useHistogram(open);
  const { window } = open;
  // The axis of when the plot was opened: it must not run away under a drag.
  const [first] = useState(() => axisOf(open.job.image, window));
  const axis = { low: Math.min(first.low, window.low), high: Math.max(first.high, window.high) };
  const [low, high] = [shareOn(axis, window.low), shareOn(axis, window.high)];
  return (
    <>
      <div className="histogram" data-testid="histogram" data-ready={histogram !== null}>
        {histogram === null ? (
          <span className="histogram-wait" role="status">
            <Loader size={14} aria-hidden /> {t(open.volumeFailed ? 'window.noHistogram' : 'window.counting')}
          </span>
        ) : (
          <svg viewBox="0 0 1 1" preserveAspectRatio="none" role="img" aria-label={t('window.histogram')}>
            <path className="histogram-counts" d={outlineOf(histogram, axis)} />
          </svg>
        )}
        <span className="histogram-inside" style={{ left: `${100 * low}%`, width: `${100 * (high - low)}%` }} />
        <Side part="level" axis={axis} window={window} share={(low + high) / 2} />
        <Side part="low" axis={axis} window={window} share={low} />
        <Side part="high" axis={axis} window={window} share={high} />
      </div>
      <div className="histogram-scale number">
        <span>{formatIntensity(axis.low)}</span>
        <span>{formatWindow(window, null)}</span>
        <span>{formatIntensity(axis.high)}</span>
      </div>
    </>
  );
}

export function HistogramPopover(): React.JSX.Element | null {
  const { t } = useTranslation();
  const open = useStore((state) => state.open);
  if (open === null) return null;
  const { offered, chosen } = windowPresets(open);
  return (
    <Popover position="bottom-start" withArrow trapFocus>
      <Popover.Target>
        <ActionIcon size="lg" aria-label={t('window.histogram')} title={t('window.histogram')} data-testid="histogram-open">
          <IconChartHistogram size={19} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <div className="histogram-menu">
          <Plot open={open} />
          <div className="histogram-presets" role="group" aria-label={t('window.preset')}>
            {offered.map(({ name, choose }) => (
              <button
                key={name}
                type="button"
                className={name === chosen ? 'chip chip-chosen' : 'chip'}
                aria-pressed={name === chosen}
                data-testid={`preset-${name}`}
                onClick={choose}
              >
                {t(`window.${name}`)}
              </button>
            ))}
          </div>
          <p className="hint">{t('window.dragHint')}</p>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
