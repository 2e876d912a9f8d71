// From object to object by key, and the image alone.
import type { Page } from '@playwright/test';
import { paint } from './masks';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { colourAt, openFile, placeOf } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('RAS'));

/** How much redder than green a voxel is shown. */
async function redness(page: Page, place: { x: number; y: number }): Promise<number> {
  const [red, green] = await colourAt(page, place);
  return red - green;
}

test('H takes all masks off the slices and says so; drawing brings them back', async ({ page, request }) => {
  const job = await openFile(page, 'hide.nii', BODY);
  await paint(request, job, [20, 20, 20], [39, 39, 20]);
  const inside = await placeOf(page, 'axial', [28, 28, 20]);
  await expect.poll(() => redness(page, inside)).toBeGreaterThan(25);
  const button = page.getByTestId('masks-hidden');
  await expect(button).toHaveAttribute('aria-pressed', 'false');
  await page.getByTestId('overlay').press('h');
  await expect.poll(() => redness(page, inside)).toBe(0);
  await expect(button).toHaveAttribute('aria-pressed', 'true');
  await expect(button).toHaveText('Masks hidden');
  await page.screenshot({ path: 'test-results/masks-hidden.png' });
  // Another mask does not come through either.
  await paint(request, job, [40, 20, 20], [49, 39, 20]);
  await expect(page.getByTestId('volume-1')).toContainText('3.38');
  expect(await redness(page, inside)).toBe(0);
  await button.click();
  await expect.poll(() => redness(page, inside)).toBeGreaterThan(25);

  await page.getByTestId('overlay').press('h');
  await expect.poll(() => redness(page, inside)).toBe(0);
  await page.getByTestId('tool-brush').click();
  await page.mouse.click(inside.x, inside.y);
  await expect(button).toHaveAttribute('aria-pressed', 'false');
  await expect.poll(() => redness(page, inside)).toBeGreaterThan(25);
});

test('G goes from object to object, to the middle of each', async ({ page, request }) => {
  const job = await openFile(page, 'next.nii', BODY);
  await page.getByTestId('add-object').click();
  await page.getByTestId('add-object').click();
  await expect(page.getByTestId('object-3')).toBeVisible();
  await paint(request, job, [20, 20, 4], [25, 25, 8], 1);
  // Two parts with nothing between them: of 28–30 and 33–36 the slice nearest to the middle, 32, is 33.
  await paint(request, job, [40, 30, 28], [45, 35, 30], 2);
  await paint(request, job, [40, 30, 33], [45, 35, 36], 2);
  await expect(page.getByTestId('volume-2')).toBeVisible();
  const isActive = (value: number): Promise<void> => expect(page.getByTestId(`object-${value}`).getByRole('radio')).toBeChecked();
  const slice = page.getByTestId('slice-axial');
  await page.getByTestId('object-3').getByRole('radio').click();
  await page.getByTestId('overlay').press('g');
  await isActive(1);
  await expect(slice).toHaveText('6 / 39');
  await page.getByTestId('overlay').press('g');
  await isActive(2);
  await expect(slice).toHaveText('33 / 39');
  // The third has no voxels: it is chosen, and the place stays.
  await page.getByTestId('overlay').press('g');
  await isActive(3);
  await expect(slice).toHaveText('33 / 39');
  await page.getByTestId('overlay').press('Shift+G');
  await page.getByTestId('overlay').press('Shift+G');
  await isActive(1);
  await expect(slice).toHaveText('6 / 39');
  // On another plane as well: 20–25 has two middles, the lower one counts.
  await page.getByTestId('overlay').press('2');
  await page.getByTestId('overlay').press('g');
  await expect(page.getByTestId('slice-coronal')).toContainText('32 /');
});
