// Editing by hand, voxel by voxel: what each tool paints, undo and redo, and two people on one mask.
import type { Page } from '@playwright/test';
import { readRuns, writeNifti, type Triple } from './nifti';
import { bodyAs, inRasOrder, RAS_SHAPE } from './phantom';
import { colourAt, jobId, openFile, placeOf, viewerReady, type Plane } from './screen';
import { expect, test } from './server';

/** Voxels of the mask as the server has it, by RAS place: label by `r,a,s`. */
async function maskOf(page: Page, codes: string): Promise<Map<string, number>> {
  const answer = await page.request.get(`/api/v1/jobs/${jobId(page)}/mask`);
  const found = new Map<string, number>();
  if (answer.status() === 204 || answer.status() === 404) return found;
  const ras = inRasOrder(codes, readRuns(await answer.body()).voxels);
  ras.forEach((label, at) => {
    if (label === 0) return;
    const r = at % RAS_SHAPE[0];
    const a = Math.floor(at / RAS_SHAPE[0]) % RAS_SHAPE[1];
    found.set([r, a, Math.floor(at / (RAS_SHAPE[0] * RAS_SHAPE[1]))].join(','), label);
  });
  return found;
}

async function saved(page: Page): Promise<void> {
  await expect(page.getByTestId('saved')).toHaveAttribute('data-state', 'saved');
}

async function take(page: Page, tool: string, size?: number): Promise<void> {
  await page.getByTestId(`tool-${tool}`).click();
  if (size === undefined) return;
  await page.getByTestId('brush-size').fill(String(size));
  await expect(page.getByTestId('brush-size')).toHaveValue(String(size));
}

async function choose(page: Page, testId: string, words: string): Promise<void> {
  await page.getByTestId(testId).getByText(words, { exact: true }).click();
}

async function press(page: Page, plane: Plane, ras: Triple): Promise<void> {
  const place = await placeOf(page, plane, ras);
  await page.mouse.click(place.x, place.y);
  await saved(page);
}

/** A stroke with as few moves as a fast hand makes: down, one move, up. */
async function stroke(page: Page, plane: Plane, ...places: Triple[]): Promise<void> {
  const [first, ...rest] = await Promise.all(places.map((ras) => placeOf(page, plane, ras)));
  if (first === undefined) return;
  await page.mouse.move(first.x, first.y);
  await page.mouse.down();
  for (const place of rest) await page.mouse.move(place.x, place.y);
  await page.mouse.up();
  await saved(page);
}

/** All voxels of a block of RAS places. */
function block([r1, a1, s1]: Triple, [r2, a2, s2]: Triple): string[] {
  const out: string[] = [];
  for (let s = s1; s <= s2; s++) for (let a = a1; a <= a2; a++) for (let r = r1; r <= r2; r++) out.push([r, a, s].join(','));
  return out.sort();
}

function places(mask: Map<string, number>, label = 1): string[] {
  return [...mask].filter(([, value]) => value === label).map(([place]) => place).sort();
}

for (const codes of ['RAS', 'LPI']) {
  test(`brush and eraser paint exactly what they cover, stored ${codes}`, async ({ page }) => {
    await openFile(page, `${codes}-brush.nii`, writeNifti(bodyAs(codes)));
    await take(page, 'brush', 1);
    await press(page, 'axial', [20, 25, 20]);
    expect(places(await maskOf(page, codes))).toEqual(['20,25,20']);

    await choose(page, 'brush-shape', 'Square');
    await take(page, 'brush', 3);
    await press(page, 'axial', [40, 30, 20]);
    expect(places(await maskOf(page, codes))).toEqual([...block([39, 29, 20], [41, 31, 20]), '20,25,20'].sort());

    // One voxel wide from end to end: each next one is a neighbour, in one move of the pointer.
    await take(page, 'brush', 1);
    await stroke(page, 'axial', [10, 50, 20], [60, 40, 20]);
    const line = places(await maskOf(page, codes)).map((it) => it.split(',').map(Number)).filter(([, a]) => (a ?? 0) >= 40);
    expect(line).toHaveLength(51);
    line.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
    line.forEach(([r, a, s], at) => {
      expect([r, s]).toEqual([10 + at, 20]);
      expect(a).toBe(Math.round(50 - at / 5));
    });

    await take(page, 'eraser', 3);
    await press(page, 'axial', [40, 30, 20]);
    await page.keyboard.down('Shift');
    await take(page, 'brush', 1);
    await press(page, 'axial', [20, 25, 20]);
    await page.keyboard.up('Shift');
    expect(places(await maskOf(page, codes))).toHaveLength(51);
  });
}

test('on the coronal and the sagittal plane a stroke stays on its slice', async ({ page }) => {
  const codes = 'LPI';
  await openFile(page, 'planes.nii', writeNifti(bodyAs(codes)));
  await page.keyboard.press('2');
  await take(page, 'brush', 1);
  await stroke(page, 'coronal', [30, 30, 10], [36, 30, 10]);
  expect(places(await maskOf(page, codes))).toEqual(block([30, 30, 10], [36, 30, 10]));
  await page.keyboard.press('3');
  await stroke(page, 'sagittal', [36, 10, 5], [36, 10, 9]);
  expect(places(await maskOf(page, codes))).toEqual([...block([30, 30, 10], [36, 30, 10]), ...block([36, 10, 5], [36, 10, 9])].sort());
});

test('fill, threshold brush, scissors and copy change exactly their voxels', async ({ page }) => {
  await openFile(page, 'tools.nii', writeNifti(bodyAs('RAS')));
  await take(page, 'brush', 1);
  // A closed square line, 7 voxels to a side.
  await stroke(page, 'axial', [20, 20, 20], [26, 20, 20], [26, 26, 20], [20, 26, 20], [20, 20, 20]);
  expect(places(await maskOf(page, 'RAS'))).toHaveLength(24);
  await take(page, 'fill');
  await press(page, 'axial', [23, 23, 20]);
  expect(places(await maskOf(page, 'RAS'))).toEqual(block([20, 20, 20], [26, 26, 20]));

  // Open background is not filled, and that is told.
  await press(page, 'axial', [60, 50, 20]);
  await expect(page.getByText('This region is not closed')).toBeVisible();
  expect(places(await maskOf(page, 'RAS'))).toHaveLength(49);

  await page.keyboard.press('k');
  await saved(page);
  await expect(page.getByTestId('slice-axial')).toHaveText('21 / 39');
  expect(places(await maskOf(page, 'RAS'))).toEqual(block([20, 20, 20], [26, 26, 21]));

  // Scissors: three columns of the copy go; the line runs between voxels.
  await take(page, 'scissors');
  await stroke(page, 'axial', [19.5, 18, 21], [22.5, 18, 21], [22.5, 28, 21], [19.5, 28, 21]);
  expect(places(await maskOf(page, 'RAS'))).toEqual([...block([20, 20, 20], [26, 26, 20]), ...block([23, 20, 21], [26, 26, 21])].sort());
  await choose(page, 'scissors-mode', 'Erase outside');
  await stroke(page, 'axial', [22.5, 18, 21], [24.5, 18, 21], [24.5, 28, 21], [22.5, 28, 21]);
  expect(places(await maskOf(page, 'RAS'))).toEqual([...block([20, 20, 20], [26, 26, 20]), ...block([23, 20, 21], [24, 26, 21])].sort());
  await choose(page, 'scissors-mode', 'Fill inside');
  await stroke(page, 'axial', [40.5, 40.5, 21], [43.5, 40.5, 21], [43.5, 42.5, 21], [40.5, 42.5, 21]);
  expect(places(await maskOf(page, 'RAS')).filter((it) => Number(it.split(',')[0]) > 40)).toEqual(block([41, 41, 21], [43, 42, 21]));

  // The lesion is of 118 to 142, the body of 28 to 52: a stroke across its border takes the lesion only.
  await take(page, 'threshold', 1);
  await page.getByTestId('threshold-mode').selectOption('typed');
  await page.getByTestId('threshold-low').fill('100');
  await page.getByTestId('threshold-high').fill('200');
  await stroke(page, 'axial', [30, 30, 21], [44, 30, 21]);
  // On slice 21 and row 30 the lesion begins where ((r − 44) / 9)² + (1 / 6)² ≤ 1.
  expect(places(await maskOf(page, 'RAS')).filter((it) => it.includes(',30,'))).toEqual(block([36, 30, 21], [44, 30, 21]));
});

test('a locked object is not touched, another one only where that is chosen', async ({ page }) => {
  await openFile(page, 'locked.nii', writeNifti(bodyAs('RAS')));
  const id = jobId(page);
  await take(page, 'brush', 1);
  await stroke(page, 'axial', [20, 20, 20], [29, 20, 20]);
  await page.getByTestId('add-object').click();
  await stroke(page, 'axial', [25, 20, 20], [34, 20, 20]);
  expect(places(await maskOf(page, 'RAS'), 2)).toEqual(block([30, 20, 20], [34, 20, 20]));
  await page.getByTestId('paint-over').selectOption('unlocked');
  await stroke(page, 'axial', [28, 20, 20], [28, 20, 20]);
  expect(places(await maskOf(page, 'RAS'), 2)).toEqual(block([28, 20, 20], [28, 20, 20]).concat(block([30, 20, 20], [34, 20, 20])).sort());

  const { labels } = (await (await page.request.get(`/api/v1/jobs/${id}`)).json()) as { labels: { value: number }[] };
  const locked = labels.map((label) => (label.value === 1 ? { ...label, locked: true } : label));
  expect((await page.request.put(`/api/v1/jobs/${id}/labels`, { data: { labels: locked } })).ok()).toBe(true);
  await page.reload();
  await viewerReady(page);
  await page.getByTestId('object-2').getByRole('radio').click();
  await take(page, 'brush', 1);
  const before = await maskOf(page, 'RAS');
  await stroke(page, 'axial', [20, 20, 20], [36, 20, 20]);
  const after = await maskOf(page, 'RAS');
  expect(places(after, 1)).toEqual(places(before, 1));
  expect(places(after, 2)).toEqual([...block([28, 20, 20], [28, 20, 20]), ...block([30, 20, 20], [36, 20, 20])].sort());
  await page.getByTestId('object-1').getByRole('radio').click();
  await stroke(page, 'axial', [50, 40, 20], [52, 40, 20]);
  expect(places(await maskOf(page, 'RAS'), 1)).toEqual(places(before, 1));
  await expect(page.getByText('This object is locked.')).toBeVisible();
});

test('undo and redo go through all steps, also after a reload, and the history shows where one stands', async ({ page }) => {
  await openFile(page, 'undo.nii', writeNifti(bodyAs('RAS')));
  await take(page, 'brush', 1);
  const states: string[][] = [[]];
  for (const r of [20, 30, 40]) {
    await press(page, 'axial', [r, 30, 20]);
    states.push(places(await maskOf(page, 'RAS')));
  }
  expect(states.map((it) => it.length)).toEqual([0, 1, 2, 3]);
  await page.reload();
  await viewerReady(page);
  const expectState = async (n: number): Promise<void> => {
    await expect.poll(async () => places(await maskOf(page, 'RAS'))).toEqual(states[n]);
    // The page shows what the server has.
    const place = await placeOf(page, 'axial', [40, 30, 20]);
    await page.mouse.move(place.x, place.y);
    await expect(page.getByTestId('readout-label')).toHaveText(n === 3 ? 'Object 1' : 'none');
  };
  await page.keyboard.press('Control+z');
  await expectState(2);
  await page.getByTestId('undo').click();
  await page.keyboard.press('Control+z');
  await expectState(0);
  await expect(page.getByTestId('undo')).toBeDisabled();
  await page.reload();
  await viewerReady(page);
  await page.keyboard.press('Control+Shift+Z');
  await expectState(1);
  await page.keyboard.press('Control+y');
  await page.getByTestId('redo').click();
  await expectState(3);
  await expect(page.getByTestId('redo')).toBeDisabled();

  await page.getByTestId('tab-history').click();
  const steps = page.getByTestId('history-step');
  await expect(steps).toHaveCount(3);
  await expect(steps.nth(0)).toHaveAttribute('data-standing', 'head');
  await steps.nth(2).click();
  await expectState(1);
  await expect(steps.nth(0)).toHaveAttribute('data-standing', 'ahead');
  // A new edit from here is a branch; the steps that were left stay within reach.
  await take(page, 'brush', 1);
  await press(page, 'axial', [50, 30, 20]);
  await expect(steps).toHaveCount(4);
  await expect(steps.nth(1)).toHaveAttribute('data-standing', 'branch');
  await steps.nth(1).click();
  await expectState(3);
  await page.getByTestId('history-start').click();
  await expectState(0);
  await page.screenshot({ path: 'test-results/history.png' });
});

test('two people paint on one case: both edits stay; on the same voxels a person decides', async ({ page, browser, baseURL }) => {
  await openFile(page, 'two.nii', writeNifti(bodyAs('RAS')));
  const context = await browser.newContext({ baseURL, viewport: { width: 1280, height: 720 } });
  const other = await context.newPage();
  await other.goto(page.url());
  await viewerReady(other);
  for (const it of [page, other]) await take(it, 'brush', 1);

  // The other's edits are held back while both paint.
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await other.route('**/revisions', async (route) => {
    if (route.request().method() === 'POST') await held;
    await route.continue();
  });
  const start = await placeOf(other, 'axial', [20, 30, 20]);
  const end = await placeOf(other, 'axial', [24, 30, 20]);
  await other.mouse.move(start.x, start.y);
  await other.mouse.down();
  await other.mouse.move(end.x, end.y);
  await other.mouse.up();
  await expect(other.getByTestId('saved')).toHaveAttribute('data-state', 'saving');
  await stroke(page, 'axial', [40, 30, 20], [44, 30, 20]);
  release?.();
  await saved(other);
  const both = [...block([20, 30, 20], [24, 30, 20]), ...block([40, 30, 20], [44, 30, 20])].sort();
  expect(places(await maskOf(page, 'RAS'))).toEqual(both);
  // Each sees the other's voxels without a reload.
  for (const [it, ras] of [[page, [22, 30, 20]], [other, [42, 30, 20]]] as const) {
    const place = await placeOf(it, 'axial', ras);
    await it.mouse.move(place.x, place.y);
    await expect(it.getByTestId('readout-label')).toHaveText('Object 1');
  }

  // Now the same voxels with another object.
  await page.getByTestId('add-object').click();
  await other.reload();
  await viewerReady(other);
  await take(other, 'brush', 1);
  await other.unroute('**/revisions');
  let releaseAgain: (() => void) | undefined;
  const heldAgain = new Promise<void>((resolve) => {
    releaseAgain = resolve;
  });
  await other.route('**/revisions', async (route) => {
    if (route.request().method() === 'POST') await heldAgain;
    await route.continue();
  });
  const from = await placeOf(other, 'axial', [30, 50, 20]);
  const to = await placeOf(other, 'axial', [33, 50, 20]);
  await other.mouse.move(from.x, from.y);
  await other.mouse.down();
  await other.mouse.move(to.x, to.y);
  await other.mouse.up();
  await stroke(page, 'axial', [32, 50, 20], [36, 50, 20]);
  releaseAgain?.();
  await expect(other.getByTestId('clash')).toBeVisible();
  await expect(other.getByTestId('clash')).toContainText('2 voxels');
  await other.screenshot({ path: 'test-results/clash.png' });
  await other.getByTestId('clash-theirs').click();
  await saved(other);
  const mask = await maskOf(page, 'RAS');
  expect(places(mask, 1).filter((it) => it.includes(',50,'))).toEqual(block([30, 50, 20], [31, 50, 20]));
  expect(places(mask, 2)).toEqual(block([32, 50, 20], [36, 50, 20]));
  await context.close();
});

test('edits made while the server is away are kept and sent when it is back', async ({ page, context }) => {
  await openFile(page, 'offline.nii', writeNifti(bodyAs('RAS')));
  await take(page, 'brush', 1);
  await context.setOffline(true);
  for (const r of [20, 22]) {
    const place = await placeOf(page, 'axial', [r, 30, 20]);
    await page.mouse.click(place.x, place.y);
  }
  await expect(page.getByTestId('saved')).toHaveAttribute('data-state', 'stuck');
  await expect(page.getByTestId('saved')).toContainText('2 edits');
  await context.setOffline(false);
  await saved(page);
  expect(places(await maskOf(page, 'RAS'))).toEqual(['20,30,20', '22,30,20']);
});

test('a stroke is seen while it is drawn; objects are filled and cleared on a slice', async ({ page }) => {
  await openFile(page, 'live.nii', writeNifti(bodyAs('RAS')));
  await take(page, 'brush', 1);
  await stroke(page, 'axial', [20, 20, 20], [26, 20, 20], [26, 26, 20], [20, 26, 20], [20, 20, 20]);
  await page.getByTestId('edit-scope').getByText('This slice').click();
  await page.getByTestId('edit-fillHoles').click();
  await expect.poll(async () => places(await maskOf(page, 'RAS'))).toEqual(block([20, 20, 20], [26, 26, 20]));
  await page.getByTestId('edit-clearSlice').click();
  await expect.poll(async () => places(await maskOf(page, 'RAS'))).toEqual([]);

  await take(page, 'brush', 7);
  const [from, to] = [await placeOf(page, 'axial', [44, 30, 20]), await placeOf(page, 'axial', [52, 40, 20])];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y);
  await expect
    .poll(async () => {
      const [red, green] = await colourAt(page, { x: from.x + 4, y: from.y + 4 });
      return red - green;
    })
    .toBeGreaterThan(25);
  await page.mouse.up();
  await saved(page);
});
