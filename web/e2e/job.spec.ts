// The whole job on a phantom: open, drag, segment, propagate, reload, download.
import { readFileSync } from 'node:fs';
import type { Download, Page } from '@playwright/test';
import { readMask, readRuns, writeNifti } from './nifti';
import { bodyAs, dice, inRasOrder, LESION, lesionMask, RAS_SHAPE } from './phantom';
import { boxNumbers, colourAt, dragLesion, expectState, jobId, openFile, openTab, placeOf, pngSize, propagate, segment, viewerReady } from './screen';
import { expect, Server, test } from './server';

const CODES = 'LPS';

async function bytesOf(download: Download): Promise<Buffer> {
  return readFileSync(await download.path());
}

async function clickDownload(page: Page, testId: string): Promise<Buffer> {
  const waiting = page.waitForEvent('download');
  await page.getByTestId(testId).click();
  return bytesOf(await waiting);
}

test('from upload to download, with a reload in between', async ({ page, request }) => {
  const body = bodyAs(CODES);
  await openFile(page, 'body.nii', writeNifti(body));
  await expect(page.getByTestId('job-name')).toContainText('body');
  await expectState(page, 'ready');
  await openTab(page, 'review');
  await expect(page.getByTestId('download-3d')).toHaveAttribute('aria-disabled', 'true');
  await openTab(page, 'segment');
  await expect(page.getByTestId('segment')).toBeDisabled();

  // Stored L-P-S: i falls towards R, j falls towards A. The box is the lesion's own, corners included.
  await dragLesion(page, 'axial');
  const [r, a] = LESION.centre;
  const [rr, ra] = LESION.radii;
  const expected = [RAS_SHAPE[0] - 1 - r - rr, RAS_SHAPE[1] - 1 - a - ra, RAS_SHAPE[0] - 1 - r + rr, RAS_SHAPE[1] - 1 - a + ra];
  expect(await boxNumbers(page)).toEqual(expected);

  await segment(page);
  await expect(page.getByTestId('made-by')).toContainText('Graph cut');
  const middle = await placeOf(page, 'axial', [r - 3, a - 3, 20]);
  const [red, green, blue] = await colourAt(page, middle);
  expect(red).toBeGreaterThan(green + 25);
  expect(red).toBeGreaterThan(blue + 25);

  await propagate(page);
  await expect(page.getByTestId('confidence-strip')).toBeVisible();
  await page.screenshot({ path: 'test-results/job-done.png' });

  await page.reload();
  await viewerReady(page);
  await expectState(page, 'completed');
  expect(await boxNumbers(page)).toEqual(expected);
  await expect(page.getByTestId('prompt-row')).toHaveCount(1);
  await expect(page.getByTestId('readout-label')).not.toHaveText('none');
  await expect(page.getByTestId('confidence-strip')).toBeVisible();

  await openTab(page, 'review');
  const picture = await clickDownload(page, 'download-2d');
  expect(pngSize(picture)).toEqual([RAS_SHAPE[0], RAS_SHAPE[1]]);

  const mask = readMask(await clickDownload(page, 'download-3d'));
  const stored = readRuns(await (await request.get(`/api/v1/jobs/${jobId(page)}/mask`)).body());
  expect(mask.shape).toEqual(body.shape);
  expect(stored.shape).toEqual(body.shape);
  expect(Buffer.compare(Buffer.from(mask.voxels), Buffer.from(stored.voxels))).toBe(0);
  mask.affine.forEach((row, at) => {
    row.forEach((value, column) => {
      expect(value).toBeCloseTo(body.affine[at]?.[column] ?? Number.NaN, 4);
    });
  });
  expect(dice(inRasOrder(CODES, mask.voxels), lesionMask())).toBeGreaterThan(0.85);
});

test('a server without jobs says how to begin', async ({ page }) => {
  const empty = await Server.start();
  await page.goto(empty.url);
  await expect(page.getByTestId('jobs-empty')).toBeVisible();
  await page.screenshot({ path: 'test-results/jobs-empty.png' });
  await page.getByTestId('open-sample').click();
  await page.waitForURL(/\/jobs\//);
  await page.getByTestId('back').click();
  await expect(page.getByTestId('job-row')).toHaveCount(1);
  await empty.remove();
});

test('slices stay where they are when the first prompt is set', async ({ page }) => {
  await openFile(page, 'still.nii', writeNifti(bodyAs('RAS')));
  const before = await page.getByTestId('overlay').boundingBox();
  await dragLesion(page, 'axial');
  await expect(page.getByTestId('range')).toBeVisible();
  expect(await page.getByTestId('overlay').boundingBox()).toEqual(before);
});

test('a dropped file is opened', async ({ page }) => {
  await page.goto('/');
  const base64 = writeNifti(bodyAs('RAS')).toString('base64');
  const transfer = await page.evaluateHandle((encoded) => {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'dropped.nii'));
    return data;
  }, base64);
  await page.getByTestId('drop-zone').dispatchEvent('dragover', { dataTransfer: transfer });
  await page.getByTestId('drop-zone').dispatchEvent('drop', { dataTransfer: transfer });
  await page.waitForURL(/\/jobs\//);
  await viewerReady(page);
  await expect(page.getByTestId('job-name')).toContainText('dropped');
});

test('the sample opens, is listed with its picture, and can be deleted', async ({ page }) => {
  await page.goto('/');
  await page.getByTestId('open-sample').click();
  await page.waitForURL(/\/jobs\//);
  await viewerReady(page);
  const id = jobId(page);
  await page.screenshot({ path: 'test-results/sample.png' });
  await page.getByTestId('back').click();
  const row = page.locator(`[data-job="${id}"]`);
  await expect(row).toBeVisible();
  await expect.poll(() => row.locator('img').evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  await page.screenshot({ path: 'test-results/jobs.png' });
  await row.getByTestId('delete-job').click();
  await page.getByTestId('confirm-delete').click();
  await expect(row).toHaveCount(0);
  await page.goto(`/jobs/${id}`);
  await expect(page.getByTestId('job-missing')).toBeVisible();
});
