// The object that was worked on last in this window: it is the active one again after a reload.
import type { Job } from '../api/types';
import { useStore } from './store';

const KEY = 'voxloop.object';

/** The object to begin with: that of before the reload where it is still there, else the first. */
export function firstObject({ job_id: jobId, labels }: Pick<Job, 'job_id' | 'labels'>): number {
  const [job, value] = (sessionStorage.getItem(KEY) ?? '').split(' ');
  const kept = job === jobId ? labels.find((label) => label.value === Number(value)) : undefined;
  return kept?.value ?? labels[0]?.value ?? 1;
}

/** Keeps the active object in mind until the returned function is called. */
export function rememberObject(): () => void {
  return useStore.subscribe(({ open }, before) => {
    if (open === null || open.label === before.open?.label) return;
    try {
      sessionStorage.setItem(KEY, `${open.job.job_id} ${open.label}`);
    } catch {
      // A browser that keeps nothing begins with the first object.
    }
  });
}
