// Every key of the page, with what it does: the sheet shows this list, and a test compares it with the handlers.

export const SHORTCUT_GROUPS = ['anywhere', 'list', 'move', 'tools', 'edit', 'solve', 'look'] as const;

export type ShortcutGroup = (typeof SHORTCUT_GROUPS)[number];

/** Keys as `KeyboardEvent.key` names them, letters as capitals; `Ctrl` is the command key on a Mac. */
export interface Shortcut {
  readonly keys: readonly string[];
  /** Its words: `shortcut.…`. */
  readonly word: string;
  readonly group: ShortcutGroup;
}

export const SHORTCUTS = [
  { group: 'anywhere', word: 'sheet', keys: ['?'] },
  { group: 'list', word: 'nextCase', keys: ['J', 'ArrowDown'] },
  { group: 'list', word: 'previousCase', keys: ['K', 'ArrowUp'] },
  { group: 'list', word: 'search', keys: ['/'] },
  { group: 'move', word: 'nextSlice', keys: ['ArrowUp', 'ArrowRight', 'PageUp'] },
  { group: 'move', word: 'previousSlice', keys: ['ArrowDown', 'ArrowLeft', 'PageDown'] },
  { group: 'move', word: 'tenSlices', keys: ['Shift+ArrowUp', 'Shift+ArrowDown'] },
  { group: 'move', word: 'ends', keys: ['Home', 'End'] },
  { group: 'move', word: 'crosshair', keys: ['Alt+ArrowUp', 'Alt+ArrowDown', 'Alt+ArrowLeft', 'Alt+ArrowRight'] },
  { group: 'move', word: 'doubtful', keys: ['D'] },
  { group: 'move', word: 'previousDoubtful', keys: ['Shift+D'] },
  { group: 'move', word: 'nextObject', keys: ['G'] },
  { group: 'move', word: 'previousObject', keys: ['Shift+G'] },
  { group: 'tools', word: 'navigate', keys: ['V', 'Escape'] },
  { group: 'tools', word: 'box', keys: ['B'] },
  { group: 'tools', word: 'inside', keys: ['P'] },
  { group: 'tools', word: 'outside', keys: ['N'] },
  { group: 'tools', word: 'strokeInside', keys: ['S'] },
  { group: 'tools', word: 'strokeOutside', keys: ['Shift+S'] },
  { group: 'tools', word: 'mark', keys: ['M'] },
  { group: 'tools', word: 'remove', keys: ['Delete'] },
  { group: 'edit', word: 'brush', keys: ['R'] },
  { group: 'edit', word: 'eraser', keys: ['E'] },
  { group: 'edit', word: 'fill', keys: ['F'] },
  { group: 'edit', word: 'threshold', keys: ['T'] },
  { group: 'edit', word: 'scissors', keys: ['X'] },
  { group: 'edit', word: 'size', keys: ['[', ']'] },
  { group: 'edit', word: 'copyNext', keys: ['K'] },
  { group: 'edit', word: 'copyBefore', keys: ['Shift+K'] },
  { group: 'edit', word: 'interpolate', keys: ['I'] },
  { group: 'edit', word: 'undo', keys: ['Ctrl+Z'] },
  { group: 'edit', word: 'redo', keys: ['Ctrl+Shift+Z', 'Ctrl+Y'] },
  { group: 'solve', word: 'segment', keys: ['Enter'] },
  { group: 'solve', word: 'propagate', keys: ['Shift+Enter'] },
  { group: 'solve', word: 'confirm', keys: ['C'] },
  { group: 'solve', word: 'absent', keys: ['A'] },
  { group: 'solve', word: 'compare', keys: ['O'] },
  { group: 'solve', word: 'accept', keys: ['Ctrl+Enter'] },
  { group: 'look', word: 'frames', keys: [',', '.'] },
  { group: 'look', word: 'hideMasks', keys: ['H'] },
  { group: 'look', word: 'fit', keys: ['0'] },
  { group: 'look', word: 'axial', keys: ['1'] },
  { group: 'look', word: 'coronal', keys: ['2'] },
  { group: 'look', word: 'sagittal', keys: ['3'] },
  { group: 'look', word: 'grid', keys: ['4'] },
  { group: 'look', word: 'main', keys: ['5'] },
] as const satisfies readonly Shortcut[];

const SIGNS: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  PageUp: 'Page ↑',
  PageDown: 'Page ↓',
  Escape: 'Esc',
  Delete: 'Del',
};

/** The parts of a combination as they stand on keyboards. */
export function keyCaps(combination: string, isMac: boolean): readonly string[] {
  return combination.split('+').map((key) => (key === 'Ctrl' && isMac ? '⌘' : (SIGNS[key] ?? key)));
}
