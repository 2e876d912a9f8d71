// Requests for a laboratory's own programs: kept up to date, made, withdrawn, deleted.
import i18next from 'i18next';
import { cancelTask } from '../api/client';
import { listen } from '../api/events';
import * as api from '../api/requests';
import { retryTask } from '../api/tasks';
import type { ProgramStatus, Task } from '../api/types';
import { withTask } from '../core/requests';
import { FIRST_DESK, type Desk } from './desk';
import { attempt, notifyDone, toApiError } from './notices';
import { refreshSession } from './session';
import { getState, setState } from './store';
import { eased } from './tasks';

const PAGE = 100;
const REFRESH_MS = 300;
/** Agents come and go without an event. */
const PROGRAMS_MS = 5000;

function patch(change: Partial<Desk>): void {
  setState(({ desk }) => ({ desk: { ...desk, ...change } }));
}

/** Loads as many requests as are on the page. */
export async function refreshRequests(): Promise<void> {
  const shown = getState().desk.requests ?? [];
  const limit = Math.min(500, Math.max(PAGE, shown.length));
  try {
    const [requests, programs] = await Promise.all([api.listRequests(null, limit), api.listPrograms()]);
    const rest = limit < 500 ? [] : shown.slice(500);
    patch({ requests: [...requests, ...rest], programs, hasOlder: requests.length === limit, error: null });
  } catch (cause) {
    patch({ error: toApiError(cause) });
  }
}

export async function loadOlderRequests(): Promise<void> {
  const last = getState().desk.requests?.at(-1);
  if (last === undefined) return;
  await attempt(async () => {
    const older = await api.listRequests(last.request_id, PAGE);
    patch({ requests: [...(getState().desk.requests ?? []), ...older], hasOlder: older.length === PAGE });
  });
}

async function refreshPrograms(): Promise<void> {
  try {
    patch({ programs: await api.listPrograms() });
  } catch {
    // The list of requests says that the server is away.
  }
}

async function refreshWhole(requestId: string): Promise<void> {
  try {
    const whole = await api.getRequest(requestId);
    const { unfolded } = getState().desk;
    if (requestId in unfolded) patch({ unfolded: { ...unfolded, [requestId]: whole } });
  } catch {
    // It was deleted, or the server is away: what was read stays.
  }
}

/** Shows what a request asks for and what came of it, or folds it up. */
export function toggleRequest(requestId: string): void {
  const { unfolded } = getState().desk;
  if (requestId in unfolded) {
    patch({ unfolded: Object.fromEntries(Object.entries(unfolded).filter(([id]) => id !== requestId)) });
    return;
  }
  patch({ unfolded: { ...unfolded, [requestId]: null } });
  void refreshWhole(requestId);
}

function takeNews(task: Task): void {
  const { requests, unfolded } = getState().desk;
  if (requests !== null) patch({ requests: withTask(requests, task) });
  if (task.task_id in unfolded) void refreshWhole(task.task_id);
}

/** Keeps requests and programs up to date until the returned function is called. */
export function watchRequests(): () => void {
  const list = eased(() => void refreshRequests(), REFRESH_MS);
  void refreshRequests();
  const stop = listen(null, {
    onEvent: (event) => {
      if (event.event === 'queue_update' && event.data.kind === 'external') takeNews(event.data);
      if (event.event === 'request_update' || event.event === 'request_removed') list.wish();
    },
    onRefused: () => void refreshSession(),
    onConnection: (connected, again) => {
      setState({ connected });
      if (again) list.wish();
    },
  });
  const poll = setInterval(() => void (getState().connected === false ? refreshRequests() : refreshPrograms()), PROGRAMS_MS);
  return () => {
    stop();
    list.stop();
    clearInterval(poll);
    setState({ desk: FIRST_DESK });
  };
}

export interface RequestWish {
  readonly program: string;
  readonly arguments: unknown;
  readonly files: readonly File[];
}

/** Sends the files, then the request; whether it was made. */
export async function makeRequest(wish: RequestWish): Promise<boolean> {
  const isMade = await attempt(async () => {
    const inputs: { name: string; sha256: string }[] = [];
    for (const file of wish.files) {
      const { sha256 } = await api.uploadInput(file);
      inputs.push({ name: file.name, sha256 });
    }
    await api.postRequest({ program: wish.program, arguments: wish.arguments, inputs });
  }, i18next.t('requests.notMade'));
  if (isMade) notifyDone(i18next.t('requests.made'));
  void refreshRequests();
  return isMade;
}

export async function withdrawRequest(requestId: string): Promise<void> {
  await attempt(async () => {
    takeNews(await cancelTask(requestId));
  });
  void refreshRequests();
}

export async function repeatRequest(requestId: string): Promise<void> {
  const isDone = await attempt(async () => {
    await retryTask(requestId);
  });
  if (isDone) notifyDone(i18next.t('requests.made'));
  void refreshRequests();
}

export async function removeRequest(requestId: string): Promise<void> {
  await attempt(async () => {
    await api.deleteRequest(requestId);
    const { requests, unfolded } = getState().desk;
    patch({
      requests: (requests ?? []).filter((it) => it.request_id !== requestId),
      unfolded: Object.fromEntries(Object.entries(unfolded).filter(([id]) => id !== requestId)),
    });
  });
  void refreshRequests();
}

/** Whether an agent that lives offers a program. */
export function isOffered(programs: readonly ProgramStatus[] | null, program: string): boolean {
  return programs?.some((it) => it.program === program && it.agents.length > 0) === true;
}
