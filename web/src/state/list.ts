// How the case list is looked at: order, filters and search, kept in the browser; and the order that cases follow each other in.
import { viewFrom, type ListView } from '../core/job_list';
import { refreshJobs } from './jobs';
import { getState, setState } from './store';

const STORAGE_KEY = 'voxloop.list';

/** The view that was left last time. */
export function readListView(): void {
  let stored: unknown;
  try {
    stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? 'null');
  } catch {
    stored = null;
  }
  setState({ list: viewFrom(stored) });
}

export function changeList(change: Partial<ListView>): void {
  const list = { ...getState().list, ...change };
  localStorage.setItem(STORAGE_KEY, JSON.stringify(list));
  setState({ list });
}

/** Loads the list where a case was opened by its address, so that the next one is known. */
export async function loadNeighbours(): Promise<void> {
  await refreshJobs();
}
