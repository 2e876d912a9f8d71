// What the programs of unfolded tasks say, followed while they run.
import { getOutputLog } from '../api/tasks';
import type { OutputLog } from '../api/types';
import { joined } from '../core/output_log';
import { attempt as attempted } from './notices';
import { getState, setState } from './store';

/** Bytes that are read at first, and with each wish for more. */
const PART = 64 << 10;

/** Tasks that are being read, and whether there is more by now. */
const reading = new Map<string, boolean>();

function keep(taskId: string, part: OutputLog): void {
  const { monitor } = getState();
  // Folded up meanwhile.
  if (!(taskId in monitor.logs)) return;
  const outputs = { ...monitor.outputs, [taskId]: joined(monitor.outputs[taskId] ?? null, part) };
  setState({ monitor: { ...monitor, outputs } });
}

async function read(taskId: string, offset: number, attempt: number | null): Promise<void> {
  const part = await getOutputLog(taskId, offset, attempt);
  keep(taskId, part);
}

/** Reads the end of what an attempt said; of the newest one where none is named. */
export async function readOutput(taskId: string, attempt: number | null): Promise<void> {
  await attempted(() => read(taskId, -PART, attempt));
}

/** Reads what came before what is shown. */
export async function readEarlier(taskId: string): Promise<void> {
  const known = getState().monitor.outputs[taskId];
  if (known === undefined) return;
  await attempted(async () => {
    // Answers end where letters do, and may be shorter than asked for: until it meets what is shown.
    const start = Math.max(0, known.offset - PART);
    const part = await getOutputLog(taskId, start, known.attempt);
    const bytes = new TextEncoder().encode(part.text).slice(0, known.offset - part.offset);
    const before = { ...part, text: new TextDecoder().decode(bytes), next_offset: part.offset + bytes.length };
    keep(taskId, before);
  });
}

/** Reads what an attempt has said since: of the one that is shown, or of a newer one that begins to speak. */
export async function followOutput(taskId: string, attempt: number | null): Promise<void> {
  if (!(taskId in getState().monitor.logs)) return;
  if (reading.has(taskId)) {
    reading.set(taskId, true);
    return;
  }
  reading.set(taskId, false);
  try {
    const known = getState().monitor.outputs[taskId];
    const isNewer = known === undefined || known.attempt === 0 || (attempt !== null && attempt > Math.max(...known.attempts));
    if (isNewer) await read(taskId, -PART, null);
    else if (attempt === null || attempt === known.attempt) await read(taskId, known.next_offset, known.attempt);
  } catch {
    // The task went with its job, or the server is away: what was read stays.
  }
  const isMore = reading.get(taskId) === true;
  reading.delete(taskId);
  if (isMore) void followOutput(taskId, attempt);
}

export function forgetOutput(taskId: string): void {
  setState(({ monitor }) => ({
    monitor: { ...monitor, outputs: Object.fromEntries(Object.entries(monitor.outputs).filter(([id]) => id !== taskId)) },
  }));
}
