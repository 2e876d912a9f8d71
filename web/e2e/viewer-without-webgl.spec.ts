// The viewer on Canvas2D: exact greys, the mask's exact voxels, small panes, and surfaces without WebGL2.
import { readRuns, writeNifti, type NiftiImage, type Triple } from './nifti';
import { countOf, fitOf, boxOf, framesOf, pixelsOf, placeIn, redBox, rgbAt } from './panes';
import { bodyAs, LESION, RAS_SHAPE, RAS_SPACING } from './phantom';
import { dragLesion, jobId, openFile, propagate, segment } from './screen';
import { expect, test } from './server';

/** Blocks of 6 × 6 × 5 voxels, each of one intensity; the second frame is brighter. */
function blocks(frame: number): NiftiImage<Int16Array> {
  const body = bodyAs('RAS');
  const voxels = new Int16Array(body.voxels.length);
  let at = 0;
  for (let k = 0; k < RAS_SHAPE[2]; k++) {
    for (let j = 0; j < RAS_SHAPE[1]; j++) {
      for (let i = 0; i < RAS_SHAPE[0]; i++) voxels[at++] = blockAt([i, j, k]) + 40 * frame;
    }
  }
  return { ...body, voxels };
}

function blockAt([i, j, k]: Triple): number {
  return 20 * ((Math.floor(i / 6) + 2 * Math.floor(j / 6) + 3 * Math.floor(k / 5)) % 10);
}

/** The grey that a window of 0 to 300 gives. */
function grey(intensity: number): number {
  return Math.round((255 * intensity) / 300);
}

test('every pane shows the window’s exact greys, of the frame that is chosen', async ({ page }) => {
  const image = blocks(0);
  await openFile(page, 'blocks.nii', framesOf(writeNifti(image), [image.voxels, blocks(1).voxels]), 'canvas');
  await page.getByTestId('window-high').fill('300');
  await page.getByTestId('window-low').fill('0');
  await page.getByTestId('overlay').press('5');
  const stage = await boxOf(page.getByTestId('viewer'));
  // The crosshair opens in the middle: 36, 30, 20. Blocks' middles away from it.
  for (const frame of [0, 1]) {
    const painted = await pixelsOf(page.locator('.slices > canvas').first());
    for (const [plane, ras] of [
      ['axial', [15, 45, 20]],
      ['axial', [51, 9, 20]],
      ['coronal', [15, 30, 32]],
      ['sagittal', [36, 15, 7]],
    ] as const) {
      const place = await placeIn(page, plane, ras);
      const [red, green, blue] = rgbAt(painted, Math.round(place.x - stage.x), Math.round(place.y - stage.y));
      expect([red, green, blue], `${plane} ${ras.join(' ')} frame ${frame}`).toEqual(Array(3).fill(grey(blockAt(ras) + 40 * frame)));
    }
    await page.keyboard.press('.');
    await expect(page.getByTestId('frame')).toHaveText('1 / 1');
  }
});

test('the mask covers its voxels and no others, pixel by pixel; the object turns without WebGL2', async ({ page }) => {
  await openFile(page, 'mask.nii', writeNifti(bodyAs('RAS')), 'canvas');
  await dragLesion(page, 'axial', 1);
  await segment(page);
  await propagate(page);
  await page.getByTestId('display').click();
  await page.getByTestId('outline').click({ force: true });
  const { shape, voxels } = readRuns(await (await page.request.get(`/api/v1/jobs/${jobId(page)}/mask`)).body());
  const held = voxels.subarray(20 * shape[0] * shape[1], 21 * shape[0] * shape[1]).filter((label) => label !== 0).length;
  const box = await boxOf(page.getByTestId('overlay'));
  const perVoxel = (fitOf(box, 'axial') * RAS_SPACING[0]) ** 2;
  const masks = page.locator('canvas.masks');
  // Pixels on voxels' edges may fall to either side: the border is at most the lesion's circumference.
  const border = 8 * LESION.radii[0] * Math.sqrt(perVoxel);
  const covered = async (): Promise<number> => {
    const { data } = await pixelsOf(masks);
    let count = 0;
    for (let at = 3; at < data.length; at += 4) count += (data[at] ?? 0) > 0 ? 1 : 0;
    return count;
  };
  await expect.poll(async () => Math.abs((await covered()) - held * perVoxel)).toBeLessThan(border);
  await page.keyboard.press('Escape');

  await page.getByTestId('overlay').press('4');
  const surface = page.getByTestId('surface');
  await expect(surface).toHaveAttribute('data-objects', '1');
  const picture = surface.locator('canvas');
  await page.getByRole('button', { name: 'From the front' }).click();
  await expect.poll(async () => redBox(await pixelsOf(picture))[1]).toBeGreaterThan(0);
  const front = await pixelsOf(picture);
  expect(countOf(front, ([red, green]) => red > green + 30)).toBeGreaterThan(2000);
  await page.getByTestId('surface-marks').press('ArrowLeft');
  const isAsBefore = async (): Promise<boolean> => Buffer.compare(front.data, (await pixelsOf(picture)).data) === 0;
  await expect.poll(isAsBefore).toBe(false);
  await page.screenshot({ path: 'test-results/surface-without-webgl.png' });
});
