// Settings, the sheet of keys, and the tour on the sample.
import type { Page } from '@playwright/test';
import { expectAccessible } from './axe';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { drag, dragLesion, expectState, jobId, openFile, propagate, segment, viewerReady } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('LPS'));

async function openSettings(page: Page): Promise<void> {
  await page.goto('/');
  await page.getByTestId('to-settings').click();
  await expect(page.getByTestId('settings')).toBeVisible();
}

async function choose(page: Page, testId: string, option: string): Promise<void> {
  await page.getByTestId(testId).click();
  await page.getByRole('option', { name: option, exact: true }).click();
}

test('a name is kept and stands beside what one does', async ({ page, server }) => {
  await openSettings(page);
  await page.getByTestId('setting-name').fill('Dr. 김 Müller');
  await page.getByTestId('setting-name').press('Enter');
  await expect(page.getByTestId('person')).toHaveText('Dr. 김 Müller');
  await page.reload();
  await expect(page.getByTestId('setting-name')).toHaveValue('Dr. 김 Müller');
  await expectAccessible(page, 'settings');

  const id = await openFile(page, 'named.nii', BODY);
  await dragLesion(page, 'axial');
  await segment(page);
  const answer = await fetch(`${server.url}/api/v1/audit?job_id=${id}`);
  const { entries } = (await answer.json()) as { entries: { action: string; by: string }[] };
  expect(entries.length).toBeGreaterThan(1);
  expect(new Set(entries.map(({ by }) => by))).toEqual(new Set(['Dr. 김 Müller']));
});

test('theme, language and convention are chosen once for all', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await openSettings(page);
  const html = page.locator('html');
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.getByText('System', { exact: true }).click();
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.getByText('Neurological', { exact: true }).click();
  await page.getByTestId('setting-language').getByText('한국어').click();
  await expect(html).toHaveAttribute('lang', 'ko');
  await page.reload();
  await expect(page.getByRole('heading', { name: '설정' })).toBeVisible();
  await page.getByTestId('setting-language').getByText('English').click();
  expect(await page.evaluate(() => JSON.parse(localStorage.getItem('voxloop.settings') ?? '{}') as unknown)).toMatchObject({
    theme: 'system',
    convention: 'neurological',
  });
  await page.getByTestId('reset-settings').click();
  await expect(page.getByTestId('setting-convention').getByLabel('Radiological')).toBeChecked();
});

test('a case opens as its modality is set', async ({ page }) => {
  await openSettings(page);
  await choose(page, 'default-preset-CT', 'Lung');
  await choose(page, 'default-engine-CT', 'Graph cut');
  await page.getByTestId('default-opacity-CT').fill('70');
  await page.getByTestId('default-opacity-CT').press('Tab');
  await page.getByTestId('setting-auto').click({ force: true });
  await openFile(page, 'lung.nii', BODY);
  await expect(page.getByTestId('window-low')).toHaveValue('-1350');
  await expect(page.getByTestId('window-high')).toHaveValue('150');
  await page.getByTestId('display').click();
  await expect(page.getByRole('slider', { name: 'Opacity' })).toHaveAttribute('aria-valuenow', '70');
  await page.keyboard.press('Escape');
  await dragLesion(page, 'axial');
  // Nothing runs until it is asked for.
  await expect(page.getByTestId('segment')).toBeEnabled();
  await expectState(page, 'ready');
});

test('? shows every key, except while a person types', async ({ page }) => {
  await openSettings(page);
  const sheet = page.getByTestId('key-sheet');
  await page.getByTestId('setting-name').press('?');
  await expect(sheet).toHaveCount(0);
  await page.getByTestId('setting-name').blur();
  await page.keyboard.press('?');
  await expect(sheet).toContainText('Next doubtful slice');
  await expectAccessible(page, 'keys');
  await page.keyboard.press('Escape');
  await expect(sheet).toHaveCount(0);
  await openFile(page, 'keys.nii', BODY);
  await page.keyboard.press('?');
  await expect(sheet).toBeVisible();
  // The sheet takes the keys of the case.
  await page.keyboard.press('b');
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('tool-navigate')).toHaveAttribute('aria-pressed', 'true');
});

/** Drags a box around the sample's lesion in the liver: stored voxels, i to the right and j down, 1.5 mm each. */
async function dragBox(page: Page): Promise<void> {
  const area = await page.getByTestId('overlay').boundingBox();
  if (area === null) throw new Error('no slices on the page');
  const scale = Math.min(area.width, area.height) / 256;
  const at = (i: number, j: number): { x: number; y: number } => ({
    x: area.x + area.width / 2 + (i + 0.5 - 128) * scale,
    y: area.y + area.height / 2 + (j + 0.5 - 128) * scale,
  });
  await page.keyboard.press('b');
  await drag(page, at(59, 105), at(87, 135));
}

test('the tour follows what a person does on the sample, and can be left and taken again', async ({ page }) => {
  await page.goto('/');
  await page.getByTestId('open-sample').click();
  await viewerReady(page);
  const tour = page.getByTestId('tour');
  await expect(tour).toHaveAttribute('data-step', 'box');
  await page.getByTestId('overlay').press('1');
  const slider = page.getByRole('slider', { name: /Axial/ });
  await slider.focus();
  for (let index = Number(await slider.getAttribute('aria-valuenow')); index < 40; index++) await slider.press('ArrowRight');
  for (let index = Number(await slider.getAttribute('aria-valuenow')); index > 40; index--) await slider.press('ArrowLeft');
  await slider.blur();
  await expectAccessible(page, 'the tour');
  await dragBox(page);
  await expectState(page, 'segmented');
  await expect(tour).toHaveAttribute('data-step', 'propagate');
  await propagate(page);
  await expect(tour).toHaveAttribute('data-step', /doubtful|accept/);
  await page.keyboard.press('d');
  await expect(tour).toHaveAttribute('data-step', 'accept');
  await page.keyboard.press('Control+Enter');
  await expect(tour).toHaveAttribute('data-step', 'end');
  await page.getByTestId('tour-leave').click();
  await expect(tour).toHaveCount(0);
  await page.reload();
  await viewerReady(page);
  await expect(tour).toHaveCount(0);

  await openSettings(page);
  await page.getByTestId('tour-again').click();
  await page.waitForURL(/\/$/);
  const before = page.url();
  await page.getByTestId('open-sample').click();
  await viewerReady(page);
  expect(before).not.toContain(jobId(page));
  await expect(tour).toHaveAttribute('data-step', 'box');
  await tour.getByRole('button', { name: 'Leave the tour' }).press('Enter');
  await expect(tour).toHaveCount(0);
});
