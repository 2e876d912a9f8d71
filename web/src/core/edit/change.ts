// What an edit changed, voxel by voxel, while it is made and until the server has it.
import type { Vec3 } from '../axes';
import type { Labelmap } from '../rle';
import { censusOf, type Census } from './census';
import { boxOfOffsets, type VoxelBox } from './voxel_box';

/** Voxels in the order they were changed; each occurs once. */
export interface Change {
  readonly offsets: Uint32Array;
  /** Labels before the edit. They follow when others change the mask beneath an edit that waits. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly box: VoxelBox | null;
}

export const NO_CHANGE: Change = {
  offsets: new Uint32Array(0),
  before: new Uint8Array(0),
  after: new Uint8Array(0),
  box: null,
};

const FIRST_CAPACITY = 1024;

/** Writes voxels in place and remembers what they were. */
export class Recorder {
  private offsets = new Uint32Array(FIRST_CAPACITY);
  private before = new Uint8Array(FIRST_CAPACITY);
  private after = new Uint8Array(FIRST_CAPACITY);
  private length = 0;

  private readonly census: Census;

  constructor(readonly mask: Labelmap) {
    // Before the first voxel changes, so that the counts follow every one.
    this.census = censusOf(mask);
  }

  labelAt(offset: number): number {
    return this.mask.voxels[offset] ?? 0;
  }

  /** Sets a voxel that holds another label. An edit sets a voxel once. */
  set(offset: number, label: number): void {
    if (this.length === this.offsets.length) this.grow();
    this.offsets[this.length] = offset;
    this.before[this.length] = this.labelAt(offset);
    this.after[this.length] = label;
    this.length++;
    this.mask.voxels[offset] = label;
  }

  /** What was changed; called once. */
  finish(): Change {
    const offsets = this.offsets.slice(0, this.length);
    const change = {
      offsets,
      before: this.before.slice(0, this.length),
      after: this.after.slice(0, this.length),
      box: boxOfOffsets(this.mask.shape, offsets),
    };
    this.census.follow(change);
    return change;
  }

  private grow(): void {
    const larger = <T extends Uint32Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    const capacity = 4 * this.offsets.length;
    this.offsets = larger(this.offsets, new Uint32Array(capacity));
    this.before = larger(this.before, new Uint8Array(capacity));
    this.after = larger(this.after, new Uint8Array(capacity));
  }
}

/** Takes an edit back out of the voxels. */
export function revert(voxels: Uint8Array, { offsets, before }: Change): void {
  offsets.forEach((offset, at) => {
    voxels[offset] = before[at] ?? 0;
  });
}

/** Labels whose voxels an edit took or gave, background left out. */
export function labelsOf({ before, after }: Change): ReadonlySet<number> {
  const found = new Set<number>([...new Set(before), ...new Set(after)]);
  found.delete(0);
  return found;
}

/** An edit without some of its voxels. */
export function without(shape: Vec3, change: Change, dropped: ReadonlySet<number>): Change {
  const kept: number[] = [];
  change.offsets.forEach((offset, at) => {
    if (!dropped.has(offset)) kept.push(at);
  });
  if (kept.length === change.offsets.length) return change;
  const offsets = Uint32Array.from(kept, (at) => change.offsets[at] ?? 0);
  return {
    offsets,
    before: Uint8Array.from(kept, (at) => change.before[at] ?? 0),
    after: Uint8Array.from(kept, (at) => change.after[at] ?? 0),
    box: boxOfOffsets(shape, offsets),
  };
}
