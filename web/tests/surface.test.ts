// Surfaces: the server's format, coarser ones, and where places in millimetres lie on the pane.
import { describe, expect, it } from 'vitest';
import { boundsOf, coarser, readSurface, SurfaceError, type SurfaceMesh } from '../src/core/surface';
import { basisOf, dot, FIRST_CAMERA, lookFrom, projected, projectionOf, shifted, SIDES, turned, zoomed } from '../src/core/surface_camera';

const TETRAHEDRON: SurfaceMesh = {
  positions: Float32Array.from([0, 0, 0, 10, 0, 0, 0, 10, 0, 0, 0, 10]),
  triangles: Uint32Array.from([0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3]),
};

function written({ positions, triangles }: SurfaceMesh): Uint8Array {
  const bytes = new Uint8Array(12 + 4 * (positions.length + triangles.length));
  const view = new DataView(bytes.buffer);
  'VXS1'.split('').forEach((letter, at) => {
    bytes[at] = letter.charCodeAt(0);
  });
  view.setUint32(4, positions.length / 3, true);
  view.setUint32(8, triangles.length / 3, true);
  positions.forEach((value, at) => {
    view.setFloat32(12 + 4 * at, value, true);
  });
  triangles.forEach((value, at) => {
    view.setUint32(12 + 4 * (positions.length + at), value, true);
  });
  return bytes;
}

/** A sphere of latitudes and longitudes. */
function sphere(n: number, radius: number): SurfaceMesh {
  const positions: number[] = [];
  const triangles: number[] = [];
  for (let row = 0; row <= n; row++) {
    for (let column = 0; column < n; column++) {
      const [latitude, longitude] = [(Math.PI * row) / n, (2 * Math.PI * column) / n];
      positions.push(radius * Math.sin(latitude) * Math.cos(longitude), radius * Math.sin(latitude) * Math.sin(longitude), radius * Math.cos(latitude));
      if (row === n) continue;
      const [a, b, c, d] = [row * n + column, row * n + ((column + 1) % n), (row + 1) * n + column, (row + 1) * n + ((column + 1) % n)];
      triangles.push(a, c, b, b, c, d);
    }
  }
  return { positions: Float32Array.from(positions), triangles: Uint32Array.from(triangles) };
}

describe('the format', () => {
  it('gives corners and triangles as they were written, wherever the bytes lie', () => {
    const bytes = written(TETRAHEDRON);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    for (const it of [bytes, shifted.subarray(3)]) expect(readSurface(it)).toEqual(TETRAHEDRON);
    expect(readSurface(written({ positions: new Float32Array(), triangles: new Uint32Array() })).triangles).toHaveLength(0);
  });

  it('is refused where it is cut, of another kind, or names a corner that is not there', () => {
    const bytes = written(TETRAHEDRON);
    expect(() => readSurface(bytes.subarray(0, -1))).toThrow(SurfaceError);
    expect(() => readSurface(new Uint8Array(4))).toThrow(SurfaceError);
    expect(() => readSurface(Uint8Array.from([...bytes].with(0, 65)))).toThrow(SurfaceError);
    const wrong = written(TETRAHEDRON);
    new DataView(wrong.buffer).setUint32(wrong.length - 4, 4, true);
    expect(() => readSurface(wrong)).toThrow(SurfaceError);
  });
});

describe('coarser surfaces', () => {
  it('have no more triangles than asked for, in the same place', () => {
    const fine = sphere(120, 50);
    const coarse = coarser(fine, 2000);
    expect(fine.triangles.length / 3).toBeGreaterThan(28_000);
    expect(coarse.triangles.length / 3).toBeLessThanOrEqual(2000);
    expect(coarse.triangles.length / 3).toBeGreaterThan(400);
    for (let at = 0; at < coarse.positions.length; at += 3) {
      const distance = Math.hypot(...coarse.positions.subarray(at, at + 3));
      expect(distance).toBeGreaterThan(42);
      expect(distance).toBeLessThanOrEqual(50.001);
    }
  });

  it('that are coarse already stay the same object; nothing stays nothing', () => {
    expect(coarser(TETRAHEDRON, 4)).toBe(TETRAHEDRON);
    const nothing: SurfaceMesh = { positions: new Float32Array(), triangles: new Uint32Array() };
    expect(coarser(nothing, 4)).toBe(nothing);
    expect(boundsOf([nothing])).toBeNull();
    expect(boundsOf([nothing, TETRAHEDRON])).toEqual({ low: [0, 0, 0], high: [10, 10, 10] });
  });
});

describe('the camera', () => {
  const towards = { A: [0, 1, 0], P: [0, -1, 0], R: [1, 0, 0], L: [-1, 0, 0], S: [0, 0, 1], I: [0, 0, -1] } as const;

  it.each(SIDES)('from %s that side is nearest', (side) => {
    const { toViewer } = basisOf(lookFrom(FIRST_CAMERA, side));
    toViewer.forEach((value, axis) => {
      expect(value).toBeCloseTo(towards[side][axis] ?? 0, 12);
    });
  });

  it('from the front the patient’s right is on the left and the head is up', () => {
    const { right, up } = basisOf(lookFrom(FIRST_CAMERA, 'A'));
    expect(dot(right, [1, 0, 0])).toBeCloseTo(-1, 12);
    expect(dot(up, [0, 0, 1])).toBeCloseTo(1, 12);
  });

  it('stays right-angled and right-handed, however it is turned', () => {
    for (let step = 0; step < 40; step++) {
      const { right, up, toViewer } = basisOf(turned(FIRST_CAMERA, 0.37 * step, 0.9 * Math.sin(step)));
      expect(dot(right, up)).toBeCloseTo(0, 12);
      expect(dot(up, toViewer)).toBeCloseTo(0, 12);
      const cross = [right[1] * up[2] - right[2] * up[1], right[2] * up[0] - right[0] * up[2], right[0] * up[1] - right[1] * up[0]];
      cross.forEach((value, axis) => {
        expect(value).toBeCloseTo(toViewer[axis] ?? 0, 12);
      });
    }
    expect(turned(FIRST_CAMERA, 0, 9).elevation).toBe(Math.PI / 2);
  });

  it('shows the whole of what it is given, and its middle in the middle', () => {
    const bounds = { low: [-30, 10, 0], high: [30, 50, 90] } as const;
    for (const side of SIDES) {
      const projection = projectionOf(lookFrom(FIRST_CAMERA, side), bounds, 400, 300);
      expect(projected(projection, [0, 30, 45]).slice(0, 2)).toEqual([200, 150]);
      for (const r of [-30, 30]) {
        for (const a of [10, 50]) {
          for (const s of [0, 90]) {
            const [x, y] = projected(projection, [r, a, s]);
            expect(x).toBeGreaterThan(0);
            expect(x).toBeLessThan(400);
            expect(y).toBeGreaterThan(0);
            expect(y).toBeLessThan(300);
          }
        }
      }
    }
  });

  it('magnified about a place keeps that place', () => {
    const bounds = { low: [0, 0, 0], high: [60, 60, 60] } as const;
    const before = shifted(lookFrom(FIRST_CAMERA, 'A'), 0.1, -0.2);
    const mm = [12, 30, 41] as const;
    const [x, y] = projected(projectionOf(before, bounds, 500, 400), mm);
    const after = zoomed(before, 2.5, [(x - 250) / 400, (200 - y) / 400]);
    const [x2, y2] = projected(projectionOf(after, bounds, 500, 400), mm);
    expect(x2).toBeCloseTo(x, 9);
    expect(y2).toBeCloseTo(y, 9);
    expect(zoomed(before, 1000).zoom).toBe(20);
  });
});
