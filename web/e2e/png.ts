// Pixels out of a PNG with 8 bits per channel, as Chromium writes its screenshots.
import { inflateSync } from 'node:zlib';

/** Red, green, blue. */
export type Pixel = readonly [number, number, number];

/** The neighbour that a gradient comes closest to (PNG, filter 4). */
function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** What a row's filter adds to a byte. */
function added(filter: number, left: number, up: number, corner: number): number {
  const guesses = [0, left, up, (left + up) >> 1];
  return guesses[filter] ?? paeth(left, up, corner);
}

function compressed(png: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return Buffer.concat(parts);
}

/** All pixels, row by row. */
export function pixelsOf(png: Buffer): Pixel[] {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const channels = png[25] === 6 ? 4 : 3;
  const raw = inflateSync(compressed(png));
  const stride = width * channels;
  const pixels: Pixel[] = [];
  let above = Buffer.alloc(stride);
  for (let row = 0; row < height; row++) {
    const start = row * (stride + 1);
    const line = Buffer.from(raw.subarray(start + 1, start + 1 + stride));
    line.forEach((byte, at) => {
      const corner = at < channels ? 0 : (above[at - channels] ?? 0);
      line[at] = (byte + added(raw[start] ?? 0, line[at - channels] ?? 0, above[at] ?? 0, corner)) & 255;
    });
    for (let at = 0; at < stride; at += channels) pixels.push([line[at] ?? 0, line[at + 1] ?? 0, line[at + 2] ?? 0]);
    above = line;
  }
  return pixels;
}
