// Why a stroke changed nothing, where the reason is not in sight: rules of the tool, a lock, intensities.

/** What a stroke met that it might not change. */
export interface Met {
  /** Labels of voxels that the rule keeps. */
  readonly kept: ReadonlySet<number>;
  /** Voxels that the rule gave, but not their intensities. */
  readonly outOfRange: boolean;
}

export type Hindrance = 'locked' | 'lockedThere' | 'over' | 'others' | 'range';

/** Null where nothing was in the way: what was painted was there already, what was erased was not. */
export function hindranceOf({ kept, outOfRange }: Met, label: number, locked: ReadonlySet<number>, isErasing: boolean): Hindrance | null {
  if (locked.has(label) && (!isErasing || kept.has(label))) return 'locked';
  if (outOfRange) return 'range';
  if (kept.size === 0) return null;
  const areLocked = [...kept].every((it) => locked.has(it));
  if (areLocked) return 'lockedThere';
  return isErasing ? 'others' : 'over';
}
