// One body, stored in many ways, is one patient on the screen: the same gesture gives the same mask.
import type { Page } from '@playwright/test';
import { readMask, writeNifti, type NiftiImage } from './nifti';
import { bodyAs, dice, inRasOrder, LESION, lesionMask, turned } from './phantom';
import { colourAt, dragLesion, jobId, openFile, placeOf, propagate, segment } from './screen';
import { expect, test } from './server';

const ORDERS = ['RAS', 'LPS', 'PLI', 'SAR', 'IRP', 'ASL'];

async function segmentLesion(page: Page, name: string, image: NiftiImage): Promise<Uint8Array> {
  await openFile(page, `${name}.nii`, writeNifti(image));
  await dragLesion(page, 'axial', 1);
  await segment(page);
  await propagate(page);
  const answer = await page.request.get(`/api/v1/jobs/${jobId(page)}/result?type=3d`);
  const mask = readMask(await answer.body());
  expect(mask.shape).toEqual(image.shape);
  return mask.voxels;
}

test('storage order does not matter, and a turned header leaves the voxels alone', async ({ page }) => {
  test.setTimeout(300_000);
  const masks = new Map<string, Uint8Array>();
  for (const codes of ORDERS) {
    const voxels = await segmentLesion(page, codes, bodyAs(codes));
    await page.screenshot({ path: `test-results/orientation-${codes}.png` });
    masks.set(codes, inRasOrder(codes, voxels));
  }
  const reference = masks.get('RAS');
  if (reference === undefined) throw new Error('no reference');
  expect(dice(reference, lesionMask())).toBeGreaterThan(0.85);
  for (const [codes, mask] of masks) expect(dice(mask, reference), codes).toBeGreaterThanOrEqual(0.999);

  for (const codes of ['RAS', 'PLI']) {
    const voxels = await segmentLesion(page, `${codes}-turned`, turned(bodyAs(codes)));
    expect(Buffer.compare(Buffer.from(inRasOrder(codes, voxels)), Buffer.from(masks.get(codes) ?? [])), codes).toBe(0);
  }
});

test('the read-out names the stored voxel and its millimetres', async ({ page }) => {
  const image = bodyAs('PLI');
  await openFile(page, 'readout.nii', writeNifti(image));
  const [r, a] = LESION.centre;
  const place = await placeOf(page, 'axial', [r, a, 20]);
  await page.mouse.move(place.x, place.y);
  // Stored P-L-I: i falls with A, j falls with R, k falls with S.
  const stored = [59 - a, 71 - r, 39 - 20];
  await expect(page.getByTestId('readout-voxel')).toHaveText(stored.join(', '));
  const mm = image.affine.map((row) => (row[3] ?? 0) + stored.reduce((sum, at, axis) => sum + at * (row[axis] ?? 0), 0));
  await expect(page.getByTestId('readout-mm')).toHaveText(mm.map((value) => value.toFixed(1)).join(', '));
  const index = (stored[0] ?? 0) + 60 * ((stored[1] ?? 0) + 72 * (stored[2] ?? 0));
  await expect(page.getByTestId('readout-intensity')).toHaveText(String(image.voxels[index]));
});

test('the other convention mirrors the picture, not the voxels', async ({ page }) => {
  await openFile(page, 'mirror.nii', writeNifti(bodyAs('RAS')));
  const [r, a] = LESION.centre;
  const place = await placeOf(page, 'axial', [r, a, 20]);
  await page.mouse.move(place.x, place.y);
  await expect(page.getByTestId('readout-voxel')).toHaveText(`${r}, ${a}, 20`);
  await page.getByTestId('convention').click();
  await page.mouse.move(place.x, place.y);
  await expect(page.getByTestId('readout-voxel')).toHaveText(`${71 - r}, ${a}, 20`);
  await page.screenshot({ path: 'test-results/neurological.png' });
  await page.getByTestId('convention').click();
});

test('magnified and moved, a place on the screen is still the same voxel, and the picture follows', async ({ page }) => {
  await openFile(page, 'zoom.nii', writeNifti(bodyAs('RAS')));
  const [r, a] = LESION.centre;
  const place = await placeOf(page, 'axial', [r, a, 20]);
  await page.mouse.move(place.x, place.y);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -400);
  await page.keyboard.up('Control');
  await expect(page.getByTestId('readout-voxel')).toHaveText(`${r}, ${a}, 20`);
  await page.mouse.down({ button: 'middle' });
  await page.mouse.move(place.x + 40, place.y + 30);
  await page.mouse.up({ button: 'middle' });
  await expect(page.getByTestId('readout-voxel')).toHaveText(`${r}, ${a}, 20`);
  // The lesion's edge lies e times as far from its middle as before; just inside is bright, just outside is not.
  const edge = (await placeOf(page, 'axial', [r - LESION.radii[0], a, 20])).x - place.x;
  const at = (factor: number): { x: number; y: number } => ({ x: place.x + 40 + edge * Math.E * factor, y: place.y + 30 + 12 });
  const grey = async (factor: number): Promise<number> => (await colourAt(page, at(factor)))[0];
  await expect.poll(() => grey(0.85)).toBeGreaterThan(160);
  expect(await grey(1.2)).toBeLessThan(150);
  await page.screenshot({ path: 'test-results/magnified.png' });
  await page.getByTestId('fit').click();
  await page.mouse.move(place.x, place.y);
  await expect(page.getByTestId('readout-voxel')).toHaveText(`${r}, ${a}, 20`);
});

test('dragging with the right button changes the window, and so do numbers and presets', async ({ page }) => {
  await openFile(page, 'window.nii', writeNifti(bodyAs('RAS')));
  const [r, a] = LESION.centre;
  const place = await placeOf(page, 'axial', [r - 3, a - 3, 20]);
  const grey = async (): Promise<number> => (await colourAt(page, place))[0];
  await expect(page.getByTestId('window-low')).toHaveValue('-160');
  await page.mouse.move(place.x, place.y);
  await page.mouse.down({ button: 'right' });
  await page.mouse.move(place.x + 100, place.y);
  await page.mouse.up({ button: 'right' });
  await expect(page.getByTestId('window-high')).toHaveValue('340');
  await page.getByTestId('window-low').fill('100');
  await page.getByTestId('window-high').fill('120');
  await expect.poll(grey).toBeGreaterThan(150);
  await page.getByTestId('window-high').fill('4000');
  await expect.poll(grey).toBeLessThan(20);
  await page.getByTestId('window-preset').click();
  await page.getByRole('option', { name: 'Lung' }).click();
  await expect(page.getByTestId('window-high')).toHaveValue('150');
  await expect.poll(grey).toBeGreaterThan(220);
});
