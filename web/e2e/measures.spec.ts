// Measurements with exact numbers, live after each change; every download is what it says.
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { readMask, writeNifti } from './nifti';
import { bodyAs, RAS_SPACING } from './phantom';
import { count, fillBox, maskOf, zipEntries } from './records';
import { framesOf } from './panes';
import { colourAt, openFile, openTab, placeOf, pngSize } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('RAS'));
const ML = (RAS_SPACING[0] * RAS_SPACING[1] * RAS_SPACING[2]) / 1000;

async function take(page: Page, testId: string): Promise<{ name: string; bytes: Buffer }> {
  const waiting = page.waitForEvent('download');
  await page.getByTestId(testId).click();
  const file = await waiting;
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

/** A colour of a PNG, decoded by the browser; places are in pixels. */
async function pixelOf(page: Page, png: Buffer, x: number, y: number): Promise<number[]> {
  return page.evaluate(
    async ([base64, left, top]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      const context = canvas.getContext('2d');
      context?.drawImage(picture, 0, 0);
      return [...(context?.getImageData(left, top, 1, 1).data ?? [])].slice(0, 3);
    },
    [png.toString('base64'), Math.round(x), Math.round(y)] as const,
  );
}

test('volume, diameters and areas of a box are exact, and follow a change', async ({ page, request }) => {
  const id = await openFile(page, 'measures.nii', BODY);
  // 20 × 10 × 10 voxels of 1.5 × 1.5 × 2.5 mm.
  const first = await fillBox(request, id, null, [[30, 25, 12], [49, 34, 21]], 1);
  await openTab(page, 'measure');
  await expect(page.getByTestId('ml-1')).toHaveAttribute('data-ml', String(2000 * ML));
  await expect(page.getByTestId('ml-1')).toHaveText('11.3 ml');
  await expect(page.getByTestId('voxels-1')).toHaveText('2,000');
  // The outline runs half-way between voxels: from (29.5, 25) to (49.5, 34), 20 and 9 voxels of 1.5 mm.
  const longest = Math.hypot(20, 9) * 1.5;
  await expect(page.getByTestId('diameters-1')).toContainText(`${longest.toFixed(1)} ×`);
  await expect(page.getByTestId('measurements')).toHaveAttribute('data-revision', first);

  const curve = page.getByTestId('areas-1');
  await expect(curve).toHaveAttribute('aria-valuemin', '12');
  await expect(curve).toHaveAttribute('aria-valuemax', '21');
  const box = (await curve.boundingBox())!;
  await page.mouse.click(box.x + 2, box.y + box.height / 2);
  await expect(page.getByTestId('readout-voxel')).toContainText(', 12');
  await curve.press('ArrowRight');
  await expect(page.getByTestId('area-1')).toHaveText(`${200 * 1.5 * 1.5} mm² on slice 13`);
  await curve.press('End');
  await expect(curve).toHaveAttribute('aria-valuenow', '21');
  await page.getByTestId('go-1').click();
  await page.screenshot({ path: 'test-results/measures.png' });

  // One slice less.
  await fillBox(request, id, first, [[30, 25, 12], [49, 34, 12]], 0);
  await expect(page.getByTestId('ml-1')).toHaveAttribute('data-ml', String(1800 * ML));
  await expect(curve).toHaveAttribute('aria-valuemin', '13');
  expect(count(await maskOf(request, id), 1)).toBe(1800);
});

test('every download is what it says', async ({ page, request }) => {
  const id = await openFile(page, 'files.nii', BODY);
  await openTab(page, 'review');
  for (const name of ['download-3d', 'export-nrrd', 'export-stl-1', 'export-csv', 'export-json', 'export-zip']) {
    await expect(page.getByTestId(name)).toHaveAttribute('aria-disabled', 'true');
    await expect(page.getByTestId(name)).toHaveAttribute('aria-description', 'There is no mask yet.');
  }
  await fillBox(request, id, null, [[38, 26, 16], [49, 35, 24]], 1);
  await expect(page.getByTestId('volume-1')).toBeVisible();
  const stored = await maskOf(request, id);

  const nifti = await take(page, 'download-3d');
  expect(Buffer.compare(Buffer.from(readMask(nifti.bytes).voxels), Buffer.from(stored))).toBe(0);
  const nrrd = await take(page, 'export-nrrd');
  expect(nrrd.bytes.toString('latin1', 0, 4)).toBe('NRRD');
  const stl = await take(page, 'export-stl-1');
  // Binary STL: 80 bytes, a count, 50 bytes for each triangle.
  expect(stl.bytes.length).toBe(84 + 50 * stl.bytes.readUInt32LE(80));
  const table = (await take(page, 'export-csv')).bytes.toString('utf8');
  expect(table).toContain('1080');
  const json = JSON.parse((await take(page, 'export-json')).bytes.toString('utf8')) as { objects: { n_voxels: number; volume_ml: number }[] };
  expect(json.objects[0]?.n_voxels).toBe(12 * 10 * 9);
  expect(json.objects[0]?.volume_ml).toBeCloseTo(1080 * ML, 9);
  const zip = zipEntries((await take(page, 'export-zip')).bytes);
  const withImage = zipEntries((await take(page, 'export-zip-image')).bytes);
  expect([...zip.keys()].some((name) => name.endsWith('.nii.gz'))).toBe(true);
  expect(withImage.size).toBe(zip.size + 1);
  expect([...withImage.values()]).toContain(BODY.length);
});

test('the picture of the view is the view: size, slices, mask', async ({ page, request }) => {
  const id = await openFile(page, 'picture.nii', BODY);
  await fillBox(request, id, null, [[38, 26, 16], [49, 35, 24]], 1);
  await expect(page.getByTestId('volume-1')).toBeVisible();
  await openTab(page, 'review');
  const inside = await placeOf(page, 'axial', [40, 28, 20]);
  const body = await placeOf(page, 'axial', [20, 28, 20]);
  const view = (await page.getByTestId('viewer').boundingBox())!;
  const { name, bytes } = await take(page, 'export-view');
  expect(name).toBe('picture-view.png');
  expect(pngSize(bytes)).toEqual([Math.round(view.width), Math.round(view.height)]);
  for (const place of [inside, body]) {
    const seen = await colourAt(page, place);
    const saved = await pixelOf(page, bytes, place.x - view.x, place.y - view.y);
    saved.forEach((value, channel) => {
      expect(Math.abs(value - (seen[channel] ?? 0))).toBeLessThanOrEqual(3);
    });
  }
  const [red = 0, green = 0] = await pixelOf(page, bytes, inside.x - view.x, inside.y - view.y);
  expect(red).toBeGreaterThan(green + 25);
});

test('intensities are those of the frame that is seen, on the page and in the files', async ({ page, request }) => {
  const body = bodyAs('RAS');
  const later = Int16Array.from(body.voxels, (value) => value + 300);
  const id = await openFile(page, 'frames.nii', framesOf(BODY, [body.voxels as Int16Array, later]));
  await fillBox(request, id, null, [[30, 25, 12], [49, 34, 21]], 1);
  await openTab(page, 'measure');
  const range = page.getByTestId('range-1');
  await expect(range).toBeVisible();
  const numbers = async (): Promise<number[]> => [...((await range.textContent()) ?? '').replace(/,/g, '').matchAll(/-?\d+(\.\d+)?/g)].slice(0, 2).map(([text]) => Number(text));
  const first = await numbers();
  expect(first).toHaveLength(2);
  await page.getByTestId('overlay').press('.');
  await expect.poll(numbers).toEqual(first.map((value) => value + 300));
  await openTab(page, 'review');
  await expect(page.getByTestId('export-json')).toHaveAttribute('href', /frame=1/);
  const { bytes } = await take(page, 'export-json');
  const { objects } = JSON.parse(bytes.toString('utf8')) as { objects: { min: number; max: number }[] };
  expect([objects[0]?.min, objects[0]?.max]).toEqual(first.map((value) => value + 300));
});
