// Takes an object away with its voxels: an edit clears them, so that undo brings them back.
import { refuseReadOnly } from './accepted';
import { clearObject } from './editing';
import { removeLabel } from './labels';
import { editsSaved } from './saving';
import { getState } from './store';

/** Clears an object's voxels and takes it off the list once the server has the edit. */
export async function clearLabel(value: number): Promise<void> {
  if (refuseReadOnly() || !clearObject(value)) return;
  await editsSaved();
  const open = getState().open;
  if (open === null || getState().saving.waiting > 0) return;
  removeLabel(value);
}
