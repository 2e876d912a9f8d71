// Measurements on the page: numbers as text, the area curve as a path, diameters on their slice.
import type { Diameter, Label, Measurements, ObjectMeasures } from '../api/types';

/** A volume with as many digits as its size deserves. */
export function formatMl(ml: number): string {
  if (ml < 10) return ml.toFixed(2);
  return ml < 1000 ? ml.toFixed(1) : ml.toFixed(0);
}

export function formatNumber(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text;
}

/** A slice with the area of an object on it; slices between that the object leaves out have none. */
export interface AreaPoint {
  readonly sliceIndex: number;
  readonly areaMm2: number;
}

/** Every slice from the first to the last that an object reaches, one area each. */
export function areaPoints(areas: ObjectMeasures['areas']): AreaPoint[] {
  const known = new Map(areas.map((it) => [it.slice_index, it.area_mm2]));
  if (known.size === 0) return [];
  const [first, last] = [Math.min(...known.keys()), Math.max(...known.keys())];
  return Array.from({ length: last - first + 1 }, (_, at) => ({ sliceIndex: first + at, areaMm2: known.get(first + at) ?? 0 }));
}

export interface Curve {
  readonly line: string;
  readonly filled: string;
  /** Place across of a slice, and the slice at a place across. */
  readonly xOf: (sliceIndex: number) => number;
  readonly sliceAt: (x: number) => number;
}

/** The area curve in a box of the given size: the first slice on the left, the largest area at the top. */
export function areaCurve(points: readonly AreaPoint[], width: number, height: number): Curve | null {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  const largest = Math.max(...points.map((point) => point.areaMm2));
  const span = last.sliceIndex - first.sliceIndex;
  const xOf = (sliceIndex: number): number => (span === 0 ? width / 2 : ((sliceIndex - first.sliceIndex) / span) * width);
  const yOf = (area: number): number => (largest === 0 ? height : height - (area / largest) * height);
  const places = points.map((point) => `${xOf(point.sliceIndex).toFixed(2)},${yOf(point.areaMm2).toFixed(2)}`);
  const [left, right] = [xOf(first.sliceIndex).toFixed(2), xOf(last.sliceIndex).toFixed(2)];
  return {
    line: `M${places.join('L')}`,
    filled: `M${left},${height}L${places.join('L')}L${right},${height}Z`,
    xOf,
    sliceAt: (x) => {
      const slice = Math.round(first.sliceIndex + (width === 0 ? 0 : (x / width) * span));
      return Math.min(Math.max(slice, first.sliceIndex), last.sliceIndex);
    },
  };
}

/** One object's diameters, to be drawn on the slice they lie on. */
export interface DrawnDiameters {
  readonly label: number;
  readonly color: string;
  readonly longest: Diameter;
  readonly perpendicular: Diameter | null;
}

/** The diameters to draw, in the colours of their objects. */
export function drawnDiameters(measurements: Measurements | null, labels: readonly Label[]): DrawnDiameters[] {
  return (measurements?.objects ?? []).flatMap(({ label, longest, perpendicular }) => {
    const color = labels.find((it) => it.value === label)?.color;
    return longest && color !== undefined ? [{ label, color, longest, perpendicular: perpendicular ?? null }] : [];
  });
}

/** Words that a copied report is written with. */
export interface ReportWords {
  readonly name: (object: ObjectMeasures) => string;
  readonly volume: string;
  readonly diameters: string;
  readonly slice: (index: number) => string;
  readonly mean: string;
  readonly range: string;
  readonly median: string;
  readonly surface: string;
}

/** `34.2 × 20.1 mm`: the longest diameter times its perpendicular, as RECIST reports it; null without one. */
export function diameterText({ longest, perpendicular }: ObjectMeasures): string | null {
  if (!longest) return null;
  const across = perpendicular ? ` × ${formatNumber(perpendicular.mm, 1)}` : '';
  return `${formatNumber(longest.mm, 1)}${across} mm`;
}

/** Measurements as lines of text, for a report. Intensities have the image's unit. */
export function measurementsText(measurements: Measurements, unit: string, words: ReportWords): string {
  const number = (value: number | null | undefined): string => (typeof value === 'number' ? formatNumber(value, 1) : '–');
  const intensity = (value: number | null | undefined): string => `${number(value)}${unit === '' ? '' : ` ${unit}`}`;
  return measurements.objects
    .map((object) => {
      const diameters = diameterText(object);
      const where = object.longest ? ` (${words.slice(object.longest.slice_index)})` : '';
      return [
        words.name(object),
        `  ${words.volume}: ${formatMl(object.volume_ml)} ml`,
        ...(diameters === null ? [] : [`  ${words.diameters}: ${diameters}${where}`]),
        `  ${words.mean}: ${number(object.mean)} ± ${intensity(object.sd)}`,
        `  ${words.range}: ${number(object.min)} – ${intensity(object.max)}`,
        `  ${words.median}: ${intensity(object.median)}`,
        `  ${words.surface}: ${formatNumber(object.surface_mm2, 0)} mm²`,
      ].join('\n');
    })
    .join('\n\n');
}
