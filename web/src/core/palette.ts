// Colours of objects: red first, then colours that stay apart for colour-blind eyes.
import type { Label } from '../api/types';
import type { Plane } from './axes';

/** A plane's own colour: of its title, and of the line that stands for it in the other views. */
export const PLANE_COLORS: Readonly<Record<Plane, string>> = { axial: '#5cc8d7', coronal: '#a8db75', sagittal: '#d3a6f8' };

export const LABEL_COLORS: readonly string[] = [
  '#ff3b30', '#38bdf8', '#facc15', '#a78bfa', '#34d399', '#fb923c', '#f472b6', '#94a3b8',
];

/** The next colour in turn that is not in use; the first object is red, later ones are not, whatever red the first has. */
export function nextLabelColor(used: readonly string[]): string {
  const taken = new Set(used.map((color) => color.toLowerCase()));
  const first = used.length % LABEL_COLORS.length;
  const inTurn = [...LABEL_COLORS.slice(first), ...LABEL_COLORS.slice(0, first)];
  return inTurn.find((color) => !taken.has(color)) ?? inTurn[0] ?? '#ff3b30';
}

/** The number in a name that the server gave by default; null for a name that a person chose. */
export function defaultNumber({ value, name }: Label): number | null {
  return name === `Object ${value}` ? value : null;
}

/** Red, green, blue of `#rrggbb`; red where it is not a colour. */
export function rgbOf(color: string): readonly [number, number, number] {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return [255, 59, 48];
  return [parseInt(match[1], 16), parseInt(match[2], 16), parseInt(match[3], 16)];
}

function isShown({ value, visible }: Label, hidden: ReadonlySet<number>): boolean {
  return visible !== false && !hidden.has(value);
}

/** Labels that are neither hidden for all nor on this page. */
export function shownLabels(labels: readonly Label[], hidden: ReadonlySet<number>): readonly Label[] {
  return labels.filter((label) => isShown(label, hidden));
}

/** Colours by label value, four bytes each, with `opacity` (0–1) unless a label has its own; hidden labels and those that are outlines only are transparent. */
export function paletteOf(labels: readonly Label[], hidden: ReadonlySet<number>, opacity: number): Uint8ClampedArray {
  const palette = new Uint8ClampedArray(256 * 4);
  for (const { value, color, outline, opacity: own } of shownLabels(labels, hidden)) {
    if (outline !== true) palette.set([...rgbOf(color), Math.round(255 * (own ?? opacity))], value * 4);
  }
  return palette;
}

/** Colours of outlines by label value: of those that have them by themselves, or because `outline` gives them to all. */
export function outlineColors(labels: readonly Label[], hidden: ReadonlySet<number>, outline: boolean): ReadonlyMap<number, string> {
  const outlined = shownLabels(labels, hidden).filter((label) => label.outline ?? outline);
  return new Map(outlined.map(({ value, color }) => [value, `rgb(${rgbOf(color).join(' ')})`]));
}
