// Pages of this browser tell each other that they are there. Web Locks would say the same, but only where the page came
// by HTTPS or from this machine; this works everywhere. Who is asleep and does not answer finds its edits taken over.

/** Random characters; the browser's own UUIDs are for HTTPS only. */
export function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((it) => it.toString(16).padStart(2, '0')).join('');
}

/** This page, until it is closed or loaded anew. */
export const TAB = randomId();

const PATIENCE_MS = 400;

interface Ask {
  readonly ask: readonly string[];
}

interface Answer {
  readonly here: string;
}

let channel: BroadcastChannel | null = null;
const waiting = new Set<(tab: string) => void>();

/** The channel of the site's pages; null where the browser has none for this page, as where it denies it all storage. */
function openChannel(): BroadcastChannel | null {
  try {
    return new BroadcastChannel('voxloop.tabs');
  } catch {
    return null;
  }
}

/** Answers for this page from now on. */
export function beHere(): BroadcastChannel | null {
  channel ??= openChannel();
  if (channel?.onmessage !== null) return channel;
  const opened = channel;
  opened.onmessage = ({ data }: MessageEvent<Ask | Answer>) => {
    if ('here' in data) for (const hear of waiting) hear(data.here);
    else if (data.ask.includes(TAB)) opened.postMessage({ here: TAB } satisfies Answer);
  };
  return opened;
}

/** Those pages that are gone. */
export function goneOf(tabs: readonly string[]): Promise<readonly string[]> {
  const silent = new Set(tabs);
  silent.delete(TAB);
  const asked = silent.size === 0 ? null : beHere();
  // Nobody can be asked: then nobody is gone.
  if (asked === null) return Promise.resolve([]);
  return new Promise((resolve) => {
    const end = (): void => {
      waiting.delete(hear);
      clearTimeout(timer);
      resolve([...silent]);
    };
    const hear = (tab: string): void => {
      silent.delete(tab);
      if (silent.size === 0) end();
    };
    const timer = setTimeout(end, PATIENCE_MS);
    waiting.add(hear);
    asked.postMessage({ ask: [...silent] } satisfies Ask);
  });
}
