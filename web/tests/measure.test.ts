// Measurements on the page: the curve's places, numbers as text, tables; expected values by hand.
import { describe, expect, it } from 'vitest';
import type { Measurements, ObjectMeasures } from '../src/api/types';
import { csv } from '../src/core/csv';
import { areaCurve, areaPoints, diameterText, formatMl, measurementsText } from '../src/core/measure';

describe('area curve', () => {
  const points = areaPoints([
    { slice_index: 12, area_mm2: 50 },
    { slice_index: 10, area_mm2: 100 },
  ]);

  it('has a point for each slice between first and last', () => {
    expect(points).toEqual([
      { sliceIndex: 10, areaMm2: 100 },
      { sliceIndex: 11, areaMm2: 0 },
      { sliceIndex: 12, areaMm2: 50 },
    ]);
    expect(areaPoints([])).toEqual([]);
  });

  it('runs from the left edge to the right, the largest area at the top', () => {
    const curve = areaCurve(points, 200, 80)!;
    expect(curve.line).toBe('M0.00,0.00L100.00,80.00L200.00,40.00');
    expect(curve.filled).toBe('M0.00,80L0.00,0.00L100.00,80.00L200.00,40.00L200.00,80Z');
    expect([curve.xOf(10), curve.xOf(11), curve.xOf(12)]).toEqual([0, 100, 200]);
    expect([-5, 0, 49, 51, 199, 300].map(curve.sliceAt)).toEqual([10, 10, 10, 11, 12, 12]);
  });

  it('of one slice is a point in the middle', () => {
    const curve = areaCurve(areaPoints([{ slice_index: 4, area_mm2: 9 }]), 200, 80)!;
    expect(curve.line).toBe('M100.00,0.00');
    expect(curve.sliceAt(170)).toBe(4);
    expect(areaCurve([], 200, 80)).toBeNull();
  });
});

const OBJECT = {
  label: 1,
  name: 'Tumour',
  n_voxels: 1000,
  volume_ml: 5.625,
  surface_mm2: 1234.5,
  mean: 40.04,
  sd: 3.21,
  min: -0.04,
  max: 88,
  median: 41,
  longest: { mm: 34.16, axis: 2, slice_index: 20, from: [1, 2], to: [3, 4] },
  perpendicular: { mm: 20.1, axis: 2, slice_index: 20, from: [1, 2], to: [3, 4] },
} as ObjectMeasures;

describe('as text', () => {
  it('volumes have as many digits as they deserve', () => {
    expect([0.0042, 9.994, 12.34, 1500.6].map(formatMl)).toEqual(['0.00', '9.99', '12.3', '1501']);
  });

  it('diameters stand side by side', () => {
    expect(diameterText(OBJECT)).toBe('34.2 × 20.1 mm');
    expect(diameterText({ ...OBJECT, perpendicular: null })).toBe('34.2 mm');
    expect(diameterText({ ...OBJECT, longest: null })).toBeNull();
  });

  it('a report names every number and its unit', () => {
    const words = {
      name: (it: ObjectMeasures) => it.name,
      volume: 'Volume',
      diameters: 'Diameters',
      slice: (index: number) => `slice ${index}`,
      mean: 'Mean',
      range: 'Range',
      median: 'Median',
      surface: 'Surface',
    };
    const measurements = { objects: [OBJECT, { ...OBJECT, name: 'B', longest: null, mean: null, sd: null }] } as Measurements;
    expect(measurementsText(measurements, 'HU', words).split('\n')).toEqual([
      'Tumour',
      '  Volume: 5.63 ml',
      '  Diameters: 34.2 × 20.1 mm (slice 20)',
      '  Mean: 40.0 ± 3.2 HU',
      '  Range: 0.0 – 88.0 HU',
      '  Median: 41.0 HU',
      '  Surface: 1235 mm²',
      '',
      'B',
      '  Volume: 5.63 ml',
      '  Mean: – ± – HU',
      '  Range: 0.0 – 88.0 HU',
      '  Median: 41.0 HU',
      '  Surface: 1235 mm²',
    ]);
  });
});

it('tables quote what they must and let no cell be a formula', () => {
  expect(csv([['a', 'b,c', 'say "x"'], ['=1+1', '간\n간', '']])).toBe('a,"b,c","say ""x"""\r\n\'=1+1,"간\n간",\r\n');
});
