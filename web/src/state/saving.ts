// Edits reach the server in the order in which they were made.
import { maskSaved } from './mask_work';
import { attempt } from './notices';

let saving: Promise<unknown> = Promise.resolve();
let nWaiting = 0;

/** Sends an edit after all earlier ones; a failure is shown. */
export function saveInTurn(call: () => Promise<unknown>): void {
  nWaiting += 1;
  saving = saving.then(() =>
    attempt(async () => {
      try {
        await call();
      } finally {
        nWaiting -= 1;
      }
    }),
  );
}

/** Whether no edit of a prompt is on its way. */
export function promptsSaved(): boolean {
  return nWaiting === 0;
}

/** Resolves when every edit so far, of the mask as well, has reached the server, or failed to. */
export function editsSaved(): Promise<unknown> {
  return saving.then(maskSaved);
}
