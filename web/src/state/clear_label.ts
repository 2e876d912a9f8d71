// Takes an object away with its voxels: an edit clears them, so that undo brings them back.
import i18next from 'i18next';
import { postRevision } from '../api/records';
import { clearedBox } from '../core/labelmap';
import { encodeRle } from '../core/rle';
import { refuseAccepted } from './accepted';
import { removeLabel } from './labels';
import { attempt } from './notices';
import { editsSaved } from './saving';
import { getState } from './store';

function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 32_768) parts.push(String.fromCharCode(...bytes.subarray(at, at + 32_768)));
  return btoa(parts.join(''));
}

/** Clears an object's voxels and takes it off the list. */
export async function clearLabel(value: number): Promise<void> {
  if (refuseAccepted()) return;
  await editsSaved();
  const open = getState().open;
  if (open === null) return;
  const cleared = open.mask === null ? null : clearedBox(open.mask, value);
  const isClear = await attempt(async () => {
    if (cleared === null) return;
    const rle = base64(encodeRle(cleared.labels));
    await postRevision(open.job.job_id, { parent: open.job.head ?? null, box: cleared.box, rle_base64: rle, action: 'edit', confirmed: [] });
  }, i18next.t('error.action'));
  if (isClear) removeLabel(value);
}
