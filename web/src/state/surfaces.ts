// The objects' surfaces, as long as a pane shows them: loaded when the mask has come to rest, the newest wish wins.
import * as api from '../api/client';
import { shownLabels } from '../core/palette';
import { readSurface, type SurfaceMesh } from '../core/surface';
import { getState, setState, useStore, type OpenJob, type State } from './store';

/** A mask that is changed again within this time is not asked for. */
const REST_MS = 350;

interface Wish {
  readonly jobId: string;
  readonly revision: string;
  readonly labels: readonly number[];
}

function wishOf(open: OpenJob | null): Wish | null {
  if (open?.job.head === null || open?.job.head === undefined) return null;
  const labels = shownLabels(open.job.labels, open.hidden).map(({ value }) => value);
  return { jobId: open.job.job_id, revision: open.job.head, labels };
}

async function load(wish: Wish, signal: AbortSignal): Promise<void> {
  const before = getState().surfaces;
  const isSame = before?.revision === wish.revision;
  const missing = wish.labels.filter((label) => !(isSame && before.meshes.has(label)));
  if (missing.length === 0 && isSame) return;
  setState({ surfaces: { revision: before?.revision ?? null, meshes: before?.meshes ?? new Map(), state: 'loading' } });
  try {
    const loaded = await Promise.all(
      missing.map(async (label): Promise<readonly [number, SurfaceMesh | null]> => {
        const bytes = await api.getSurface(wish.jobId, label, wish.revision, signal);
        return [label, bytes === null ? null : readSurface(bytes)];
      }),
    );
    const kept = isSame ? [...before.meshes] : [];
    const found = loaded.filter((it): it is readonly [number, SurfaceMesh] => it[1] !== null);
    if (!signal.aborted) setState({ surfaces: { revision: wish.revision, meshes: new Map([...kept, ...found]), state: 'ready' } });
  } catch {
    // Said in the pane; the next change of the mask tries again.
    if (!signal.aborted) setState(({ surfaces }) => ({ surfaces: surfaces && { ...surfaces, state: 'failed' } }));
  }
}

/** Keeps the surfaces of the open job up to date until the returned function is called. */
export function watchSurfaces(): () => void {
  let seen = '';
  let resting: ReturnType<typeof setTimeout> | undefined;
  let going = new AbortController();
  let isFirst = true;

  function look({ open }: State): void {
    const wish = wishOf(open);
    const now = JSON.stringify(wish);
    if (now === seen) return;
    seen = now;
    clearTimeout(resting);
    going.abort();
    going = new AbortController();
    const { signal } = going;
    if (wish === null) {
      setState({ surfaces: null });
      return;
    }
    resting = setTimeout(() => void load(wish, signal), isFirst ? 0 : REST_MS);
    isFirst = false;
  }

  look(getState());
  const stop = useStore.subscribe(look);
  return () => {
    stop();
    going.abort();
    clearTimeout(resting);
    setState({ surfaces: null });
  };
}
