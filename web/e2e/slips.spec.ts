// What a person gets wrong is told and put right; what was said before and is no longer so goes by itself.
import type { Page } from '@playwright/test';
import { claim } from './agent';
import { finish } from './agent_masks';
import { nextMask, paint } from './masks';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { boxNumbers, dragLesion, openFile, openTab, viewerReady } from './screen';
import { expect, test, withoutAgent } from './server';

const BODY = writeNifti(bodyAs('RAS'));

/** Types over what stands in a field. The field sets its caret a moment after a change: no person is as fast as that. */
async function type(page: Page, testId: string, text: string): Promise<void> {
  const field = page.getByTestId(testId);
  await expect(async () => {
    await field.press('Control+A');
    await field.press('Delete');
    await field.pressSequentially(text);
    await expect(field).toHaveValue(new RegExp(`^${text}( mm)?$`), { timeout: 1000 });
  }).toPass();
  await field.press('Enter');
}

test('a number that will not do is told, and the field shows what holds', async ({ page, request }) => {
  const job = await openFile(page, 'numbers.nii', BODY);
  const told = page.getByTestId('notice-plain').last();
  for (const [typed, words] of [['500', /at? .*240|to 240/], ['', /to 240/]] as const) {
    await type(page, 'window-low', typed);
    await expect(told).toContainText(words);
    await expect(page.getByTestId('window-low')).toHaveValue('-160');
  }
  await type(page, 'window-low', '99999999999');
  await expect(page.getByTestId('window-low')).toHaveValue('-160');
  await type(page, 'window-low', '-300');
  await expect(page.getByTestId('window-low')).toHaveValue('-300');

  await dragLesion(page, 'axial', 1);
  await nextMask(request, job, null);
  const before = await boxNumbers(page);
  await type(page, 'box-x1', '-50');
  await expect(told).toContainText('from 0 to 71');
  expect(await boxNumbers(page)).toEqual([0, ...before.slice(1)]);
  await type(page, 'box-x1', '3.7');
  await expect(told).toContainText('It is 4 now');
  expect(await boxNumbers(page)).toEqual([4, ...before.slice(1)]);

  await type(page, 'grow-mm', '99999');
  await expect(told).toContainText('It is 100 now');
  await expect(page.getByTestId('grow-mm')).toHaveValue('100 mm');

  await page.getByTestId('tool-brush').click();
  for (const typed of ['0', '-5']) {
    await type(page, 'brush-size', typed);
    await expect(told).toContainText('It is 1 now');
    await expect(page.getByTestId('brush-size')).toHaveValue('1');
  }
  await type(page, 'brush-size', '');
  await expect(page.getByTestId('brush-size')).toHaveValue('1');
});

test('an address without a page and one without a case say so, and the server is not blamed', async ({ page }) => {
  await page.goto('/nowhere');
  await expect(page.getByTestId('unknown-page')).toBeVisible();
  await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toBeVisible();
  await page.goto('/jobs/nonexistent');
  await expect(page.getByTestId('job-missing')).toBeVisible();
  await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toHaveText('This case does not exist');
  await expect(page.getByTestId('connection-lost')).toHaveCount(0);
  // The stream is refused again and again: nothing comes of that, either.
  await page.waitForResponse((answer) => answer.url().includes('/events/stream'));
  await expect(page.getByTestId('connection-lost')).toHaveCount(0);
  await page.getByRole('main').getByRole('button').click();
  await expect(page).toHaveURL(/\/$/);
});

test('the object that was worked on is the active one after a reload', async ({ page }) => {
  await openFile(page, 'active.nii', BODY);
  await page.getByTestId('add-object').click();
  await page.getByTestId('add-object').click();
  await page.getByTestId('name-2').click();
  await expect(page.getByTestId('saved')).toHaveAttribute('data-state', 'saved');
  await page.reload();
  await viewerReady(page);
  await expect(page.getByTestId('object-2').getByRole('radio')).toBeChecked();
});

test('a refusal goes when the case is reopened, and somebody without a name has words', async ({ page, request }) => {
  const job = await openFile(page, 'refused.nii', BODY);
  await paint(request, job, [40, 26, 18], [47, 33, 22]);
  await expect(page.getByTestId('made-by')).toHaveText('Edited by Somebody');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByTestId('accepted-banner')).toBeVisible();
  await page.keyboard.press('r');
  await expect(page.getByTestId('notice-error')).toContainText('reopen');
  await page.getByTestId('reopen').click();
  await expect(page.getByTestId('accepted-banner')).toHaveCount(0);
  await expect(page.getByTestId('notice-error')).toHaveCount(0);
});

test.describe('with an agent by hand', () => {
  withoutAgent();

  test('Stop is in view while a propagation runs, on every tab', async ({ page, request, server }) => {
    const job = await openFile(page, 'stop-seen.nii', BODY);
    await dragLesion(page, 'axial', 1);
    await finish(server, await claim(server), [20], null);
    await nextMask(request, job, null);
    await expect(page.getByTestId('thinking')).toHaveCount(0);
    await expect(page.getByTestId('propagate')).toBeEnabled();
    await page.getByTestId('propagate').click();
    await claim(server);
    for (const tab of ['segment', 'measure', 'history', 'review']) {
      await openTab(page, tab);
      await expect(page.getByTestId('stop')).toBeInViewport({ ratio: 1 });
    }
    await openTab(page, 'segment');
    await page.screenshot({ path: 'test-results/stop.png' });
    await page.getByTestId('stop').click();
    await expect(page.getByTestId('stop')).toBeDisabled();
  });
});

test('every format is one click away in the header', async ({ page, request }) => {
  const job = await openFile(page, 'header.nii', BODY);
  await paint(request, job, [40, 26, 18], [47, 33, 22]);
  await expect(page.getByTestId('volume-1')).toBeVisible();
  await page.getByTestId('downloads').click();
  const menu = page.getByTestId('download-menu');
  for (const file of ['download-3d', 'export-nrrd', 'export-stl-1', 'download-2d', 'export-csv', 'export-json', 'export-zip']) {
    await expect(menu.getByTestId(file)).toBeInViewport();
  }
  await page.screenshot({ path: 'test-results/downloads.png' });
  const waiting = page.waitForEvent('download');
  await menu.getByTestId('download-3d').click();
  expect((await waiting).suggestedFilename()).toMatch(/\.nii\.gz$/);
  await page.keyboard.press('Escape');
  await expect(menu).toHaveCount(0);
});
