// Edits reach the server in the order in which they were made.
import { maskSaved } from './mask_work';
import { attempt } from './notices';

let saving: Promise<unknown> = Promise.resolve();

/** Sends an edit after all earlier ones; a failure is shown. */
export function saveInTurn(call: () => Promise<unknown>): void {
  saving = saving.then(() =>
    attempt(async () => {
      await call();
    }),
  );
}

/** Resolves when every edit so far, of the mask as well, has reached the server, or failed to. */
export function editsSaved(): Promise<unknown> {
  return saving.then(maskSaved);
}
