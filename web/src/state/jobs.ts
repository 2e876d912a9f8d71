// The job list: load, keep up to date, open files and the sample, delete.
import i18next from 'i18next';
import * as api from '../api/client';
import { listen } from '../api/events';
import type { Modality } from '../core/defaults';
import { attempt, notifyPlain, toApiError } from './notices';
import { navigate } from './router';
import { refreshSession } from './session';
import { getState, setState } from './store';
import { forget } from './works';

export async function refreshJobs(): Promise<void> {
  try {
    setState({ jobs: await api.listJobs(), jobsError: null });
  } catch (cause) {
    setState({ jobsError: toApiError(cause) });
  }
}

const REFRESH_MS = 150;
const POLL_MS = 3000;

/** Keeps the list up to date until the returned function is called. */
export function watchJobs(): () => void {
  let pending: ReturnType<typeof setTimeout> | null = null;
  const refreshSoon = (): void => {
    pending ??= setTimeout(() => {
      pending = null;
      void refreshJobs();
    }, REFRESH_MS);
  };
  void refreshJobs();
  const stop = listen(null, {
    onEvent: (event) => {
      if (event.event === 'job_removed') forget(event.data.job_id);
      refreshSoon();
    },
    onRefused: () => void refreshSession(),
    onConnection: (connected, again) => {
      setState({ connected });
      if (again) refreshSoon();
    },
  });
  const poll = setInterval(() => {
    if (getState().connected === false) void refreshJobs();
  }, POLL_MS);
  return () => {
    stop();
    clearInterval(poll);
    if (pending !== null) clearTimeout(pending);
  };
}

export async function upload(file: File): Promise<void> {
  const { done, cancel } = api.uploadFile(file, (sent, total) => {
    setState(({ upload: current }) => (current === null ? {} : { upload: { ...current, sent, total } }));
  });
  setState({ upload: { name: file.name, sent: 0, total: file.size, cancel }, uploadError: null });
  try {
    const { job_id: jobId } = await done;
    navigate({ page: 'job', jobId });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') notifyPlain(i18next.t('jobs.uploadCancelled'));
    else setState({ uploadError: { name: file.name, error: toApiError(cause) } });
  } finally {
    setState({ upload: null });
  }
}

export async function openSample(): Promise<void> {
  setState({ openingSample: true, uploadError: null });
  await attempt(async () => {
    const { job_id: jobId } = await api.openSample();
    navigate({ page: 'job', jobId });
  });
  setState({ openingSample: false });
}

/** Says what kind of machine made a case's image; the open page hears of it as everybody does. */
export async function setModality(jobId: string, modality: Modality): Promise<void> {
  await attempt(() => api.setModality(jobId, modality));
}

export async function removeJob(jobId: string): Promise<void> {
  await attempt(async () => {
    await api.deleteJob(jobId);
    forget(jobId);
    setState(({ jobs }) => ({ jobs: jobs?.filter((job) => job.job_id !== jobId) ?? null }));
  });
}
