// What a person does in a moment when it cannot work is remembered, or told where they look.
import { call, claim, fail } from './agent';
import { finish } from './agent_masks';
import { jobOf, nextMask, paint } from './masks';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { boxNumbers, dragLesion, openFile, placeOf, viewerReady } from './screen';
import { expect, test, withoutAgent } from './server';

const BODY = writeNifti(bodyAs('RAS'));
const SLICE = 20;

test('a stroke that may change nothing says why at the tool, and once', async ({ page, request }) => {
  const job = await openFile(page, 'hindered.nii', BODY);
  await paint(request, job, [20, 20, SLICE], [26, 26, SLICE], 1);
  await page.getByTestId('add-object').click();
  await expect(page.getByTestId('volume-1')).toBeVisible();
  await page.getByTestId('name-2').click();
  const click = async (): Promise<void> => {
    const { x, y } = await placeOf(page, 'axial', [23, 23, SLICE]);
    await page.mouse.click(x, y);
  };
  const word = page.getByTestId('tool-word');
  await page.getByTestId('tool-brush').click();
  await page.getByTestId('brush-size').fill('1');
  await click();
  await expect(word).toHaveText('Another object is here. Choose “Over: all but locked objects” to paint over it.');
  await click();
  await expect(word).toHaveCount(1);
  await page.screenshot({ path: 'test-results/tool-word.png' });
  await page.getByTestId('tool-eraser').click();
  await expect(word).toHaveCount(0);
  await click();
  await expect(word).toContainText('to erase it');
  await page.getByTestId('tool-threshold').click();
  await page.getByTestId('paint-over').selectOption('unlocked');
  await page.getByTestId('threshold-mode').selectOption('typed');
  await page.getByTestId('threshold-low').fill('900');
  await page.getByTestId('threshold-high').fill('1000');
  await click();
  await expect(word).toContainText('range of intensities');
  await expect(page.getByTestId('notice-plain')).toHaveCount(0);
  // A stroke that changes something takes it back.
  await page.getByTestId('tool-brush').click();
  await click();
  await expect(word).toHaveCount(0);
  await expect.poll(async () => (await jobOf(request, job)).head_revision?.action).toBe('paint');
  await expect(page.getByTestId('saved')).toHaveAttribute('data-state', 'saved');
});

test.describe('with an agent by hand', () => {
  withoutAgent();

  test('Shift+Enter before the mask has arrived goes on when it has; without marks it says why not', async ({ page, request, server }) => {
    const job = await openFile(page, 'early.nii', BODY);
    await page.getByTestId('overlay').press('Shift+Enter');
    await expect(page.getByTestId('notice-plain')).toContainText('Segment a slice of this object first');
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(/\/mask\?/, async (route) => {
      await held;
      await route.continue();
    });
    await dragLesion(page, 'axial', 1);
    await finish(server, await claim(server), [SLICE], null);
    await nextMask(request, job, null);
    await expect(page.getByTestId('thinking')).toHaveCount(0);
    await expect(page.getByTestId('volume-1')).toHaveCount(0);
    await page.getByTestId('overlay').press('Shift+Enter');
    release();
    await expect.poll(async () => (await jobOf(request, job)).task?.kind).toBe('propagate');
    await fail(server, await claim(server));
  });

  test('after a reload, undo stops the task that this window asked for', async ({ page, request, server }) => {
    const job = await openFile(page, 'own.nii', BODY);
    await dragLesion(page, 'axial', 1);
    await finish(server, await claim(server), [SLICE], null);
    await nextMask(request, job, null);
    await expect(page.getByTestId('thinking')).toHaveCount(0);
    const before = await boxNumbers(page);
    const { head } = await jobOf(request, job);
    await page.getByTestId('box-x1').fill('20');
    await page.getByTestId('box-x1').press('Enter');
    await expect.poll(async () => (await jobOf(request, job)).task?.kind).toBe('segment_slice');
    const { task } = await jobOf(request, job);
    await page.reload();
    await viewerReady(page);
    await expect(page.getByTestId('thinking')).toBeVisible();
    await page.getByTestId('undo').click();
    await expect.poll(async () => (await call<{ state: string }>(server, 'GET', `/api/v1/tasks/${task?.task_id ?? ''}`)).state).toBe('cancelled');
    expect(await boxNumbers(page)).toEqual(before);
    await expect.poll(async () => (await jobOf(request, job)).prompts[0]?.box).toEqual(before);
    expect((await jobOf(request, job)).head).toBe(head);
  });
});
