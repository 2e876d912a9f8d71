// The scale bar: round lengths, as long as they fit, as many pixels as the scale says.
import { describe, expect, it } from 'vitest';
import { scaleBar } from '../src/core/scale_bar';

describe('scale bar', () => {
  it.each([
    [1.5, 160, 100, '10 cm'],
    [2.5, 160, 50, '5 cm'],
    [4, 160, 20, '2 cm'],
    [12, 160, 10, '1 cm'],
    [30, 160, 5, '5 mm'],
    [100, 160, 1, '1 mm'],
    [300, 160, 0.5, '0.5 mm'],
    [0.1, 160, 1000, '100 cm'],
  ])('%f pixels per mm in %i pixels: %f mm', (pixelsPerMm, most, mm, text) => {
    const bar = scaleBar(pixelsPerMm, most);
    expect(bar).toEqual({ mm, pixels: mm * pixelsPerMm, text });
  });

  it('is the longest of 1, 2, 5 that fits, and never longer than the room', () => {
    for (let scale = 0.05; scale < 200; scale *= 1.13) {
      const bar = scaleBar(scale, 140);
      expect(bar).not.toBeNull();
      expect(bar!.pixels).toBeLessThanOrEqual(140 + 1e-9);
      expect(bar!.pixels * 2.5).toBeGreaterThan(140 - 1e-9);
      expect([1, 2, 5]).toContain(Number(bar!.mm.toExponential().split('e')[0]));
    }
  });

  it('is none where nothing can be measured', () => {
    expect(scaleBar(0, 100)).toBeNull();
    expect(scaleBar(Number.NaN, 100)).toBeNull();
    expect(scaleBar(3, 0)).toBeNull();
  });
});
