// Where voxels lie in a pane, and what canvases hold: worked out anew, not asked of the page.
import type { Locator, Page } from '@playwright/test';
import type { Triple } from './nifti';
import { RAS_SHAPE, RAS_SPACING } from './phantom';
import type { Plane } from './screen';

const SHOWN: Readonly<Record<Plane, readonly [0 | 1 | 2, 0 | 1 | 2]>> = { axial: [0, 1], coronal: [0, 2], sagittal: [1, 2] };

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export async function boxOf(part: Locator): Promise<Box> {
  const box = await part.boundingBox();
  if (box === null) throw new Error('not on the page');
  return box;
}

/** Pixels per millimetre of a plane that is whole in a box. */
export function fitOf(box: Box, plane: Plane): number {
  const [across, up] = SHOWN[plane];
  return Math.min(box.width / (RAS_SHAPE[across] * RAS_SPACING[across]), box.height / (RAS_SHAPE[up] * RAS_SPACING[up]));
}

/** Place on the page of a RAS voxel's centre in a pane that shows the plane whole, in radiological convention. */
export async function placeIn(page: Page, plane: Plane, ras: Triple): Promise<{ x: number; y: number }> {
  const box = await boxOf(page.getByTestId(`pane-${plane}`));
  const [across, up] = SHOWN[plane];
  const scale = fitOf(box, plane);
  const along = (axis: 0 | 1 | 2): number => (RAS_SHAPE[axis] / 2 - (ras[axis] + 0.5)) * RAS_SPACING[axis] * scale;
  return { x: box.x + box.width / 2 + along(across), y: box.y + box.height / 2 + along(up) };
}

/** The slice that a pane's slider says it shows. */
export async function paneSlice(page: Page, plane: Plane): Promise<number> {
  return Number(await page.getByTestId(`pane-slider-${plane}`).getByRole('slider').getAttribute('aria-valuenow'));
}

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA. */
  readonly data: Buffer;
}

/** What a canvas holds, in its own pixels. */
export async function pixelsOf(canvas: Locator): Promise<Pixels> {
  const { width, height, text } = await canvas.evaluate((element) => {
    const source = element as HTMLCanvasElement;
    const copy = document.createElement('canvas');
    copy.width = source.width;
    copy.height = source.height;
    const context = copy.getContext('2d');
    context?.drawImage(source, 0, 0);
    const bytes = context?.getImageData(0, 0, copy.width, copy.height).data ?? new Uint8ClampedArray();
    let letters = '';
    for (let at = 0; at < bytes.length; at += 32768) letters += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return { width: copy.width, height: copy.height, text: btoa(letters) };
  });
  return { width, height, data: Buffer.from(text, 'base64') };
}

export type Rgb = readonly [number, number, number];

export function rgbAt({ width, data }: Pixels, x: number, y: number): Rgb {
  const at = 4 * (y * width + x);
  return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
}

/** How many opaque pixels have a colour. */
export function countOf(pixels: Pixels, wanted: (rgb: Rgb) => boolean): number {
  let count = 0;
  for (let y = 0; y < pixels.height; y++) {
    for (let x = 0; x < pixels.width; x++) {
      if ((pixels.data[4 * (y * pixels.width + x) + 3] ?? 0) === 255 && wanted(rgbAt(pixels, x, y))) count++;
    }
  }
  return count;
}

/** The longest run of a colour along any row. */
export function longestRun(pixels: Pixels, color: Rgb): number {
  let longest = 0;
  for (let y = 0; y < pixels.height; y++) {
    let run = 0;
    for (let x = 0; x < pixels.width; x++) {
      const isColor = rgbAt(pixels, x, y).every((value, at) => value === color[at]) && pixels.data[4 * (y * pixels.width + x) + 3] === 255;
      run = isColor ? run + 1 : 0;
      longest = Math.max(longest, run);
    }
  }
  return longest;
}

/** Columns and rows of the pixels that are red rather than grey or another colour: left, right, top, bottom. */
export function redBox(pixels: Pixels): readonly [number, number, number, number] {
  let [left, right, top, bottom] = [pixels.width, -1, pixels.height, -1];
  for (let y = 0; y < pixels.height; y++) {
    for (let x = 0; x < pixels.width; x++) {
      const [red, green, blue] = rgbAt(pixels, x, y);
      if (red < Math.max(green, blue) + 30) continue;
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
    }
  }
  return [left, right, top, bottom];
}

/** Four-dimensional: each frame's voxels one after the other. */
export function framesOf(one: Buffer, frames: readonly Int16Array[]): Buffer {
  const header = Buffer.from(one.subarray(0, 352));
  header.writeInt16LE(4, 40);
  header.writeInt16LE(frames.length, 48);
  return Buffer.concat([header, ...frames.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))]);
}
