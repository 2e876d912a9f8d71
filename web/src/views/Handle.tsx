// A handle on a track of slices: dragged, or moved by keys. How it looks is its class's.
import { useRef } from 'react';
import { indexAt, keyedIndex, shareOf } from '../core/slider';

interface HandleProps {
  readonly className: string;
  readonly name: string;
  /** What the index is called. */
  readonly words: string;
  readonly index: number;
  readonly n: number;
  readonly onChange: (index: number) => void;
  /** How far a handle of a range may go. */
  readonly least?: number;
  readonly most?: number;
}

/** The share of a track that lies left of the pointer. */
export function shareUnder(event: { readonly clientX: number }, track: Element): number {
  const bounds = track.getBoundingClientRect();
  return bounds.width === 0 ? 0 : (event.clientX - bounds.left) / bounds.width;
}

export function Handle({ className, name, words, index, n, onChange, least = 0, most = n - 1 }: HandleProps): React.JSX.Element {
  const isHeld = useRef(false);
  const moveTo = (wanted: number): void => {
    const next = Math.min(Math.max(wanted, least), Math.max(most, least));
    if (next !== index) onChange(next);
  };
  return (
    <div
      className={`handle ${className}`}
      style={{ left: `${100 * shareOf(index, n)}%` }}
      role="slider"
      tabIndex={0}
      aria-label={name}
      aria-valuemin={least}
      aria-valuemax={Math.max(most, least)}
      aria-valuenow={index}
      aria-valuetext={words}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.preventDefault();
        event.stopPropagation();
        event.currentTarget.focus();
        event.currentTarget.setPointerCapture(event.pointerId);
        isHeld.current = true;
      }}
      onPointerMove={(event) => {
        const track = event.currentTarget.parentElement;
        if (isHeld.current && track !== null) moveTo(indexAt(shareUnder(event, track), n));
      }}
      onPointerUp={() => {
        isHeld.current = false;
      }}
      onPointerCancel={() => {
        isHeld.current = false;
      }}
      onKeyDown={(event) => {
        const next = keyedIndex(event.key, index, n);
        if (next === null || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        moveTo(next);
      }}
    />
  );
}
