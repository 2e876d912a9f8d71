// The server's stream of changes, and whether it is connected.
import type { Event } from './types';

type Name = Event['event'];

/** What pages about jobs and tasks hear; what devices say every few seconds would only wake them. */
const NAMES: readonly Name[] = [
  'job_update',
  'job_removed',
  'queue_update',
  'revision_update',
  'head_update',
  'review_update',
  'log_update',
  'request_update',
  'request_removed',
];

const RETRY_MS = 2000;

export interface StreamHandlers {
  readonly onEvent: (event: Event) => void;
  /** Called at each change; `again` is true when a lost connection came back. */
  readonly onConnection: (connected: boolean, again: boolean) => void;
  /** The server answered, but with an error: its token changed, say. */
  readonly onRefused: () => void;
}

/** Listens until the returned function is called. The browser repeats `Last-Event-ID`, so nothing is missed. */
export function listen(jobId: string | null, handlers: StreamHandlers, names: readonly Name[] = NAMES): () => void {
  const query = jobId === null ? `only=${names.join(',')}` : `job_id=${encodeURIComponent(jobId)}`;
  const address = `/events/stream?${query}`;
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let wasLost = false;
  const open = (): void => {
    source = new EventSource(address);
    source.onopen = () => {
      handlers.onConnection(true, wasLost);
      wasLost = false;
    };
    source.onerror = () => {
      wasLost = true;
      handlers.onConnection(false, false);
      // The browser retries by itself unless the server answered with an error; then it gives up.
      if (source?.readyState !== EventSource.CLOSED) return;
      handlers.onRefused();
      timer = setTimeout(open, RETRY_MS);
    };
    for (const name of names) {
      source.addEventListener(name, (message) => {
        handlers.onEvent(JSON.parse(String(message.data)) as Event);
      });
    }
  };
  open();
  return () => {
    source?.close();
    if (timer !== null) clearTimeout(timer);
  };
}
