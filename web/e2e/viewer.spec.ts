// The viewer: layouts, linked crosshair, scale bar, histogram, slider, frames, surfaces, fingers.
import type { Page } from '@playwright/test';
import { readRuns, writeNifti } from './nifti';
import { boxOf, countOf, fitOf, framesOf, longestRun, paneSlice, pixelsOf, placeIn, redBox, type Rgb } from './panes';
import { bodyAs, intensityAt, LESION, RAS_SPACING } from './phantom';
import { colourAt, drag, dragLesion, jobId, openFile, propagate, segment, viewerReady } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('RAS'));
const TEXT: Rgb = [0xe6, 0xed, 0xf3];
const LETTER: Rgb = [0xff, 0xb4, 0x54];

async function layOut(page: Page, key: string, layout: string): Promise<void> {
  await page.getByTestId('overlay').press(key);
  await expect(page.getByTestId('viewer')).toHaveAttribute('data-layout', layout);
}

test('a roomy page starts with three planes, a small one with one', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL, viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  await openFile(page, 'first.nii', BODY);
  await expect(page.getByTestId('viewer')).toHaveAttribute('data-layout', 'main');
  await expect(page.locator('.pane')).toHaveCount(3);
  await page.setViewportSize({ width: 1024, height: 768 });
  await page.reload();
  await expect(page.getByTestId('viewer')).toHaveAttribute('data-layout', 'axial');
  await expect(page.locator('.pane')).toHaveCount(1);
  await context.close();
});

test('a click in one plane moves the crosshair of the others, in every layout of several', async ({ page }) => {
  await openFile(page, 'linked.nii', BODY);
  for (const [key, layout] of [['5', 'main'], ['4', 'grid']] as const) {
    await layOut(page, key, layout);
    // In two by two all planes share the smallest scale; there the pane's own is asked of the axial one only.
    if (layout === 'main') {
      const axial = await placeIn(page, 'axial', [50, 22, 0]);
      await page.mouse.click(axial.x, axial.y);
      expect([await paneSlice(page, 'sagittal'), await paneSlice(page, 'coronal')]).toEqual([50, 22]);
      const sagittal = await placeIn(page, 'sagittal', [0, 41, 9]);
      await page.mouse.click(sagittal.x, sagittal.y);
      expect([await paneSlice(page, 'axial'), await paneSlice(page, 'coronal'), await paneSlice(page, 'sagittal')]).toEqual([9, 41, 50]);
      await expect(page.getByTestId('slider-sagittal')).toBeVisible();
    }
    await page.getByTestId('pane-slider-coronal').getByRole('slider').press('Home');
    expect(await paneSlice(page, 'coronal')).toBe(0);
    await page.getByTestId('pane-slider-coronal').getByRole('slider').press('PageUp');
    expect(await paneSlice(page, 'coronal')).toBe(10);
    await page.screenshot({ path: `test-results/viewer-${layout}.png` });
  }
});

test('two clicks make a small pane the large one, then the only one, and back; so does its button', async ({ page }) => {
  await openFile(page, 'enlarge.nii', BODY);
  await layOut(page, '5', 'main');
  const before = await boxOf(page.getByTestId('pane-axial'));
  const coronal = await boxOf(page.getByTestId('pane-coronal'));
  await page.mouse.dblclick(coronal.x + coronal.width / 2, coronal.y + coronal.height / 2);
  expect(await boxOf(page.getByTestId('pane-coronal'))).toEqual(before);
  await page.mouse.dblclick(before.x + before.width / 2, before.y + before.height / 2);
  await expect(page.getByTestId('viewer')).toHaveAttribute('data-layout', 'coronal');
  await expect(page.getByTestId('pane-axial')).toHaveCount(0);
  await page.getByTestId('enlarge-coronal').click();
  await expect(page.getByTestId('viewer')).toHaveAttribute('data-layout', 'main');
  await page.getByTestId('enlarge-axial').click();
  expect(await boxOf(page.getByTestId('pane-axial'))).toEqual(before);
  await page.reload();
  await viewerReady(page);
  expect(await boxOf(page.getByTestId('pane-axial'))).toEqual(before);
});

test('what is seen in a small pane lies where its voxels are', async ({ page }) => {
  await openFile(page, 'small-pane.nii', BODY);
  await layOut(page, '5', 'main');
  const [r, a, s] = LESION.centre;
  // Inside the lesion and outside it in the body, beside the crosshair's lines; the window is −160 to 240.
  for (const [plane, inside, outside] of [
    ['coronal', [r - 5, a, s - 2], [r - 12, a, s - 2]],
    ['sagittal', [36, a - 2, s - 1], [36, a - 9, s - 1]],
  ] as const) {
    const [bright, dim] = [await placeIn(page, plane, inside), await placeIn(page, plane, outside)];
    expect((await colourAt(page, bright))[0], plane).toBeGreaterThan((await colourAt(page, dim))[0] + 30);
    await page.mouse.move(bright.x, bright.y);
    await expect(page.getByTestId('readout-voxel'), plane).toHaveText(plane === 'coronal' ? `${inside[0]}, 30, ${inside[2]}` : `36, ${inside[1]}, ${inside[2]}`);
  }
});

test('the scale bar is as long as it says, at every magnification', async ({ page }) => {
  await openFile(page, 'scale.nii', BODY);
  const overlay = page.getByTestId('overlay');
  const box = await boxOf(overlay);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  for (const zoom of [1, 2.5, 9]) {
    await page.getByTestId('fit').click();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.keyboard.down('Control');
    // Wheel turns magnify by e to the power of pixels over 400.
    if (zoom > 1) await page.mouse.wheel(0, -400 * Math.log(zoom));
    await page.keyboard.up('Control');
    const pixelsPerMm = fitOf(box, 'axial') * zoom;
    const most = Math.min(box.width * 0.3, 160) / pixelsPerMm;
    const mm = Math.max(...[-1, 0, 1, 2].flatMap((power) => [1, 2, 5].map((it) => it * 10 ** power)).filter((it) => it <= most));
    await expect
      .poll(async () => Math.abs(longestRun(await pixelsOf(overlay), TEXT) - mm * pixelsPerMm), { message: `zoom ${zoom}` })
      .toBeLessThanOrEqual(1);
  }
});

test('letters and facts can be switched off', async ({ page }) => {
  await openFile(page, 'letters.nii', BODY);
  const overlay = page.getByTestId('overlay');
  const is = (color: Rgb) => (rgb: Rgb) => rgb.every((value, at) => value === color[at]);
  const letters = async (): Promise<number> => countOf(await pixelsOf(overlay), is(LETTER));
  const facts = async (): Promise<number> => countOf(await pixelsOf(overlay), is(TEXT));
  expect(await letters()).toBeGreaterThan(50);
  const before = await facts();
  await page.getByTestId('display').click();
  await page.getByTestId('letters').click({ force: true });
  await expect.poll(letters).toBe(0);
  await page.getByTestId('annotations').click({ force: true });
  await expect.poll(facts).toBeLessThan(before / 2);
  await page.getByTestId('letters').click({ force: true });
  await page.getByTestId('annotations').click({ force: true });
  await expect.poll(facts).toBe(before);
});

test('the window’s sides are dragged on the histogram', async ({ page }) => {
  await openFile(page, 'histogram.nii', BODY);
  await page.getByTestId('histogram-open').click();
  const plot = page.getByTestId('histogram');
  await expect(plot).toHaveAttribute('data-ready', 'true');
  await expect(page.getByTestId('histogram-high')).toHaveAttribute('aria-valuenow', '240');
  await expect.poll(async () => (await plot.boundingBox())?.width).toBeGreaterThan(200);
  const box = await boxOf(plot);
  const handle = page.getByTestId('histogram-high');
  const [low, high] = [Number(await handle.getAttribute('aria-valuemin')), Number(await handle.getAttribute('aria-valuemax'))];
  const at = (value: number): { x: number; y: number } => ({ x: box.x + (box.width * (value - low)) / (high - low), y: box.y + box.height - 4 });
  await drag(page, at(240), at(100));
  const perPixel = (high - low) / box.width;
  const now = async (id: string): Promise<number> => Number(await page.getByTestId(id).inputValue());
  expect(Math.abs((await now('window-high')) - 100)).toBeLessThanOrEqual(perPixel + 0.5);
  expect(await now('window-low')).toBe(-160);
  const middle = (await now('window-high')) / 2 - 80;
  await drag(page, { ...at(middle), y: box.y + 10 }, { ...at(middle + 60), y: box.y + 10 });
  expect(Math.abs((await now('window-low')) + 100)).toBeLessThanOrEqual(2 * perPixel + 1);
  await page.getByTestId('preset-lung').click();
  expect([await now('window-low'), await now('window-high')]).toEqual([-1350, 150]);
  await page.getByTestId('histogram-low').press('ArrowRight');
  expect(await now('window-low')).toBeGreaterThan(-1350);
  await page.screenshot({ path: 'test-results/histogram.png' });
});

test('the slider shows where the object is, which slices are marked, and the range apart from the slice', async ({ page }) => {
  await openFile(page, 'slider.nii', BODY);
  const tracks = await boxOf(page.getByTestId('overlay'));
  await dragLesion(page, 'axial', 1);
  await segment(page);
  await propagate(page);
  const { shape, voxels } = readRuns(await (await page.request.get(`/api/v1/jobs/${jobId(page)}/mask`)).body());
  const held = Array.from({ length: shape[2] }, (_, k) => voxels.subarray(k * shape[0] * shape[1], (k + 1) * shape[0] * shape[1]).some((label) => label !== 0));
  const extent = page.getByTestId('slider-axial').getByTestId('extent');
  await expect(extent).toHaveAttribute('data-first', String(held.indexOf(true)));
  await expect(extent).toHaveAttribute('data-last', String(held.lastIndexOf(true)));
  await expect(page.getByTestId('slider-axial').getByTestId('slice-mark')).toHaveAttribute('data-mark', 'prompted');
  const slice = page.getByTestId('slider-axial').getByRole('slider', { name: 'Axial slice' });
  const rail = await boxOf(page.locator('.slice-track-large'));
  await page.mouse.click(rail.x + (rail.width * 5) / 39, rail.y + 5);
  await expect(slice).toHaveAttribute('aria-valuenow', '5');
  const first = page.getByTestId('range').getByRole('slider').first();
  const range = await boxOf(page.getByTestId('range'));
  await drag(page, { x: range.x, y: range.y + 8 }, { x: range.x + (range.width * 12) / 39, y: range.y + 8 });
  await expect(first).toHaveAttribute('aria-valuenow', '12');
  await expect(slice).toHaveAttribute('aria-valuenow', '5');
  expect(await boxOf(page.getByTestId('overlay'))).toEqual(tracks);
});

test('another frame shows other intensities, and its read-out follows', async ({ page }) => {
  const body = bodyAs('RAS');
  const later = Int16Array.from(body.voxels, (value) => value + 300);
  await openFile(page, 'frames.nii', framesOf(BODY, [body.voxels as Int16Array, later]));
  const centre = await placeIn(page, 'axial', LESION.centre);
  await page.mouse.move(centre.x, centre.y);
  const intensity = intensityAt(LESION.centre);
  await expect(page.getByTestId('readout-intensity')).toHaveText(String(intensity));
  const grey = async (): Promise<number> => (await colourAt(page, { x: centre.x + 20, y: centre.y + 20 }))[0];
  expect(await grey()).toBeLessThan(230);
  await page.keyboard.press('.');
  await expect(page.getByTestId('frame')).toHaveText('1 / 1');
  await expect(page.getByTestId('readout-intensity')).toHaveText(String(intensity + 300));
  await expect.poll(grey).toBe(255);
  // What is segmented is the frame that is seen.
  const asked = page.waitForRequest((request) => request.url().endsWith('/initial-mask'));
  await dragLesion(page, 'axial', 1);
  expect((await asked).postDataJSON()).toMatchObject({ frame: 1 });
  await page.getByTestId('frame-slider').getByRole('slider').press('Home');
  await page.mouse.move(centre.x, centre.y);
  await expect(page.getByTestId('readout-intensity')).toHaveText(String(intensity));
});

test('the object is seen in three dimensions, turned and put back', async ({ page }) => {
  await openFile(page, 'surface.nii', BODY);
  await layOut(page, '4', 'grid');
  await expect(page.getByTestId('surface-note')).toContainText('No surface yet');
  await layOut(page, '1', 'axial');
  await dragLesion(page, 'axial', 1);
  await segment(page);
  await propagate(page);
  await layOut(page, '4', 'grid');
  const surface = page.getByTestId('surface');
  await expect(surface).toHaveAttribute('data-objects', '1');
  const picture = surface.locator('canvas');
  const red = async (): Promise<readonly number[]> => redBox(await pixelsOf(picture));
  await expect.poll(async () => (await red())[1]).toBeGreaterThan(0);
  await page.getByRole('button', { name: 'From the front' }).click();
  // 18 voxels of 1.5 mm across, 12 of 2.5 mm high, and the engine's mask is within a voxel or two of that.
  const [left = 0, right = 0, top = 0, bottom = 0] = await red();
  const seen = (right - left) / (bottom - top);
  const [rr, , rs] = LESION.radii;
  expect(seen).toBeGreaterThan(((2 * rr - 2) * RAS_SPACING[0]) / ((2 * rs + 3) * RAS_SPACING[2]));
  expect(seen).toBeLessThan(((2 * rr + 3) * RAS_SPACING[0]) / ((2 * rs - 2) * RAS_SPACING[2]));
  const hash = async (): Promise<string> => (await pixelsOf(picture)).data.toString('base64');
  const front = await hash();
  const pane = await boxOf(page.getByTestId('pane-surface'));
  await drag(page, { x: pane.x + 150, y: pane.y + 120 }, { x: pane.x + 240, y: pane.y + 150 });
  const turned = await hash();
  expect(turned === front).toBe(false);
  await page.getByTestId('surface-marks').press('ArrowLeft');
  expect((await hash()) === turned).toBe(false);
  await page.getByRole('button', { name: 'From the front' }).click();
  expect((await hash()) === front).toBe(true);
  await page.mouse.move(pane.x + 200, pane.y + 120);
  await page.mouse.wheel(0, -300);
  await expect.poll(async () => (await red())[1]).toBeGreaterThan(right);
  await page.screenshot({ path: 'test-results/surface.png' });
  await page.getByTestId('visible-1').click();
  await expect(surface).toHaveAttribute('data-objects', '0');
});
