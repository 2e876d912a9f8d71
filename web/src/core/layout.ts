// Which panes share the screen: one large with two small beside it, two by two with the surface, or one alone.
import { PLANES, type Plane } from './axes';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What a pane shows: slices of a plane, or the objects' surfaces in three dimensions. */
export type PaneKind = Plane | 'surface';

export const PANE_KINDS: readonly PaneKind[] = [...PLANES, 'surface'];

/** `main`: one large plane with two small ones beside it; `grid`: two by two; else one pane alone. */
export type Layout = PaneKind | 'main' | 'grid';

export const LAYOUTS: readonly Layout[] = ['axial', 'coronal', 'sagittal', 'grid', 'main', 'surface'];

/** Layouts of several panes: what a pane goes back to from being alone. */
export type SharedLayout = 'main' | 'grid';

/** From this width of the page on, two planes beside the large one take no room from it. */
const ROOMY_PAGE_PX = 1200;

/** What a person who has not chosen a layout starts with on a page of this width. */
export function firstLayout(pageWidthPx: number): Layout {
  return pageWidthPx >= ROOMY_PAGE_PX ? 'main' : 'axial';
}

export interface PlacedPane {
  readonly kind: PaneKind;
  readonly pane: Rect;
}

/** Pixels between panes. */
const GAP = 2;

/** The large pane's share of the longer side. */
const LARGE_SHARE = 0.66;

export function isShared(layout: Layout): layout is SharedLayout {
  return layout === 'main' || layout === 'grid';
}

/** The planes beside the large one, in reading order. */
export function smallPlanes(large: Plane): readonly [Plane, Plane] {
  if (large === 'axial') return ['sagittal', 'coronal'];
  return large === 'coronal' ? ['axial', 'sagittal'] : ['axial', 'coronal'];
}

/** Beside each other on a broad stage, below each other on a high one. */
function mainPanes(large: Plane, width: number, height: number): readonly PlacedPane[] {
  const [first, second] = smallPlanes(large);
  if (width >= height) {
    const wide = Math.round((width - GAP) * LARGE_SHARE);
    const [rest, half] = [width - GAP - wide, (height - GAP) / 2];
    return [
      { kind: large, pane: { x: 0, y: 0, width: wide, height } },
      { kind: first, pane: { x: wide + GAP, y: 0, width: rest, height: half } },
      { kind: second, pane: { x: wide + GAP, y: half + GAP, width: rest, height: half } },
    ];
  }
  const high = Math.round((height - GAP) * LARGE_SHARE);
  const [rest, half] = [height - GAP - high, (width - GAP) / 2];
  return [
    { kind: large, pane: { x: 0, y: 0, width, height: high } },
    { kind: first, pane: { x: 0, y: high + GAP, width: half, height: rest } },
    { kind: second, pane: { x: half + GAP, y: high + GAP, width: half, height: rest } },
  ];
}

/** Panes of a layout; the large or first one first. `large` is the large plane of `main`. */
export function panesOf(layout: Layout, large: Plane, width: number, height: number): readonly PlacedPane[] {
  if (layout === 'main') return mainPanes(large, width, height);
  if (layout !== 'grid') return [{ kind: layout, pane: { x: 0, y: 0, width, height } }];
  const [w, h] = [(width - GAP) / 2, (height - GAP) / 2];
  return [
    { kind: 'axial', pane: { x: 0, y: 0, width: w, height: h } },
    { kind: 'sagittal', pane: { x: w + GAP, y: 0, width: w, height: h } },
    { kind: 'coronal', pane: { x: 0, y: h + GAP, width: w, height: h } },
    { kind: 'surface', pane: { x: w + GAP, y: h + GAP, width: w, height: h } },
  ];
}

/** What lies on the screen, and what a pane that is alone goes back to. */
export interface View {
  readonly layout: Layout;
  readonly large: Plane;
  readonly shared: SharedLayout;
}

/** A pane made larger: a small one large, a large one the only one, the only one what it was before. */
export function enlarged({ layout, large, shared }: View, kind: PaneKind): View {
  if (layout === kind) return { layout: shared, large, shared };
  if (layout === 'main' && kind !== 'surface' && kind !== large) return { layout, large: kind, shared };
  return { layout: kind, large, shared: isShared(layout) ? layout : shared };
}
