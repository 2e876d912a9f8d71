// Prompts on all planes, by mouse and by number; points, absent slices, objects; what can go wrong.
import { writeNifti } from './nifti';
import { bodyAs, LESION, RAS_SHAPE } from './phantom';
import { boxNumbers, colourAt, drag, dragLesion, expectState, jobId, openFile, openTab, placeOf, propagate, segment, viewerReady } from './screen';
import { expect, test } from './server';

interface Stored {
  prompts: { axis: number; slice_index: number; label: number; box?: number[]; points?: { x: number; y: number; positive: boolean }[]; absent?: boolean }[];
  labels: { value: number; name: string }[];
}

const BODY = writeNifti(bodyAs('RAS'));

test('a box on each plane goes to the right stored axis and slice', async ({ page }) => {
  await openFile(page, 'planes.nii', BODY);
  const planes = [
    { key: '1', plane: 'axial', axis: 2, slice: 20, across: 0, up: 1 },
    { key: '2', plane: 'coronal', axis: 1, slice: 30, across: 0, up: 2 },
    { key: '3', plane: 'sagittal', axis: 0, slice: 44, across: 1, up: 2 },
  ] as const;
  for (const { key, plane, axis, slice, across, up } of planes) {
    await page.getByTestId('overlay').press(key);
    await expect(page.getByTestId(`slice-${plane}`)).toContainText(`${slice} /`);
    await dragLesion(page, plane);
    const side = (at: 0 | 1 | 2, sign: number): number => LESION.centre[at] + sign * LESION.radii[at];
    expect(await boxNumbers(page)).toEqual([side(across, -1), side(up, -1), side(across, 1), side(up, 1)]);
    await segment(page);
    const { prompts } = (await (await page.request.get(`/api/v1/jobs/${jobId(page)}`)).json()) as Stored;
    expect(prompts.find((prompt) => prompt.axis === axis)).toMatchObject({ slice_index: slice, label: 1 });
  }
  await page.getByTestId('overlay').press('4');
  await expect(page.getByTestId('pane-slider-coronal')).toBeVisible();
  await page.screenshot({ path: 'test-results/three-planes.png' });
  await page.getByTestId('overlay').press('1');
});

test('box and numbers stay in step, handles resize, a tiny box warns, another slice hides it', async ({ page }) => {
  await openFile(page, 'numbers.nii', BODY);
  await dragLesion(page, 'axial');
  await page.getByTestId('box-x1').fill('30');
  await page.getByTestId('box-x1').press('Enter');
  const [, y1, x2, y2] = await boxNumbers(page);
  // The left edge moved on the screen as well: its handle is where voxel 30's outer side is.
  const handle = await placeOf(page, 'axial', [29.5, ((y1 ?? 0) + (y2 ?? 0)) / 2, 20]);
  const to = await placeOf(page, 'axial', [26.5, ((y1 ?? 0) + (y2 ?? 0)) / 2, 20]);
  await drag(page, handle, to);
  expect(await boxNumbers(page)).toEqual([27, y1, x2, y2]);
  await page.getByTestId('box-y2').fill('500');
  await page.getByTestId('box-y2').blur();
  expect((await boxNumbers(page))[3]).toBe(RAS_SHAPE[1] - 1);
  await expect
    .poll(async () => ((await (await page.request.get(`/api/v1/jobs/${jobId(page)}`)).json()) as Stored).prompts[0]?.box)
    .toEqual([27, y1, x2, RAS_SHAPE[1] - 1]);

  await page.getByTestId('overlay').press('ArrowUp');
  await expect(page.getByTestId('box-fields')).toHaveCount(0);
  await page.getByTestId('overlay').press('ArrowDown');
  await expect(page.getByTestId('box-fields')).toBeVisible();

  await page.getByTestId('remove-box').click();
  await expect(page.getByTestId('prompt-row')).toHaveCount(0);
  await drag(page, await placeOf(page, 'axial', [40, 30, 20]), await placeOf(page, 'axial', [38, 28, 20]));
  await expect(page.getByTestId('hint-small')).toBeVisible();
});

test('points can be set and removed; wheel, slider and keys change the slice', async ({ page }) => {
  await openFile(page, 'points.nii', BODY);
  const centre = await placeOf(page, 'axial', [...LESION.centre]);
  await page.getByTestId('overlay').press('p');
  await page.mouse.click(centre.x, centre.y);
  await page.getByTestId('overlay').press('n');
  const outside = await placeOf(page, 'axial', [20, 30, 20]);
  await page.mouse.click(outside.x, outside.y);
  await expect(page.getByTestId('points').getByRole('listitem')).toHaveCount(2);
  await segment(page);
  await page.mouse.click(outside.x, outside.y);
  await expect(page.getByTestId('points').getByRole('listitem')).toHaveCount(1);

  await page.mouse.wheel(0, 100);
  await expect(page.getByTestId('slice-axial')).toContainText('19 /');
  await page.getByTestId('overlay').press('Shift+ArrowUp');
  await expect(page.getByTestId('slice-axial')).toContainText('29 /');
  await page.getByTestId('overlay').press('End');
  await expect(page.getByTestId('slice-axial')).toContainText('39 /');
  await page.getByTestId('slider-axial').getByRole('slider').first().press('Home');
  await expect(page.getByTestId('slice-axial')).toContainText('0 /');
});

test('the whole prompt can be made by keyboard', async ({ page }) => {
  await openFile(page, 'keyboard.nii', BODY);
  const overlay = page.getByTestId('overlay');
  await expect(page.getByTestId('readout-voxel')).toHaveText('36, 30, 20');
  // In radiological convention the left of the screen is the patient's right, where i rises here.
  for (let step = 0; step < 8; step++) await overlay.press('Alt+ArrowLeft');
  await overlay.press('Alt+ArrowDown');
  await expect(page.getByTestId('readout-voxel')).toHaveText('44, 29, 20');
  await overlay.press('m');
  await expect(page.getByTestId('points')).toContainText('44, 29');
  await page.getByTestId('start-box').press('Enter');
  await page.getByTestId('box-x1').fill('34');
  await page.getByTestId('box-y1').fill('21');
  await page.getByTestId('box-x2').fill('54');
  await page.getByTestId('box-y2').fill('39');
  await page.getByTestId('box-y2').press('Tab');
  await overlay.press('Enter');
  await expectState(page, 'segmented');
  expect(await boxNumbers(page)).toEqual([34, 21, 54, 39]);
});

test('an absent slice stays empty in the next propagation', async ({ page }) => {
  await openFile(page, 'absent.nii', BODY);
  await dragLesion(page, 'axial', 1);
  await segment(page);
  for (let step = 0; step < 3; step++) await page.getByTestId('overlay').press('ArrowUp');
  await page.getByTestId('mark-absent').click();
  await expect(page.getByTestId('absent-note')).toBeVisible();
  await propagate(page);
  await openTab(page, 'review');
  await expect(page.getByTestId('download-2d')).toHaveAttribute('aria-disabled', 'true');
  await page.getByTestId('overlay').press('ArrowDown');
  await page.getByTestId('overlay').press('ArrowDown');
  await expect(page.getByTestId('download-2d')).toHaveAttribute('href', /axis=2&slice_index=21/);
});

test('a slice without a mask shows none: after scrolling past the end of the object, and once it is absent', async ({ page }) => {
  await openFile(page, 'end.nii', BODY);
  await dragLesion(page, 'axial', 1);
  await segment(page);
  await propagate(page);
  const [r, a] = LESION.centre;
  const isRed = async (): Promise<boolean> => {
    const [red, green] = await colourAt(page, await placeOf(page, 'axial', [r - 3, a - 3, LESION.centre[2]]));
    return red > green + 25;
  };
  await expect.poll(isRed).toBe(true);
  const overlay = page.getByTestId('overlay');
  for (let step = 0; step < LESION.radii[2] + 3; step++) await overlay.press('ArrowUp');
  await expect(page.getByTestId('readout-label')).toHaveText('none');
  await expect.poll(isRed).toBe(false);
  for (let step = 0; step < LESION.radii[2] + 1; step++) await overlay.press('ArrowDown');
  await expect.poll(isRed).toBe(true);
  await page.getByTestId('mark-absent').click();
  await expect(page.getByTestId('absent-note')).toBeVisible();
  await expect.poll(isRed).toBe(false);
});

test('several objects keep their names, colours and masks', async ({ page }) => {
  await openFile(page, 'objects.nii', BODY);
  await dragLesion(page, 'axial', 1);
  await segment(page);
  await page.getByTestId('add-object').click();
  await page.getByTestId('rename-2').click();
  const name = page.getByTestId('object-2').getByRole('textbox', { name: 'Name of object 2' });
  await name.fill('Second');
  await name.press('Enter');
  await expect(page.getByTestId('box-fields')).toHaveCount(0);
  await drag(page, await placeOf(page, 'axial', [30, 40, 20]), await placeOf(page, 'axial', [16, 26, 20]));
  await page.getByTestId('segment').click();
  await expect(page.getByTestId('volume-2')).toBeVisible();
  await expect(page.getByTestId('volume-1')).toBeVisible();
  await page.reload();
  await viewerReady(page);
  await expect(page.getByTestId('name-2')).toHaveText('Second');
  await expect(page.getByTestId('volume-2')).toBeVisible();
  await page.screenshot({ path: 'test-results/two-objects.png' });
});

test('a propagation keeps to its range', async ({ page }) => {
  await openFile(page, 'range.nii', BODY);
  await dragLesion(page, 'axial', 1);
  await segment(page);
  const [first, last] = [page.getByTestId('range').getByRole('slider').first(), page.getByTestId('range').getByRole('slider').last()];
  for (let step = 0; step < 18; step++) await first.press('ArrowRight');
  for (let step = 0; step < 17; step++) await last.press('ArrowLeft');
  await expect(page.getByTestId('range-words')).toContainText('18–22');
  await propagate(page);
  const job = (await (await page.request.get(`/api/v1/jobs/${jobId(page)}`)).json()) as { head_revision: { slices?: { slice_index: number }[] } };
  const slices = (job.head_revision.slices ?? []).map((slice) => slice.slice_index);
  expect(Math.min(...slices)).toBeGreaterThanOrEqual(18);
  expect(Math.max(...slices)).toBeLessThanOrEqual(22);
  await expectState(page, 'completed');
});
