// Which voxels an edit may change: a locked object never loses or gains one, and the rest is a person's choice.

/** What painting takes: background only, or every object that is not locked. */
export type PaintOver = 'background' | 'unlocked';

/** Whom the eraser takes voxels from: the chosen object, or every one that is not locked. */
export type EraseFrom = 'active' | 'unlocked';

/** By label value: 1 where a voxel of it may change. */
export type Writable = Uint8Array;

/** What may become voxels of `label`. Nothing where that object is locked. */
export function paintable(label: number, over: PaintOver, locked: ReadonlySet<number>): Writable {
  const table = new Uint8Array(256);
  if (locked.has(label)) return table;
  table[0] = 1;
  if (over === 'unlocked') {
    for (let value = 1; value < 256; value++) table[value] = value === label || locked.has(value) ? 0 : 1;
  }
  return table;
}

/** What may become background. */
export function erasable(label: number, from: EraseFrom, locked: ReadonlySet<number>): Writable {
  const table = new Uint8Array(256);
  if (from === 'active') {
    table[label] = locked.has(label) ? 0 : 1;
    return table;
  }
  for (let value = 1; value < 256; value++) table[value] = locked.has(value) ? 0 : 1;
  return table;
}
