// Objects: added by anatomical name, locked, hidden, deleted with their voxels; label sets; files out and in again.
import { readFileSync } from 'node:fs';
import type { APIRequestContext, Page } from '@playwright/test';
import { readRuns, writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { fillBox } from './records';
import { dragLesion, openFile, segment, viewerReady } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('LAS'));

interface Label {
  readonly value: number;
  readonly name: string;
  readonly color: string;
  readonly visible: boolean;
  readonly locked: boolean;
  readonly opacity?: number;
  readonly outline?: boolean;
  readonly anatomy?: { kind: { value: string }; category: { value: string }; laterality?: { value: string } };
}

async function labelsOf(request: APIRequestContext, id: string): Promise<Label[]> {
  return ((await (await request.get(`/api/v1/jobs/${id}`)).json()) as { labels: Label[] }).labels;
}

async function voxelsOf(request: APIRequestContext, id: string, value: number): Promise<number> {
  const mask = readRuns(await (await request.get(`/api/v1/jobs/${id}/mask`)).body());
  return mask.voxels.filter((label) => label === value).length;
}

async function addByName(page: Page, typed: string): Promise<void> {
  await page.getByTestId('add-by-name').click();
  await page.getByTestId('anatomy-search').fill(typed);
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('anatomy-search')).toHaveCount(0);
}

async function download(page: Page, testId: string): Promise<{ name: string; text: string }> {
  const waiting = page.waitForEvent('download');
  await page.getByTestId(testId).click();
  const file = await waiting;
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
}

async function openSets(page: Page): Promise<void> {
  await page.getByTestId('objects-menu').click();
  await page.getByTestId('label-sets').click();
  await expect(page.getByTestId('set-name')).toBeVisible();
}

test('objects get their names and codes from a search in three languages', async ({ page, request }) => {
  const id = await openFile(page, 'names.nii', BODY);
  await addByName(page, 'left kid');
  await addByName(page, '간');
  await addByName(page, '108369006');
  await expect(page.getByTestId('object-4')).toBeVisible();
  await expect.poll(async () => (await labelsOf(request, id)).length).toBe(4);
  const [, kidney, liver, tumour] = await labelsOf(request, id);
  expect(kidney).toMatchObject({ value: 2, name: 'Left kidney', color: '#b9664d' });
  expect(kidney?.anatomy).toMatchObject({ category: { value: '123037004' }, kind: { value: '64033007' }, laterality: { value: '7771000' } });
  expect(liver).toMatchObject({ value: 3, name: 'Liver', color: '#dd8265', anatomy: { kind: { value: '10200004' } } });
  expect(tumour).toMatchObject({ value: 4, name: 'Neoplasm', anatomy: { category: { value: '49755003' }, kind: { value: '108369006' } } });
  const colors = (await labelsOf(request, id)).map(({ color }) => color);
  expect(new Set(colors).size).toBe(4);

  // The first object was never named: it takes the anatomical name.
  await page.getByTestId('more-1').click();
  await page.getByTestId('choose-anatomy').click();
  await page.getByTestId('anatomy-search').fill('spleen');
  await page.screenshot({ path: 'test-results/anatomy.png' });
  await page.getByTestId('term').first().click();
  await expect.poll(async () => (await labelsOf(request, id))[0]).toMatchObject({ name: 'Spleen', anatomy: { kind: { value: '78961009' } } });
  await page.screenshot({ path: 'test-results/objects.png' });
});

test('what is seen of an object, its lock and its opacity survive a reload', async ({ page, request }) => {
  const id = await openFile(page, 'look.nii', BODY);
  await page.getByTestId('add-object').click();
  await page.getByTestId('visible-2').click();
  await page.getByTestId('lock-1').click();
  await page.getByTestId('more-2').click();
  // Mantine puts the switch's input under its own track.
  await page.getByTestId('label-outline').check({ force: true });
  await page.getByTestId('own-opacity').check({ force: true });
  await expect.poll(async () => (await labelsOf(request, id))[1]).toMatchObject({ visible: false, locked: false, outline: true, opacity: 0.4 });
  expect((await labelsOf(request, id))[0]).toMatchObject({ visible: true, locked: true });
  await page.reload();
  await viewerReady(page);
  await expect(page.getByTestId('visible-2')).toHaveAttribute('aria-pressed', 'false');
  await expect(page.getByTestId('lock-1')).toHaveAttribute('aria-pressed', 'true');
});

test('an object with voxels is deleted only when that is meant, and undone by its revision', async ({ page, request }) => {
  const id = await openFile(page, 'delete.nii', BODY);
  await page.getByTestId('more-1').click();
  await expect(page.getByTestId('delete-object')).toBeDisabled();
  await page.keyboard.press('Escape');
  await dragLesion(page, 'axial');
  await segment(page);
  await page.getByTestId('add-object').click();
  await expect(page.getByTestId('object-2')).toBeVisible();
  const before = await voxelsOf(request, id, 1);
  expect(before).toBeGreaterThan(100);

  await page.getByTestId('more-1').click();
  await page.getByTestId('delete-object').click();
  const question = page.getByRole('dialog', { name: 'Delete Object 1' });
  await expect(question).toContainText(before.toLocaleString('en'));
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByTestId('object-1')).toBeVisible();
  expect(await voxelsOf(request, id, 1)).toBe(before);

  await page.getByTestId('more-1').click();
  await page.getByTestId('delete-object').click();
  await page.getByTestId('confirm-delete-object').click();
  await expect(page.getByTestId('object-1')).toHaveCount(0);
  await expect.poll(async () => (await labelsOf(request, id)).map((label) => label.value)).toEqual([2]);
  expect(await voxelsOf(request, id, 1)).toBe(0);
});

test('voxels that belong to no object are shown, and get one', async ({ page, request }) => {
  const id = await openFile(page, 'orphan.nii', BODY);
  await fillBox(request, id, null, [[30, 30, 10], [39, 39, 19]], 7);
  await expect(page.getByTestId('orphan-7')).toContainText('5.63 ml');
  await page.getByTestId('adopt-7').click();
  await expect(page.getByTestId('volume-7')).toHaveText('5.63 ml');
  await expect.poll(async () => (await labelsOf(request, id)).map((label) => label.value)).toEqual([1, 7]);
});

test('label sets and files come back as they went out', async ({ page, request }) => {
  const id = await openFile(page, 'source.nii', BODY);
  await addByName(page, 'aorta');
  await addByName(page, '우심방');
  await page.getByTestId('more-2').click();
  await page.getByTestId('own-opacity').check({ force: true });
  await page.keyboard.press('Escape');
  await expect.poll(async () => (await labelsOf(request, id))[1]?.opacity).toBe(0.4);
  const source = await labelsOf(request, id);

  await openSets(page);
  await page.getByTestId('set-name').fill('Heart 심장');
  await page.getByTestId('save-set').click();
  await expect(page.getByTestId('label-set')).toContainText('3 objects');
  await page.screenshot({ path: 'test-results/label-sets.png' });
  const json = await download(page, 'export-labels-json');
  expect(json.name).toBe('source-labels.json');
  const itk = await download(page, 'export-labels-itk');
  expect(itk.name).toBe('source-labels.txt');
  expect(itk.text).toContain('"Aorta"');

  const second = await openFile(page, 'second.nii', BODY);
  await openSets(page);
  await page.getByTestId('apply-set').click();
  await expect.poll(() => labelsOf(request, second)).toEqual(source);

  const third = await openFile(page, 'third.nii', BODY);
  await openSets(page);
  await page.getByTestId('label-file').setInputFiles({ name: 'bad.txt', mimeType: 'text/plain', buffer: Buffer.from('# labels\n1 2 3\n') });
  await expect(page.getByTestId('label-file-error')).toContainText('Line 2');
  await page.screenshot({ path: 'test-results/label-file-error.png' });
  await page.getByTestId('label-file').setInputFiles({ name: json.name, mimeType: 'application/json', buffer: Buffer.from(json.text) });
  await expect.poll(() => labelsOf(request, third)).toEqual(source);

  const fourth = await openFile(page, 'fourth.nii', BODY);
  await openSets(page);
  await page.getByTestId('label-file').setInputFiles({ name: itk.name, mimeType: 'text/plain', buffer: Buffer.from(itk.text) });
  const plain = source.map(({ anatomy: _anatomy, ...rest }) => rest);
  await expect.poll(() => labelsOf(request, fourth)).toEqual(plain);

  await openSets(page);
  await page.getByTestId('delete-set').click();
  await expect(page.getByTestId('label-set')).toHaveCount(0);
});

test('two browsers change the objects at once: both changes stay', async ({ page, browser, request, baseURL }) => {
  const id = await openFile(page, 'both.nii', BODY);
  const other = await (await browser.newContext({ baseURL })).newPage();
  await other.goto(`/jobs/${id}`);
  await viewerReady(other);
  // What the other browser reads is held back, so that it does not know.
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await other.route('**/api/v1/jobs/*', async (route) => {
    if (route.request().method() === 'GET') await released;
    await route.continue();
  });
  await page.getByTestId('add-by-name').click();
  await page.getByTestId('anatomy-search').fill('liver');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await labelsOf(request, id)).length).toBe(2);
  await other.getByTestId('lock-1').click();
  release();
  await expect.poll(async () => (await labelsOf(request, id)).map(({ name, locked }) => [name, locked])).toEqual([
    ['Object 1', true],
    ['Liver', false],
  ]);
  await expect(other.getByTestId('object-2')).toBeVisible();
  await other.context().close();
});
