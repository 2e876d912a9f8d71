// Label sets on the server: objects kept under a name, for other cases.
import i18next from 'i18next';
import * as records from '../api/records';
import type { Label, LabelSet } from '../api/types';
import { normalLabel } from '../core/label_file';
import { attempt, notifyDone } from './notices';

/** All sets by name; null where they could not be had. */
export async function loadLabelSets(): Promise<LabelSet[] | null> {
  let sets: LabelSet[] | null = null;
  await attempt(async () => {
    sets = await records.listLabelSets();
  });
  return sets;
}

/** Keeps objects under a name; the set that has it already is replaced. */
export async function saveLabelSet(sets: readonly LabelSet[], name: string, labels: readonly Label[]): Promise<boolean> {
  const before = sets.find((set) => set.name === name);
  // A lock guards voxels of one job; it does not go with the set.
  const kept = labels.map((label) => normalLabel({ ...label, locked: false }));
  return attempt(async () => {
    if (before === undefined) await records.postLabelSet(name, kept);
    else await records.putLabelSet(before.label_set_id, name, kept);
    notifyDone(i18next.t('labels.setSaved', { name }));
  });
}

export async function removeLabelSet(labelSetId: string): Promise<boolean> {
  return attempt(async () => {
    await records.deleteLabelSet(labelSetId);
  });
}
