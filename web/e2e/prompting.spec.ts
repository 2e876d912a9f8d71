// Prompts of every kind and the mask that follows them: exact voxels, by the API.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { at, count, jobOf, maskOf, nextMask, paint, sliceOf } from './masks';
import { writeNifti, type Triple } from './nifti';
import { bodyAs, dice, inRasOrder, lesionMask, RAS_SHAPE } from './phantom';
import { boxNumbers, drag, dragLesion, jobId, openFile, placeOf, viewerReady } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('RAS'));
const SLICE = 20;

/** The lesion on a plane through its centre, in RAS order. */
function lesionOn(plane: 'axial' | 'coronal', voxels: Uint8Array): Uint8Array {
  const [nr, na, ns] = RAS_SHAPE;
  if (plane === 'axial') return voxels.slice(SLICE * nr * na, (SLICE + 1) * nr * na);
  const rows = Array.from({ length: ns }, (_, s) => voxels.slice((s * na + 30) * nr, (s * na + 31) * nr));
  return Uint8Array.from(rows.flatMap((row) => [...row]));
}

async function stroke(page: Page, from: Triple, to: Triple): Promise<void> {
  await drag(page, await placeOf(page, 'axial', from), await placeOf(page, 'axial', to));
}

async function click(page: Page, ras: Triple): Promise<void> {
  const place = await placeOf(page, 'axial', ras);
  await page.mouse.click(place.x, place.y);
}

test('a dragged box gives a mask without a click, and a moved box another one', async ({ page, request }) => {
  const job = await openFile(page, 'follow.nii', BODY);
  await dragLesion(page, 'axial', 1);
  const first = await nextMask(request, job, null);
  expect(dice(sliceOf(first, SLICE), lesionOn('axial', lesionMask()))).toBeGreaterThan(0.9);
  await expect(page.getByTestId('volume-1')).toBeVisible();
  // The box moves 12 voxels towards R: what it finds there lies within it.
  const [x1, y1, x2, y2] = await boxNumbers(page);
  const { head } = await jobOf(request, job);
  await drag(page, await placeOf(page, 'axial', [44, 30, SLICE]), await placeOf(page, 'axial', [56, 30, SLICE]));
  expect(await boxNumbers(page)).toEqual([(x1 ?? 0) + 12, y1, (x2 ?? 0) + 12, y2]);
  const moved = await nextMask(request, job, head);
  expect(Buffer.compare(Buffer.from(moved.voxels), Buffer.from(first.voxels))).not.toBe(0);
  for (let j = 0; j < RAS_SHAPE[1]; j++) {
    for (let i = 0; i < (x1 ?? 0) + 12; i++) expect(at(moved, [i, j, SLICE])).toBe(0);
  }
});

test('two people mark one slice: each sees what the other marked, and at the same moment both marks stay', async ({ page, browser, request, baseURL }) => {
  const job = await openFile(page, 'both.nii', BODY);
  const other = await (await browser.newContext({ baseURL, viewport: { width: 1280, height: 720 } })).newPage();
  await other.goto(`/jobs/${job}`);
  await viewerReady(other);
  await dragLesion(page, 'axial', 1);
  await nextMask(request, job, null);
  const first = (await jobOf(request, job)).prompts[0];
  await expect(other.getByTestId('box-x1')).toHaveValue(String(first?.box?.[0]));

  // The other page hears nothing more of the job until both have marked something.
  const heldBack: (() => void)[] = [];
  let isHeldBack = true;
  await other.route(`**/api/v1/jobs/${job}`, async (route) => {
    if (isHeldBack) await new Promise<void>((resolve) => heldBack.push(resolve));
    await route.continue();
  });
  await page.getByTestId('tool-positive').click();
  await click(page, [38, 30, SLICE]);
  await expect.poll(async () => (await jobOf(request, job)).prompts[0]?.points?.length).toBe(1);
  await other.getByTestId('tool-positive').click();
  await click(other, [42, 30, SLICE]);
  await expect.poll(async () => (await jobOf(request, job)).prompts[0]?.points?.map(({ x }) => x)).toEqual([38, 42]);
  isHeldBack = false;
  for (const goOn of heldBack) goOn();
  expect((await jobOf(request, job)).prompts[0]?.box).toEqual(first?.box);
  for (const it of [page, other]) await expect(it.getByTestId('points').getByRole('listitem')).toHaveCount(2);
  await other.context().close();
});

test('of many quick changes the last one wins', async ({ page, request }) => {
  const job = await openFile(page, 'quick.nii', BODY);
  await dragLesion(page, 'axial', 1);
  // Each drag holds the middle of the right-hand side, where the last one has left it; nobody waits for a mask.
  for (const from of [34, 38, 33, 40, 36]) {
    const [x1 = 0] = await boxNumbers(page);
    await drag(page, await placeOf(page, 'axial', [x1 - 0.5, 30, SLICE]), await placeOf(page, 'axial', [from - 0.5, 30, SLICE]));
  }
  expect((await boxNumbers(page))[0]).toBe(36);
  await expect.poll(async () => (await jobOf(request, job)).head_revision?.prompts[0]?.box?.[0]).toBe(36);
  await expect(page.getByTestId('thinking')).toHaveCount(0);
  const mask = await maskOf(request, job);
  const voxels = mask === null ? [] : [...sliceOf(mask, SLICE)];
  const columns = voxels.flatMap((value, index) => (value === 0 ? [] : [index % RAS_SHAPE[0]]));
  expect(Math.min(...columns)).toBeGreaterThanOrEqual(36);
  expect((await jobOf(request, job)).task ?? null).toBeNull();
});

test('a stroke outside takes its voxels away, and a click on it brings them back', async ({ page, request }) => {
  const job = await openFile(page, 'strokes.nii', BODY);
  await dragLesion(page, 'axial', 1);
  const whole = await nextMask(request, job, null);
  let { head } = await jobOf(request, job);
  await page.getByTestId('tool-scribble_out').click();
  await stroke(page, [48, 26, SLICE], [48, 34, SLICE]);
  const cut = await nextMask(request, job, head);
  for (let j = 26; j <= 34; j++) expect(at(cut, [48, j, SLICE])).toBe(0);
  expect(count(cut.voxels)).toBeLessThan(count(whole.voxels));
  await expect(page.getByTestId('points')).toContainText('Stroke 1');

  head = (await jobOf(request, job)).head;
  await page.getByTestId('overlay').press('s');
  await stroke(page, [40, 28, SLICE], [42, 31, SLICE]);
  await nextMask(request, job, head);
  expect((await jobOf(request, job)).prompts[0]?.scribbles?.map(({ positive }) => positive)).toEqual([false, true]);

  head = (await jobOf(request, job)).head;
  await click(page, [48, 30, SLICE]);
  await nextMask(request, job, head);
  expect((await jobOf(request, job)).prompts[0]?.scribbles?.map(({ positive }) => positive)).toEqual([true]);
  // The last part by keyboard: its button has the focus, and Delete takes the part, not the prompt.
  head = (await jobOf(request, job)).head;
  await page.getByRole('button', { name: 'Remove stroke 1' }).press('Delete');
  const again = await nextMask(request, job, head);
  expect(Buffer.compare(Buffer.from(again.voxels), Buffer.from(whole.voxels))).toBe(0);
  await expect(page.getByTestId('box-fields')).toBeVisible();
});

test('a coronal box on an image stored L-P-I finds the lesion there', async ({ page, request }) => {
  const job = await openFile(page, 'lpi.nii', writeNifti(bodyAs('LPI')));
  await page.getByTestId('overlay').press('2');
  await dragLesion(page, 'coronal', 1);
  const mask = await nextMask(request, job, null);
  const prompt = (await jobOf(request, job)).prompts[0];
  expect([prompt?.axis, prompt?.slice_index]).toEqual([1, RAS_SHAPE[1] - 1 - 30]);
  const found = inRasOrder('LPI', mask.voxels);
  expect(dice(lesionOn('coronal', found), lesionOn('coronal', lesionMask()))).toBeGreaterThan(0.85);
  expect(count(lesionOn('coronal', found))).toBe(count(found));
});

test('a confirmed mask is a prompt that later marks refine', async ({ page, request }) => {
  const job = await openFile(page, 'mask.nii', BODY);
  // Half of the lesion, painted by another program.
  const painted = await paint(request, job, [38, 25, SLICE], [44, 35, SLICE]);
  await expect(page.getByTestId('volume-1')).toBeVisible();
  await page.getByTestId('overlay').press('c');
  await expect(page.getByTestId('points')).toContainText('Mask confirmed');
  await expect.poll(async () => (await jobOf(request, job)).head_revision?.action).toBe('confirm');
  const before = await maskOf(request, job);
  const { head, prompts } = await jobOf(request, job);
  expect(head).not.toBe(painted);
  expect(prompts).toMatchObject([{ axis: 2, slice_index: SLICE, mask: true }]);

  const asked = page.waitForRequest((it) => it.url().endsWith('/initial-mask'));
  await page.getByTestId('overlay').press('p');
  await click(page, [49, 30, SLICE]);
  expect((await asked).postDataJSON()).toMatchObject({ mask: true, points: [{ x: 49, y: 30, positive: true }] });
  const grown = await nextMask(request, job, head);
  expect(at(grown, [49, 30, SLICE])).toBe(1);
  expect(count(grown.voxels)).toBeGreaterThan(count(before?.voxels ?? new Uint8Array()));
  expect((await jobOf(request, job)).prompts[0]?.mask).toBe(true);

  await page.getByRole('button', { name: 'Confirmed no longer' }).click();
  await expect.poll(async () => (await jobOf(request, job)).prompts[0]?.mask ?? false).toBe(false);
});

test('parts go one by one and come back after a reload', async ({ page, request }) => {
  const job = await openFile(page, 'parts.nii', BODY);
  await dragLesion(page, 'axial', 1);
  await page.getByTestId('overlay').press('p');
  await click(page, [44, 30, SLICE]);
  await page.getByTestId('overlay').press('n');
  await click(page, [20, 30, SLICE]);
  await page.getByTestId('overlay').press('Shift+S');
  await stroke(page, [54, 24, SLICE], [54, 36, SLICE]);
  await expect(page.getByTestId('points').getByRole('listitem')).toHaveCount(3);
  await expect.poll(async () => (await jobOf(request, job)).prompts[0]?.scribbles?.length).toBe(1);
  await page.reload();
  await viewerReady(page);
  await expect(page.getByTestId('points').getByRole('listitem')).toHaveCount(3);
  await expect(page.getByTestId('box-fields')).toBeVisible();

  await page.getByRole('button', { name: 'Remove point 44, 30' }).click();
  await page.getByRole('button', { name: 'Remove stroke 1' }).click();
  await expect(page.getByTestId('points').getByRole('listitem')).toHaveCount(1);
  await page.getByTestId('remove-box').click();
  await expect(page.getByTestId('hint-negativeOnly')).toBeVisible();
  await expect.poll(async () => (await jobOf(request, job)).prompts).toMatchObject([{ points: [{ x: 20, y: 30, positive: false }] }]);
  await page.getByRole('button', { name: 'Remove point 20, 30' }).press('Backspace');
  await expect(page.getByTestId('prompt-row')).toHaveCount(0);
  await expect.poll(async () => (await jobOf(request, job)).prompts).toEqual([]);
});

test('doubtful prompts are told, and without following the button decides', async ({ page, request }) => {
  const job = await openFile(page, 'hints.nii', BODY);
  await page.getByTestId('auto-segment').uncheck({ force: true });
  await dragLesion(page, 'axial');
  await page.getByTestId('overlay').press('p');
  await click(page, [20, 30, SLICE]);
  await expect(page.getByTestId('hint-outside')).toBeVisible();
  await page.getByRole('button', { name: 'Remove point 20, 30' }).click();
  await click(page, [44, 30, SLICE]);
  await page.getByTestId('overlay').press('Shift+S');
  await stroke(page, [41, 30, SLICE], [47, 30, SLICE]);
  await expect(page.getByTestId('hint-contradiction')).toBeVisible();
  await page.getByRole('button', { name: 'Remove stroke 1' }).click();
  await expect.poll(async () => (await jobOf(request, job)).prompts[0]?.scribbles ?? []).toEqual([]);
  expect(await jobOf(request, job)).toMatchObject({ head: null, status: 'ready' });
  await page.getByTestId('segment').click();
  await nextMask(request, job, null);
  await page.getByTestId('auto-segment').check({ force: true });
});

test('the mask follows with the network, too', async ({ page, request, server }) => {
  const fixture = join(import.meta.dirname, '..', '..', 'fixtures', 'medsam2-micro');
  const models = server.path('models');
  mkdirSync(models, { recursive: true });
  copyFileSync(join(fixture, 'checkpoint.pt'), join(models, 'MedSAM2_latest.pt'));
  copyFileSync(join(fixture, 'config.yaml'), join(models, 'sam2.1_hiera_t512.yaml'));
  try {
    await request.post('/api/v1/system/model/reload');
    const job = await openFile(page, 'network.nii', BODY);
    await dragLesion(page, 'axial', 1);
    await nextMask(request, job, null);
    expect((await jobOf(request, job)).head_revision?.author.engine?.name).toBe('medsam2');
    // The other engine is a choice away; the next change runs it.
    await page.getByTestId('engine').click();
    await page.getByRole('option', { name: /Graph cut/ }).click();
    const { head } = await jobOf(request, job);
    await page.getByTestId('overlay').press('p');
    await click(page, [44, 30, SLICE]);
    await nextMask(request, job, head);
    expect((await jobOf(request, job)).head_revision?.author.engine?.name).toBe('graphcut');
    expect(jobId(page)).toBe(job);
  } finally {
    rmSync(models, { recursive: true });
    await request.post('/api/v1/system/model/reload');
  }
});
