// The scale bar: the longest round length that fits.

export interface ScaleBar {
  readonly mm: number;
  readonly pixels: number;
  /** `5 mm`, `2 cm`: units are the same in every language. */
  readonly text: string;
}

function textOf(mm: number): string {
  return mm >= 10 ? `${mm / 10} cm` : `${mm} mm`;
}

/** A bar of 1, 2 or 5 times a power of ten millimetres, at most `maxPixels` long; null where nothing can be measured. */
export function scaleBar(pixelsPerMm: number, maxPixels: number): ScaleBar | null {
  const most = maxPixels / pixelsPerMm;
  if (!Number.isFinite(most) || most <= 0) return null;
  const power = 10 ** Math.floor(Math.log10(most));
  const factor = [5, 2, 1].find((it) => it * power <= most) ?? 1;
  // Powers below one are not exact: 5 · 10⁻¹ must read 0.5.
  const mm = Number((factor * power).toPrecision(1));
  return { mm, pixels: mm * pixelsPerMm, text: textOf(mm) };
}
