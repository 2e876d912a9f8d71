// Surfaces of objects: read from the server's format, and made coarser for painters that draw each triangle.
import type { Vec3 } from './axes';

/** A closed surface in millimetres of RAS; triangles run anticlockwise seen from outside. */
export interface SurfaceMesh {
  /** Three numbers per corner. */
  readonly positions: Float32Array;
  /** Three corners per triangle. */
  readonly triangles: Uint32Array;
}

export class SurfaceError extends Error {}

const MAGIC = 'VXS1';
const HEADER_BYTES = 12;

/** Reads `VXS1`, the numbers of corners and triangles (u32), corners (f32) and triangles (u32), little-endian. */
export function readSurface(bytes: Uint8Array): SurfaceMesh {
  if (bytes.length < HEADER_BYTES || String.fromCharCode(...bytes.subarray(0, 4)) !== MAGIC) throw new SurfaceError('not a surface');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [nVertices, nTriangles] = [view.getUint32(4, true), view.getUint32(8, true)];
  if (bytes.length !== HEADER_BYTES + 12 * (nVertices + nTriangles)) throw new SurfaceError('the surface is not complete');
  // Copies: the parts need not lie at a multiple of four bytes.
  const part = (start: number, n: number): ArrayBufferLike => bytes.slice(start, start + 12 * n).buffer;
  const positions = new Float32Array(part(HEADER_BYTES, nVertices));
  const triangles = new Uint32Array(part(HEADER_BYTES + 12 * nVertices, nTriangles));
  if (triangles.some((corner) => corner >= nVertices)) throw new SurfaceError('a triangle has a corner that is not there');
  return { positions, triangles };
}

export interface Bounds {
  readonly low: Vec3;
  readonly high: Vec3;
}

/** The box around surfaces; null where there is nothing. */
export function boundsOf(meshes: readonly SurfaceMesh[]): Bounds | null {
  const low: [number, number, number] = [Infinity, Infinity, Infinity];
  const high: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  for (const { positions } of meshes) {
    for (let at = 0; at < positions.length; at++) {
      const axis = (at % 3) as 0 | 1 | 2;
      const value = positions[at] ?? 0;
      if (value < low[axis]) low[axis] = value;
      if (value > high[axis]) high[axis] = value;
    }
  }
  return low[0] <= high[0] ? { low, high } : null;
}

/** Corners that share a cell of a grid become their mean; triangles that lose a corner go. */
function clustered(mesh: SurfaceMesh, { low }: Bounds, cellMm: number): SurfaceMesh {
  const { positions, triangles } = mesh;
  const numbers = new Map<string, number>();
  const sums: number[] = [];
  const counts: number[] = [];
  const cluster = new Uint32Array(positions.length / 3);
  for (let vertex = 0; vertex < cluster.length; vertex++) {
    const place = [0, 1, 2].map((axis) => positions[3 * vertex + axis] ?? 0);
    const cell = place.map((value, axis) => Math.floor((value - (low[axis] ?? 0)) / cellMm)).join(' ');
    let number = numbers.get(cell);
    if (number === undefined) {
      number = counts.length;
      numbers.set(cell, number);
      counts.push(0);
      sums.push(0, 0, 0);
    }
    cluster[vertex] = number;
    counts[number] = (counts[number] ?? 0) + 1;
    for (const [axis, value] of place.entries()) sums[3 * number + axis] = (sums[3 * number + axis] ?? 0) + value;
  }
  const kept: number[] = [];
  for (let at = 0; at < triangles.length; at += 3) {
    const [a = 0, b = 0, c = 0] = [0, 1, 2].map((corner) => cluster[triangles[at + corner] ?? 0]);
    if (a !== b && b !== c && c !== a) kept.push(a, b, c);
  }
  return { positions: Float32Array.from(sums, (sum, at) => sum / (counts[Math.floor(at / 3)] ?? 1)), triangles: Uint32Array.from(kept) };
}

/** The surface with at most so many triangles; the same one where it has no more. */
export function coarser(mesh: SurfaceMesh, maxTriangles: number): SurfaceMesh {
  const bounds = boundsOf([mesh]);
  if (bounds === null || mesh.triangles.length / 3 <= maxTriangles) return mesh;
  const size = Math.max(...bounds.high.map((value, axis) => value - (bounds.low[axis] ?? 0)));
  // A closed surface over n × n × n cells has about 12 n² triangles at most; a coarser grid is tried until it fits.
  for (let n = Math.ceil(Math.sqrt(maxTriangles / 3)); n > 1; n = Math.floor(n * 0.8)) {
    const coarse = clustered(mesh, bounds, size / n);
    if (coarse.triangles.length / 3 <= maxTriangles) return coarse;
  }
  return clustered(mesh, bounds, size);
}
