// Which slices hold the objects of the mask that is shown, once it has come to rest.
import { useEffect, useState } from 'react';
import type { Presence } from '../core/presence';
import { useStore } from '../state/store';
import { presenceOf } from '../state/survey';

const REST_MS = 150;
const NOTHING: Presence = new Map();

/** The slices of each object; those of the last mask while those of a newer one are looked for. */
export function usePresence(): Presence {
  const mask = useStore((state) => state.open?.shown ?? null);
  const [presence, setPresence] = useState(NOTHING);
  useEffect(() => {
    const stop = new AbortController();
    const look = async (): Promise<void> => {
      const found = mask === null ? NOTHING : await presenceOf(mask, stop.signal);
      if (found !== null && !stop.signal.aborted) setPresence(found);
    };
    const resting = setTimeout(() => void look(), REST_MS);
    return () => {
      stop.abort();
      clearTimeout(resting);
    };
  }, [mask]);
  return presence;
}
