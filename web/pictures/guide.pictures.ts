// The pictures of the user guide, in the order of a person's work on the built-in sample.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { drag, jobId, segment, viewerReady } from '../e2e/screen';
import { expect, Server, test } from '../e2e/server';

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'images');
/** A repository is cloned whole: no picture may be larger. */
const MAX_BYTES = 150_000;

/** The sample is stored as the screen shows it: i to the right, j down, 1.5 mm each. */
const SAMPLE_SIZE = 256;

/** Place on the page of a voxel of the axial slice, where that plane is shown large. */
async function placeOf(page: Page, i: number, j: number): Promise<{ x: number; y: number }> {
  const box = await page.getByTestId('overlay').boundingBox();
  if (box === null) throw new Error('no slices on the page');
  const scale = Math.min(box.width, box.height) / SAMPLE_SIZE;
  const at = (start: number, length: number, voxel: number): number => start + length / 2 + (voxel + 0.5 - SAMPLE_SIZE / 2) * scale;
  return { x: at(box.x, box.width, i), y: at(box.y, box.height, j) };
}

async function dragBox(page: Page, [x1, y1, x2, y2]: readonly [number, number, number, number]): Promise<void> {
  await page.getByTestId('tool-box').click();
  await drag(page, await placeOf(page, x1, y1), await placeOf(page, x2, y2));
}

async function goToSlice(page: Page, slice: number): Promise<void> {
  await page.getByTestId('overlay').press('Home');
  for (let step = 0; step < Math.floor(slice / 10); step++) await page.getByTestId('overlay').press('Shift+ArrowUp');
  for (let step = 0; step < slice % 10; step++) await page.getByTestId('overlay').press('ArrowUp');
  await expect(page.getByTestId('slice-axial')).toContainText(`${slice} /`);
}

/** Takes a picture of the page or of a part of it. */
async function picture(page: Page, name: string, part?: Locator): Promise<void> {
  await page.mouse.move(2, 2);
  const path = join(FOLDER, `${name}.png`);
  await (part ?? page).screenshot({ path, animations: 'disabled', caret: 'hide' });
  expect(statSync(path).size, `${name}.png is too large`).toBeLessThan(MAX_BYTES);
}

async function closeNotices(page: Page): Promise<void> {
  const notices = page.getByTestId(/^notice-/);
  while ((await notices.count()) > 0) await notices.first().getByRole('button').click();
}

/** Propagates, where the job may have been propagated before. */
async function propagateAgain(page: Page): Promise<void> {
  await closeNotices(page);
  const asked = page.waitForResponse((answer) => answer.url().endsWith('/propagate'));
  await page.getByTestId('propagate').click();
  await asked;
  const job = `/api/v1/jobs/${jobId(page)}`;
  await expect.poll(async () => ((await (await page.request.get(job)).json()) as { task?: object }).task ?? null).toBeNull();
  await expect(page.getByTestId('propagate')).toBeEnabled();
  await closeNotices(page);
}

async function addObject(page: Page, value: number, name: string): Promise<void> {
  await page.getByTestId('add-object').click();
  await page.getByTestId(`rename-${value}`).click();
  const field = page.getByRole('textbox', { name: `Name of object ${value}` });
  await field.fill(name);
  await field.press('Enter');
}

test('pictures of the user guide', async ({ page }) => {
  await page.addInitScript(() => {
    localStorage.setItem('voxloop.settings', JSON.stringify({ tourSeen: true }));
  });
  await page.goto('/');
  await expect(page.getByTestId('jobs-empty')).toBeVisible();
  await picture(page, 'start');
  await page.getByTestId('open-sample').click();
  await page.waitForURL(/\/jobs\//);
  await viewerReady(page);
  const id = jobId(page);
  await page.getByTestId('overlay').press('4');
  await picture(page, 'opened');

  // A lesion of the liver: the engine is sure of it.
  await page.getByTestId('overlay').press('1');
  await goToSlice(page, 40);
  await dragBox(page, [59, 105, 87, 135]);
  await segment(page);
  await closeNotices(page);
  await picture(page, 'slice');
  await propagateAgain(page);
  await picture(page, 'propagated');

  // The spleen: the first propagation runs on into the kidney below, and the engine doubts it there.
  await addObject(page, 2, 'Spleen');
  await goToSlice(page, 48);
  await dragBox(page, [165, 120, 204, 167]);
  await segment(page);
  await propagateAgain(page);
  await page.getByTestId('next-doubtful').click();
  await picture(page, 'doubtful');
  await page.getByTestId('mark-absent').click();
  await expect(page.getByTestId('absent-note')).toBeVisible();
  await picture(page, 'absent');
  await propagateAgain(page);
  await goToSlice(page, 30);
  await page.getByTestId('mark-absent').click();
  // Where the two organs touch, a box says which is meant.
  await goToSlice(page, 34);
  await dragBox(page, [170, 127, 197, 161]);
  await segment(page);
  await propagateAgain(page);
  await picture(page, 'corrected');

  await page.getByTestId('overlay').press('4');
  await goToSlice(page, 42);
  await page.getByTestId('object-1').scrollIntoViewIfNeeded();
  await picture(page, 'objects');
  await page.getByTestId('back').click();
  await page.locator(`[data-job="${id}"] img`).waitFor();
  await picture(page, 'jobs');
  await page.getByTestId('to-diagnosis').click();
  await page.getByTestId('check').first().waitFor();
  await picture(page, 'diagnosis');
});

test('picture of the page that asks for the token', async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), 'voxloop-pictures-'));
  writeFileSync(join(folder, 'token'), '0123456789abcdef0123456789abcdef', { mode: 0o600 });
  const server = await Server.start();
  await server.down();
  await server.up(['--token-file', join(folder, 'token')]);
  await page.goto(server.url);
  await page.getByTestId('sign-in').waitFor();
  await picture(page, 'sign-in', page.getByTestId('sign-in'));
  await server.remove();
  rmSync(folder, { recursive: true });
});
