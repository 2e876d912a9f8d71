// The server's stream of changes, and whether it is connected.
import type { Event } from './types';

const NAMES: readonly Event['event'][] = [
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
export function listen(jobId: string | null, handlers: StreamHandlers): () => void {
  const address = jobId === null ? '/events/stream' : `/events/stream?job_id=${encodeURIComponent(jobId)}`;
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
    for (const name of NAMES) {
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
