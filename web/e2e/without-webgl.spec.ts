// Without WebGL2 the slices are painted on Canvas2D, and the job can still be done.
import { readMask, writeNifti } from './nifti';
import { bodyAs, dice, inRasOrder, LESION, lesionMask } from './phantom';
import { colourAt, dragLesion, jobId, placeOf, propagate, segment, viewerReady } from './screen';
import { expect, test } from './server';

test('the whole job without WebGL2', async ({ page }) => {
  await page.goto('/');
  await page.getByTestId('file-input').setInputFiles({
    name: 'plain.nii',
    mimeType: 'application/octet-stream',
    buffer: writeNifti(bodyAs('IRP')),
  });
  await page.waitForURL(/\/jobs\//);
  await viewerReady(page, 'canvas');
  await expect(page.getByTestId('viewer-note')).toContainText('WebGL2');
  await dragLesion(page, 'axial', 1);
  await segment(page);
  const [r, a] = LESION.centre;
  const [red, green] = await colourAt(page, await placeOf(page, 'axial', [r - 3, a - 3, 20]));
  expect(red).toBeGreaterThan(green + 25);
  await propagate(page);
  await page.screenshot({ path: 'test-results/without-webgl.png' });
  const mask = readMask(await (await page.request.get(`/api/v1/jobs/${jobId(page)}/result?type=3d`)).body());
  expect(dice(inRasOrder('IRP', mask.voxels), lesionMask())).toBeGreaterThan(0.85);
});
