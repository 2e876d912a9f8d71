// Messages that appear for a while: things that are done, and failures with what to do, which stay until they are closed or
// no longer so.
import i18next from 'i18next';
import { ApiError } from '../api/http';
import type { Reason } from '../api/types';
import { REVIEW_STATES } from '../core/job_list';
import { en } from '../i18n/en';
import { getState, setState, type Notice } from './store';

const PLAIN_MS = 5000;
const UNDO_MS = 15_000;

let nextId = 1;

export function dismiss(id: number): void {
  setState(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) }));
}

type More = Pick<Notice, 'action' | 'until'>;

function show(kind: Notice['kind'], title: string, text: string | null, more: More = {}, stays = kind === 'error' || more.action !== undefined ? null : PLAIN_MS): void {
  const id = nextId++;
  const others = getState().notices.filter((notice) => notice.title !== title || notice.text !== text);
  setState({ notices: [...others.slice(-3), { id, kind, title, text, ...more }] });
  if (stays !== null) {
    setTimeout(() => {
      dismiss(id);
    }, stays);
  }
}

/** Takes away what is no longer so. */
export function settled(what: NonNullable<Notice['until']>): void {
  setState(({ notices }) => ({ notices: notices.filter(({ until }) => until !== what) }));
}

export function notifyDone(title: string): void {
  show('done', title, null);
}

export function notifyPlain(title: string): void {
  show('plain', title, null);
}

/** Says what is missing and offers to do it; stays until it is done or closed. */
export function offer(title: string, words: string, run: () => void): void {
  show('plain', title, null, { action: { words, run } });
}

/** Says what was done, and takes it back by one click for a while. */
export function notifyUndoable(title: string, words: string, run: () => void): void {
  show('done', title, null, { action: { words, run } }, UNDO_MS);
}

export function notifyText(title: string, text: string, until?: Notice['until']): void {
  show('error', title, text, until === undefined ? {} : { until });
}

/** A newer server may have reasons that this page has no words for. */
function isKnown(reason: Reason): boolean {
  return reason in en.reason;
}

const NO_VALUES = { found: '', field: '', needed: '', limit: '', engine: '', label: '', slice: '', name: '', state: '' };

/** A reason's values, those that have words of their own in them. */
function inWords({ parameters }: ApiError): typeof NO_VALUES {
  const state = REVIEW_STATES.find((it) => it === parameters.state);
  return { ...NO_VALUES, ...parameters, ...(state !== undefined && { state: i18next.t(`reviewState.${state}`) }) };
}

/** What went wrong in words: the server's sentence where there is one, the field it names, and what to do. */
export function errorText(error: ApiError): string {
  const t = i18next.t.bind(i18next);
  if (error.status === 0) return t('error.unreachable');
  // The server's own sentence is in English, and says more.
  if (error.reason !== null && isKnown(error.reason) && i18next.language !== 'en') return t(`reason.${error.reason}`, inWords(error));
  const parts: string[] = [];
  if (error.status === 413) parts.push(t('error.tooLarge'));
  if (error.status === 409) parts.push(t('error.wrongState'));
  if (error.status === 404) parts.push(t('error.notFound'));
  if (error.message !== '') parts.push(error.message);
  if (error.field !== null) parts.push(t('error.field', { field: error.field }));
  return parts.join(' · ');
}

export function toApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ApiError(-1, { code: 'page', message, field: null });
}

/** Shows a failed call. */
export function notifyError(cause: unknown, title: string = i18next.t('error.title')): void {
  const error = toApiError(cause);
  show('error', title, errorText(error), error.status === 0 ? { until: 'connected' } : {});
}

/** Shows a call that failed which nobody asked for; a server that is away is told by the banner alone. */
export function notifyUnasked(cause: unknown, title?: string): void {
  const error = toApiError(cause);
  if (error.status !== 0) notifyError(cause, title);
  else if (getState().connected !== false) show('error', title ?? i18next.t('error.title'), errorText(error), { until: 'lost' });
}

/** Runs a call that nobody asked for. */
export async function attemptUnasked(call: () => Promise<void>, title?: string): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (cause) {
    notifyUnasked(cause, title);
    return false;
  }
}

/** Runs a call; a failure is shown and reported as false. */
export async function attempt(call: () => Promise<void>, title?: string): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (cause) {
    notifyError(cause, title);
    return false;
  }
}
