// Panes: where they lie, and what making one larger does.
import { describe, expect, it } from 'vitest';
import { PLANES } from '../src/core/axes';
import { enlarged, firstLayout, panesOf, type PaneKind, type Rect, type View } from '../src/core/layout';

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

describe('panes', () => {
  it('are three at first where they take no room from the large one', () => {
    expect([420, 1024, 1199, 1200, 1920].map(firstLayout)).toEqual(['axial', 'axial', 'axial', 'main', 'main']);
  });

  it.each([[920, 520], [700, 980]])('lie beside each other and fill %i × %i but for the gaps', (width, height) => {
    for (const layout of ['main', 'grid'] as const) {
      for (const large of PLANES) {
        const panes = panesOf(layout, large, width, height);
        panes.forEach((a, at) => {
          for (const b of panes.slice(at + 1)) expect(overlap(a.pane, b.pane)).toBe(false);
          expect(a.pane.x + a.pane.width).toBeLessThanOrEqual(width + 1e-9);
          expect(a.pane.y + a.pane.height).toBeLessThanOrEqual(height + 1e-9);
        });
        const area = panes.reduce((sum, { pane }) => sum + pane.width * pane.height, 0);
        expect(area).toBeGreaterThan(width * height - 2 * 2 * (width + height));
      }
    }
  });

  it('show every plane once; two by two also the surface', () => {
    const kinds = (layout: 'main' | 'grid', large: 'axial' | 'coronal' | 'sagittal'): PaneKind[] =>
      panesOf(layout, large, 900, 600).map(({ kind }) => kind);
    for (const large of PLANES) {
      expect(kinds('main', large)[0]).toBe(large);
      expect([...kinds('main', large)].sort()).toEqual(['axial', 'coronal', 'sagittal']);
      expect([...kinds('grid', large)].sort()).toEqual(['axial', 'coronal', 'sagittal', 'surface']);
    }
  });

  it('the large one has most of the room, also on a high screen', () => {
    for (const [width, height] of [[900, 600], [600, 900]] as const) {
      const [large, ...small] = panesOf('main', 'axial', width, height).map(({ pane }) => pane.width * pane.height);
      for (const area of small) expect(large).toBeGreaterThan(3 * area);
    }
  });
});

describe('making a pane larger', () => {
  const main: View = { layout: 'main', large: 'axial', shared: 'main' };

  it('a small one becomes the large one, the large one the only one, and back', () => {
    const coronal = enlarged(main, 'coronal');
    expect(coronal).toEqual({ layout: 'main', large: 'coronal', shared: 'main' });
    const alone = enlarged(coronal, 'coronal');
    expect(alone.layout).toBe('coronal');
    expect(enlarged(alone, 'coronal')).toEqual(coronal);
  });

  it('one of four becomes the only one, and back to four', () => {
    const grid: View = { layout: 'grid', large: 'sagittal', shared: 'main' };
    const alone = enlarged(grid, 'surface');
    expect(alone).toEqual({ layout: 'surface', large: 'sagittal', shared: 'grid' });
    expect(enlarged(alone, 'surface').layout).toBe('grid');
  });

  it('a plane that was opened alone goes to the layout of several that is remembered', () => {
    expect(enlarged({ layout: 'axial', large: 'axial', shared: 'main' }, 'axial').layout).toBe('main');
  });
});
