// A slider through the slices of a plane: where the object is, which slices are marked, and which one is shown.
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { SlicePrompt } from '../api/types';
import { storedAxisOfPlane, type AxisIndex, type Plane } from '../core/axes';
import { sliceOfPlane } from '../core/grid';
import type { Presence } from '../core/presence';
import { indexAt, runsOf, shareOf } from '../core/slider';
import type { OpenJob } from '../state/store';
import { setSlice } from '../state/view';
import { Handle, shareUnder } from './Handle';

export type Mark = 'confirmed' | 'absent' | 'prompted';

export function markOf(prompt: SlicePrompt): Mark {
  if (prompt.absent === true) return 'absent';
  return prompt.mask === true ? 'confirmed' : 'prompted';
}

/** What the active object's prompts say of slices along an axis. */
export function promptsAlong({ job, label }: OpenJob, axis: AxisIndex): readonly SlicePrompt[] {
  return job.prompts.filter((prompt) => prompt.axis === axis && (prompt.label ?? 1) === label);
}

/** A bar from one slice to another, both whole: half a slice is drawn beyond each. */
function barOf(first: number, last: number, n: number): React.CSSProperties {
  const half = n <= 1 ? 0 : 0.5;
  const [from, to] = [Math.max(shareOf(first - half, n), 0), Math.min(shareOf(last + half, n), 1)];
  return { left: `${100 * from}%`, width: `${100 * (n <= 1 ? 1 : to - from)}%` };
}

export function SliceTrack({ open, plane, presence, className }: { open: OpenJob; plane: Plane; presence: Presence; className: string }): React.JSX.Element {
  const { t } = useTranslation();
  const isHeld = useRef(false);
  const axis = storedAxisOfPlane(open.grid.axes, plane);
  const n = open.grid.shape[axis];
  const { sliceIndex } = sliceOfPlane(open.grid, plane, open.cursor);
  const color = open.job.labels.find(({ value }) => value === open.label)?.color;
  const held = presence.get(open.label)?.[axis];
  return (
    <div
      className={`slice-track ${className}`}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        isHeld.current = true;
        setSlice(plane, indexAt(shareUnder(event, event.currentTarget), n));
      }}
      onPointerMove={(event) => {
        if (isHeld.current) setSlice(plane, indexAt(shareUnder(event, event.currentTarget), n));
      }}
      onPointerUp={() => {
        isHeld.current = false;
      }}
      onPointerCancel={() => {
        isHeld.current = false;
      }}
    >
      <div className="slice-rail">
        {runsOf(held ?? []).map(([first, last]) => (
          <span key={first} className="slice-extent" data-testid="extent" data-first={first} data-last={last} style={{ ...barOf(first, last, n), backgroundColor: color }} />
        ))}
      </div>
      {promptsAlong(open, axis).map((prompt) => (
        <span
          key={prompt.slice_index}
          className={`slice-mark slice-mark-${markOf(prompt)}`}
          style={{ left: `${100 * shareOf(prompt.slice_index, n)}%` }}
          data-testid="slice-mark"
          data-mark={markOf(prompt)}
          title={`${prompt.slice_index}: ${t(`slice.${markOf(prompt)}`)}`}
        />
      ))}
      <Handle
        className="slice-handle"
        name={t('slice.slider', { plane: t(`plane.${plane}`) })}
        words={t('slice.position', { index: sliceIndex, last: n - 1 })}
        index={sliceIndex}
        n={n}
        onChange={(index) => {
          setSlice(plane, index);
        }}
      />
    </div>
  );
}
