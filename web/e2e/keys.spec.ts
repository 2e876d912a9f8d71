// Keys work whatever the mouse used last; a control keeps only those that it uses itself.
import type { Locator, Page } from '@playwright/test';
import { jobOf, nextMask } from './masks';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { drag, dragLesion, openFile } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('RAS'));

async function dragHandle(page: Page, name: RegExp, dx: number): Promise<void> {
  const box = await page.getByRole('slider', { name }).first().boundingBox();
  if (box === null) throw new Error('no handle');
  const from = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  await drag(page, from, { x: from.x + dx, y: from.y });
}

/** The keys of the tools, one after the other. */
async function expectTools(page: Page, after: string): Promise<void> {
  for (const [key, tool] of [['b', 'box'], ['r', 'brush'], ['x', 'scissors'], ['v', 'navigate']] as const) {
    await page.keyboard.press(key);
    await expect(page.getByTestId(`tool-${tool}`), `${key} after ${after}`).toHaveAttribute('aria-pressed', 'true');
  }
}

test('tools are taken by their keys, whatever the mouse used last', async ({ page, request }) => {
  const job = await openFile(page, 'after-mouse.nii', BODY);
  await page.getByTestId('add-object').click();
  await page.getByTestId('object-1').getByRole('radio').click();
  await dragLesion(page, 'axial', 1);
  const mask = await nextMask(request, job, null);
  expect(mask).not.toBeNull();

  await dragHandle(page, /Axial/, 40);
  await expectTools(page, 'the slice handle');
  await dragHandle(page, /range|first|start/i, 60);
  await expectTools(page, 'a bracket of the range');
  await page.getByTestId('layout').locator('label').nth(1).click();
  await expectTools(page, 'a layout');
  await page.getByTestId('layout').locator('label').first().click();
  await page.getByTestId('object-2').getByRole('radio').click();
  await expectTools(page, 'an object');
  // The arrows are the image's: the object stays.
  const slice = await page.getByTestId('slice-axial').textContent();
  await page.keyboard.press('ArrowUp');
  await expect(page.getByTestId('slice-axial')).not.toHaveText(slice ?? '');
  await expect(page.getByTestId('object-2').getByRole('radio')).toBeChecked();
  await page.getByTestId('object-1').getByRole('radio').click();
  await page.getByRole('switch').first().click({ force: true });
  await expectTools(page, 'a switch');
  await page.getByTestId('window-preset').click();
  await page.getByRole('listbox').getByRole('option').nth(1).click();
  await expectTools(page, 'a preset');
  await page.getByTestId('window-low').click();
  await page.getByTestId('window-low').fill('-100');
  await page.keyboard.press('Enter');
  await expectTools(page, 'a number of the window');
  await expect(page.getByTestId('window-low')).toHaveValue('-100');

  await dragHandle(page, /range|first|start/i, 30);
  await page.keyboard.press('Shift+Enter');
  await expect.poll(async () => (await jobOf(request, job)).head_revision?.action).toBe('propagate');
});

test('a control keeps the keys that it uses, and text is typed', async ({ page }) => {
  await openFile(page, 'own-keys.nii', BODY);
  const slice = page.getByTestId('slice-axial');
  const before = await slice.textContent();
  const radio = page.getByTestId('layout').getByRole('radio').first();
  await radio.focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByTestId('layout').getByRole('radio').nth(1)).toBeChecked();
  await page.keyboard.press('ArrowLeft');
  await expect(radio).toBeChecked();
  await expect(slice).toHaveText(before ?? '');
  await page.keyboard.press('b');
  await expect(page.getByTestId('tool-box')).toHaveAttribute('aria-pressed', 'true');
  await page.getByTestId('tab-history').focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByTestId('tab-review')).toBeFocused();
  await expect(slice).toHaveText(before ?? '');
  // A name is text: its letters are no keys.
  await page.getByTestId('tab-review').press('Enter');
  const comment = page.getByRole('textbox', { name: /comment/i }).first();
  await comment.focus();
  await page.keyboard.type('xrvb');
  await expect(comment).toHaveValue('xrvb');
  await expect(page.getByTestId('tool-box')).toHaveAttribute('aria-pressed', 'true');
});

test('an object is chosen by a click on its row, and its name is typed only when that is wanted', async ({ page, request }) => {
  const job = await openFile(page, 'row.nii', BODY);
  await page.getByTestId('add-object').click();
  const name = (value: number): Locator => page.getByTestId(`name-${value}`);
  const field = page.getByRole('textbox', { name: 'Name of object 1' });
  const stored = async (): Promise<readonly string[]> => {
    const { labels } = (await (await request.get(`/api/v1/jobs/${job}`)).json()) as { labels: { name: string }[] };
    return labels.map((label) => label.name);
  };
  await name(1).click();
  await expect(page.getByTestId('object-1').getByRole('radio')).toBeChecked();
  await expectTools(page, 'the name of an object');
  await page.getByTestId('object-2').click({ position: { x: 120, y: 33 } });
  await expect(page.getByTestId('object-2').getByRole('radio')).toBeChecked();
  await expect(field).toHaveCount(0);

  await name(1).dblclick();
  await expect(field).toBeFocused();
  await page.keyboard.type('Liver');
  await page.keyboard.press('Escape');
  await expect(name(1)).toHaveText('Object 1');
  await expect(name(1)).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.type('Liver');
  await page.keyboard.press('Enter');
  await expect(name(1)).toHaveText('Liver');
  await expect.poll(stored).toEqual(['Liver', 'Object 2']);
  // A name of nothing is none: the one before stays, here and there.
  await page.getByTestId('rename-1').click();
  await field.fill('   ');
  await field.press('Enter');
  await expect(name(1)).toHaveText('Liver');
  await page.getByTestId('rename-1').click();
  await field.fill('Left lobe');
  await page.getByTestId('overlay').click({ position: { x: 5, y: 5 } });
  await expect(name(1)).toHaveText('Left lobe');
  await expect.poll(stored).toEqual(['Left lobe', 'Object 2']);
  await page.screenshot({ path: 'test-results/objects.png' });
});
