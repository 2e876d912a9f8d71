// Edits of a whole object from the panel and by key, against masks worked out here; and the warning before edits are lost.
import type { APIRequestContext, Page } from '@playwright/test';
import { jobOf, maskOf, nextMask, paint, sliceOf, slicesWith, writeRuns } from './masks';
import { writeNifti, type Triple } from './nifti';
import { bodyAs, dice, lesionMask, RAS_SHAPE, RAS_SPACING } from './phantom';
import { openFile, openTab, placeOf } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('RAS'));

/** Corners of a block of voxels, both inclusive. */
type Block = readonly [Triple, Triple];

const OBJECT: Block = [[28, 24, 16], [37, 31, 21]];

function offset(i: number, j: number, k: number): number {
  return i + RAS_SHAPE[0] * (j + RAS_SHAPE[1] * k);
}

/** The voxels that a rule chooses, in stored order. */
function where(rule: (i: number, j: number, k: number) => number): Uint8Array {
  const voxels = new Uint8Array(RAS_SHAPE[0] * RAS_SHAPE[1] * RAS_SHAPE[2]);
  for (let k = 0; k < RAS_SHAPE[2]; k++) {
    for (let j = 0; j < RAS_SHAPE[1]; j++) for (let i = 0; i < RAS_SHAPE[0]; i++) voxels[offset(i, j, k)] = rule(i, j, k);
  }
  return voxels;
}

/** Millimetres from a voxel to the nearest one of a block; 0 inside. */
function distanceTo([low, high]: Block, place: Triple): number {
  return Math.hypot(...[0, 1, 2].map((axis) => Math.max((low[axis] ?? 0) - (place[axis] ?? 0), 0, (place[axis] ?? 0) - (high[axis] ?? 0)) * (RAS_SPACING[axis] ?? 1)));
}

/** Millimetres from a voxel of a block to the nearest one outside. */
function depthIn([low, high]: Block, place: Triple): number {
  return Math.min(...[0, 1, 2].map((axis) => Math.min((place[axis] ?? 0) - (low[axis] ?? 0), (high[axis] ?? 0) - (place[axis] ?? 0)) + 1).map((steps, axis) => steps * (RAS_SPACING[axis] ?? 1)));
}

function isIn(block: Block, place: Triple): boolean {
  return distanceTo(block, place) === 0;
}

/** Presses a button of the panel; gives the mask that it makes. */
async function act(page: Page, job: string, name: string): Promise<Uint8Array> {
  const { head } = await jobOf(page.request, job);
  await page.getByTestId(`edit-${name}`).click();
  return (await nextMask(page.request, job, head)).voxels;
}

/** How many voxels two masks differ in: a failing comparison of whole volumes would be printed. */
function differing(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, at) => sum + (value === b[at] ? 0 : 1), 0);
}

async function withObject(page: Page, request: APIRequestContext, name: string): Promise<string> {
  const job = await openFile(page, name, BODY);
  await paint(request, job, ...OBJECT);
  await expect(page.getByTestId('volume-1')).toBeVisible();
  await openTab(page, 'segment');
  return job;
}

test('growing and shrinking go by millimetres, and stop at another object', async ({ page, request }) => {
  const job = await withObject(page, request, 'grow.nii');
  const other: Block = [[39, 24, 16], [41, 31, 21]];
  await page.getByTestId('add-object').click();
  await paint(request, job, ...other, 2);
  await expect(page.getByTestId('volume-2')).toBeVisible();
  await page.getByTestId('object-1').getByRole('radio').click();
  await page.getByTestId('grow-mm').fill('3');
  await page.getByTestId('grow-mm').blur();
  const grown = where((i, j, k) => (isIn(other, [i, j, k]) ? 2 : distanceTo(OBJECT, [i, j, k]) <= 3 ? 1 : 0));
  expect(differing(await act(page, job, 'grow'), grown)).toBe(0);
  // On the shown slice only: one layer of 1.5 mm around the object as it is now, voxel by voxel.
  await page.getByTestId('grow-mm').fill('1.5');
  await page.getByTestId('grow-mm').blur();
  await page.getByTestId('edit-scope').getByText('This slice').click();
  const layer = where((i, j, k) => {
    const at = grown[offset(i, j, k)] ?? 0;
    const touches = [[i - 1, j], [i + 1, j], [i, j - 1], [i, j + 1]].some(([x = 0, y = 0]) => grown[offset(x, y, k)] === 1);
    return at === 0 && k === 20 && touches ? 1 : at;
  });
  expect(differing(await act(page, job, 'grow'), layer)).toBe(0);
  expect((await jobOf(request, job)).head_revision?.action).toBe('grow');
});

test('shrinking takes what is no deeper than the distance', async ({ page, request }) => {
  const job = await withObject(page, request, 'shrink.nii');
  await page.getByTestId('grow-mm').fill('2.5');
  await page.getByTestId('grow-mm').blur();
  const left = where((i, j, k) => (isIn(OBJECT, [i, j, k]) && depthIn(OBJECT, [i, j, k]) > 2.5 ? 1 : 0));
  expect(differing(await act(page, job, 'shrink'), left)).toBe(0);
  // One layer of 1.5 mm in plane, and of 2.5 mm across: 8 × 6 × 4 of 10 × 8 × 6 stay.
  expect(left.reduce((sum, value) => sum + value, 0)).toBe(8 * 6 * 4);
});

test('smoothing is a Gaussian that keeps the volume', async ({ page, request }) => {
  const job = await withObject(page, request, 'smooth.nii');
  await page.getByTestId('smooth-mm').fill('3');
  await page.getByTestId('smooth-mm').blur();
  const smoothed = await act(page, job, 'smooth');
  // Of a block, the blurred object is the product of three blurred intervals.
  const [low, high] = OBJECT;
  const along = [0, 1, 2].map((axis) => {
    const sigma = 3 / (RAS_SPACING[axis] ?? 1);
    const reach = Math.ceil(3 * sigma);
    return Array.from({ length: RAS_SHAPE[axis] ?? 0 }, (_, at) => {
      let [sum, total] = [0, 0];
      for (let step = -reach; step <= reach; step++) {
        const weight = Math.exp(-0.5 * (step / sigma) ** 2);
        total += weight;
        if (at + step >= (low[axis] ?? 0) && at + step <= (high[axis] ?? 0)) sum += weight;
      }
      return sum / total;
    });
  });
  const valueAt = (i: number, j: number, k: number): number => (along[0]?.[i] ?? 0) * (along[1]?.[j] ?? 0) * (along[2]?.[k] ?? 0);
  const values: number[] = [];
  where((i, j, k) => values.push(valueAt(i, j, k)) * 0);
  const n = 10 * 8 * 6;
  const threshold = values.slice().sort((a, b) => b - a)[n - 1] ?? 0;
  // Voxels at the threshold are equal by symmetry and may go either way; all others are told exactly.
  const isClear = (value: number): boolean => Math.abs(value - threshold) > 1e-5;
  const wrong = values.filter((value, at) => isClear(value) && (value > threshold ? 1 : 0) !== smoothed[at]).length;
  expect(wrong).toBe(0);
  expect(values.filter((value) => !isClear(value)).length).toBeLessThan(n / 10);
  expect(smoothed[offset(...low)]).toBe(0);
});

test('islands below a volume go, larger ones stay', async ({ page, request }) => {
  const job = await withObject(page, request, 'islands.nii');
  // A voxel is 5.625 mm³: 18 of them are 0.101 ml, 16 are 0.09 ml.
  const stays: Block = [[50, 20, 10], [52, 22, 11]];
  const goes: Block = [[50, 40, 10], [53, 43, 10]];
  await paint(request, job, ...stays);
  await paint(request, job, ...goes);
  await expect(page.getByTestId('volume-1')).toContainText('2.89');
  const left = where((i, j, k) => (isIn(OBJECT, [i, j, k]) || isIn(stays, [i, j, k]) ? 1 : 0));
  expect(differing(await act(page, job, 'removeIslands'), left)).toBe(0);
});

test('I fills in between confirmed slices, which stay as they are', async ({ page, request }) => {
  const job = await openFile(page, 'between.nii', BODY);
  const lesion = lesionMask();
  const drawn = where((i, j, k) => (k === 17 || k === 23 ? (lesion[offset(i, j, k)] ?? 0) : 0));
  const last: Triple = [RAS_SHAPE[0] - 1, RAS_SHAPE[1] - 1, RAS_SHAPE[2] - 1];
  const confirmed = [17, 23].map((slice) => ({ axis: 2, slice_index: slice, label: 1 }));
  const data = { parent: null, box: [[0, 0, 0], last], rle_base64: writeRuns(RAS_SHAPE, drawn).toString('base64'), confirmed };
  expect((await request.post(`/api/v1/jobs/${job}/revisions`, { data })).status()).toBe(201);
  await expect(page.getByTestId('prompt-row')).toHaveCount(2);
  const { head } = await jobOf(request, job);
  await page.getByTestId('overlay').press('i');
  const filled = await nextMask(request, job, head);
  expect((await jobOf(request, job)).head_revision?.action).toBe('interpolate');
  expect(slicesWith(filled)).toEqual([17, 18, 19, 20, 21, 22, 23]);
  for (const k of [17, 23]) expect(differing(sliceOf(filled, k), sliceOf({ shape: RAS_SHAPE, voxels: drawn }, k))).toBe(0);
  const between = where((i, j, k) => (k >= 17 && k <= 23 ? (lesion[offset(i, j, k)] ?? 0) : 0));
  expect(dice(filled.voxels, between)).toBeGreaterThan(0.9);
});

test('a page whose edits neither server nor browser keep asks before it closes, a saved one does not', async ({ page, request }) => {
  // As in a window where the browser denies pages a database; where it does not, edits outlive the page (offline.spec.ts).
  await page.addInitScript(() => {
    Object.defineProperty(window, 'indexedDB', { value: undefined });
  });
  const job = await openFile(page, 'closing.nii', BODY);
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.type());
    void dialog.dismiss();
  });
  await page.route('**/revisions', (route) => (route.request().method() === 'POST' ? route.abort() : route.continue()));
  await page.getByTestId('tool-brush').click();
  const place = await placeOf(page, 'axial', [30, 30, 20]);
  await page.mouse.click(place.x, place.y);
  await expect(page.getByTestId('saved')).toHaveAttribute('data-state', 'stuck');
  await page.close({ runBeforeUnload: true });
  await expect.poll(() => asked).toEqual(['beforeunload']);
  expect(page.isClosed()).toBe(false);
  await page.unroute('**/revisions');
  await expect(page.getByTestId('saved')).toHaveAttribute('data-state', 'saved');
  expect(await maskOf(request, job)).not.toBeNull();
  const closed = page.waitForEvent('close');
  await page.close({ runBeforeUnload: true });
  await closed;
  expect(asked).toHaveLength(1);
});
