// Questions about edits that only a person can answer, as long as that person is there.
import type { ApiError } from '../api/http';
import type { Clash } from '../core/edit/waiting';
import { setState, useStore } from './store';
import { isOpen, type MaskWork } from './works';

/** Puts a question about a job's edits and waits for the answer; `otherwise` where the job is not looked at, or no longer. */
function ask<T>(work: MaskWork, otherwise: T, put: (answer: (said: T) => void) => void, takeBack: () => void): Promise<T> {
  if (!isOpen(work)) return Promise.resolve(otherwise);
  return new Promise((resolve) => {
    const answer = (said: T): void => {
      stop();
      takeBack();
      resolve(said);
    };
    // Who has left the page, or was signed out, cannot answer: other edits would wait for ever.
    const stop = useStore.subscribe(() => {
      if (!isOpen(work)) answer(otherwise);
    });
    put(answer);
  });
}

/** Asks whose voxels stay; a job that is not looked at keeps its own: theirs stay in the history. */
export function askWhose(work: MaskWork, clash: Clash, by: string): Promise<'mine' | 'theirs'> {
  return ask<'mine' | 'theirs'>(
    work,
    'mine',
    (answer) => {
      setState({ clash: { jobId: work.jobId, voxels: clash.offsets.length, by, answer } });
    },
    () => {
      setState({ clash: null });
    },
  );
}

/** Asks whether an edit that the server does not take any more goes, or waits until it does. */
export function askRefused(work: MaskWork, cause: ApiError): Promise<'drop' | 'keep'> {
  return ask<'drop' | 'keep'>(
    work,
    'keep',
    (answer) => {
      setState({ refused: { jobId: work.jobId, cause, waiting: work.edits.length, answer } });
    },
    () => {
      setState({ refused: null });
    },
  );
}
