// Gestures and readings on the page, and where the body lies on the screen (worked out anew, not asked of the page).
import { inflateSync } from 'node:zlib';
import type { Locator, Page } from '@playwright/test';
import { expect } from './server';
import { LESION, RAS_SHAPE, RAS_SPACING } from './phantom';
import type { Triple } from './nifti';

export type Plane = 'axial' | 'coronal' | 'sagittal';

/** RAS axes that run across and up the screen. */
const SHOWN: Readonly<Record<Plane, readonly [0 | 1 | 2, 0 | 1 | 2]>> = { axial: [0, 1], coronal: [0, 2], sagittal: [1, 2] };

/** Place on the page of a RAS voxel's centre, for a plane that is whole in its pane in radiological convention: R, or A, on the left. */
export async function placeOf(page: Page, plane: Plane, ras: Triple): Promise<{ x: number; y: number }> {
  const box = await page.getByTestId(`pane-${plane}`).boundingBox();
  if (box === null) throw new Error(`no ${plane} slices on the page`);
  const [across, up] = SHOWN[plane];
  const [width, height] = [RAS_SHAPE[across] * RAS_SPACING[across], RAS_SHAPE[up] * RAS_SPACING[up]];
  const scale = Math.min(box.width / width, box.height / height);
  return {
    x: box.x + box.width / 2 + (width / 2 - (ras[across] + 0.5) * RAS_SPACING[across]) * scale,
    y: box.y + box.height / 2 + (height / 2 - (ras[up] + 0.5) * RAS_SPACING[up]) * scale,
  };
}

/** Opposite corners of a box around the lesion, in RAS voxels, `margin` voxels wide of it. */
export function lesionCorners(margin: number): readonly [Triple, Triple] {
  const corner = (side: 1 | -1): Triple => {
    const at = (axis: 0 | 1 | 2): number => LESION.centre[axis] + side * (LESION.radii[axis] + margin);
    return [at(0), at(1), at(2)];
  };
  return [corner(1), corner(-1)];
}

export async function drag(page: Page, from: { x: number; y: number }, to: { x: number; y: number }): Promise<void> {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2);
  await page.mouse.move(to.x, to.y);
  await page.mouse.up();
}

/** Drags a box around the lesion on the plane that is shown large. */
export async function dragLesion(page: Page, plane: Plane, margin = 0): Promise<void> {
  const [first, second] = lesionCorners(margin);
  await page.getByTestId('tool-box').click();
  await drag(page, await placeOf(page, plane, first), await placeOf(page, plane, second));
}

/** Shows a tab of the side panel. */
export async function openTab(page: Page, tab: string): Promise<void> {
  await page.getByTestId(`tab-${tab}`).click();
}

export async function boxNumbers(page: Page): Promise<number[]> {
  const values = await Promise.all(['x1', 'y1', 'x2', 'y2'].map((name) => page.getByTestId(`box-${name}`).inputValue()));
  return values.map(Number);
}

export function jobState(page: Page): Locator {
  return page.getByTestId('job-state').first();
}

export async function expectState(page: Page, state: string): Promise<void> {
  await expect(jobState(page)).toHaveAttribute('data-state', state);
}

export async function viewerReady(page: Page, viewer: 'niivue' | 'canvas' = 'niivue'): Promise<void> {
  await expect(page.getByTestId('viewer')).toHaveAttribute('data-viewer', viewer);
  await expect(page.getByTestId('viewer')).toHaveAttribute('data-volume', 'ready');
}

/** Opens a file through the picker and waits for the slices. */
export async function openFile(page: Page, name: string, bytes: Buffer, viewer: 'niivue' | 'canvas' = 'niivue'): Promise<string> {
  await page.goto('/');
  await page.getByTestId('file-input').setInputFiles({ name, mimeType: 'application/octet-stream', buffer: bytes });
  await page.waitForURL(/\/jobs\//);
  await viewerReady(page, viewer);
  return jobId(page);
}

export function jobId(page: Page): string {
  return new URL(page.url()).pathname.split('/')[2] ?? '';
}

export async function segment(page: Page): Promise<void> {
  await page.getByTestId('segment').click();
  await expectState(page, 'segmented');
  // The mask followed the prompt before the button was pressed: both tasks have ended, and the mask has arrived.
  await expect(page.getByTestId('thinking')).toHaveCount(0);
  await expect(page.getByTestId('propagate')).toBeEnabled();
}

export async function propagate(page: Page): Promise<void> {
  await page.getByTestId('propagate').click();
  await expectState(page, 'completed');
}

/** Colour of one place of the page, as it is shown. */
export async function colourAt(page: Page, place: { x: number; y: number }): Promise<readonly [number, number, number]> {
  const png = await page.screenshot({ clip: { x: Math.round(place.x), y: Math.round(place.y), width: 1, height: 1 } });
  return firstPixel(png);
}

function firstPixel(png: Buffer): readonly [number, number, number] {
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  // A filter byte, then the pixel: with one pixel every filter predicts zero.
  const [, red = 0, green = 0, blue = 0] = inflateSync(Buffer.concat(parts));
  return [red, green, blue];
}

export function pngSize(png: Buffer): readonly [number, number] {
  if (png.toString('latin1', 1, 4) !== 'PNG') throw new Error('not a PNG');
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}
