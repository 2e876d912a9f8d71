// Edits that the server does not have yet: what to send of one, and how they follow when others change the mask beneath.
import type { Labelmap } from '../rle';
import { censusOf } from './census';
import { revert, without, type Change } from './change';
import { putBox, takeBox, type VoxelBox } from './voxel_box';

/** Voxels that two people set to different labels. */
export interface Clash {
  readonly offsets: readonly number[];
  readonly theirs: readonly number[];
}

/** The labels of an edit's box as they are right after it: later edits are left out. */
export function boxAfter(mask: Labelmap, box: VoxelBox, later: readonly Change[]): Labelmap {
  const part = takeBox(mask, box);
  const [[i1, j1, k1], [i2, j2, k2]] = box;
  const [ni, nj] = mask.shape;
  for (const change of [...later].reverse()) {
    change.offsets.forEach((offset, at) => {
      const i = offset % ni;
      const rest = (offset - i) / ni;
      const j = rest % nj;
      const k = (rest - j) / nj;
      if (i < i1 || i > i2 || j < j1 || j > j2 || k < k1 || k > k2) return;
      part.voxels[i - i1 + part.shape[0] * (j - j1 + part.shape[1] * (k - k1))] = change.before[at] ?? 0;
    });
  }
  return part;
}

/** Puts the edits that wait onto voxels that others may have changed; tells where both changed. */
function reapply({ voxels }: Labelmap, waiting: readonly Change[]): Clash {
  const clash = { offsets: [] as number[], theirs: [] as number[] };
  for (const { offsets, before, after } of waiting) {
    offsets.forEach((offset, at) => {
      const now = voxels[offset] ?? 0;
      const mine = after[at] ?? 0;
      if (now !== before[at] && now !== mine) {
        clash.offsets.push(offset);
        clash.theirs.push(now);
      }
      before[at] = now;
      voxels[offset] = mine;
    });
  }
  return clash;
}

/**
 * Takes over a box of the mask as the server has it now. Edits that wait stay on top of it, also where others
 * changed the same voxels; those are told, for a person to decide.
 */
export function takeOver(mask: Labelmap, box: VoxelBox, part: Labelmap, waiting: readonly Change[]): Clash {
  const census = censusOf(mask);
  for (const change of [...waiting].reverse()) {
    revert(mask.voxels, change);
    census.follow(change, true);
  }
  census.count(mask.voxels, box, -1);
  putBox(mask, box, part);
  census.count(mask.voxels, box, 1);
  const clash = reapply(mask, waiting);
  for (const change of waiting) census.follow(change);
  return clash;
}

/** Lays edits that were made before on a mask that others may have changed since; tells where both changed. */
export function layOn(mask: Labelmap, edits: readonly Change[]): Clash {
  const census = censusOf(mask);
  const clash = reapply(mask, edits);
  for (const change of edits) census.follow(change);
  return clash;
}

/** Gives the voxels of a clash to the others: the edits that wait, without them. */
export function giveWay(mask: Labelmap, clash: Clash, waiting: readonly Change[]): Change[] {
  const census = censusOf(mask);
  const lost = new Set(clash.offsets);
  for (const change of [...waiting].reverse()) census.follow(change, true);
  clash.offsets.forEach((offset, at) => {
    mask.voxels[offset] = clash.theirs[at] ?? 0;
  });
  const kept = waiting.map((change) => without(mask.shape, change, lost));
  for (const change of kept) census.follow(change);
  return kept;
}

/** Takes one edit out from under later ones, which keep their voxels. */
export function takeOut(mask: Labelmap, refused: Change, later: readonly Change[]): void {
  const census = censusOf(mask);
  const undone = [refused, ...later].reverse();
  for (const change of undone) {
    revert(mask.voxels, change);
    census.follow(change, true);
  }
  reapply(mask, later);
  for (const change of later) census.follow(change);
}
