// Requests for people: news of their tasks, and arguments that are written by hand.
import type { RequestSummary, Task } from '../api/types';

/** Requests with news of the task that runs one of them. */
export function withTask(requests: readonly RequestSummary[], task: Task): RequestSummary[] {
  return requests.map((request) => {
    if (request.request_id !== task.task_id) return request;
    const { state, progress, attempt, cancel_requested, agent, failure, started_ms, finished_ms } = task;
    const known = { agent: agent ?? null, failure: failure ?? null, started_ms: started_ms ?? null, finished_ms: finished_ms ?? null };
    return { ...request, status: state, progress, attempt, cancel_requested, ...known };
  });
}

/** A request's times and progress, as of a task. */
export function asTask(request: RequestSummary): Task {
  return {
    task_id: request.request_id,
    kind: 'external',
    label: 0,
    state: request.status,
    priority: 0,
    progress: request.progress,
    attempt: request.attempt,
    cancel_requested: request.cancel_requested,
    created_ms: request.created_ms,
    started_ms: request.started_ms ?? null,
    finished_ms: request.finished_ms ?? null,
  };
}

/** Arguments as they were typed: JSON, or nothing for none. Null where it is no JSON. */
export function readArguments(text: string): { readonly value: unknown } | null {
  if (text.trim() === '') return { value: {} };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}
