// Carrying a mask through the volume and what a person does about it: exact voxels by the API, exact pixels on the page.
import type { Page } from '@playwright/test';
import { beat, call, claim, deliver, type Lease } from './agent';
import { finish, slab } from './agent_masks';
import { count, jobOf, maskOf, nextMask, paint, slicesWith, sliceOf } from './masks';
import { writeNifti } from './nifti';
import { boxOf } from './panes';
import { bodyAs, dice, lesionMask } from './phantom';
import { pixelsOf, type Pixel } from './png';
import { colourAt, dragLesion, expectState, openFile, openTab, placeOf } from './screen';
import { expect, test, withoutAgent, type Server } from './server';

const BODY = writeNifti(bodyAs('RAS'));
const SLICE = 20;

async function press(page: Page, key: string, times = 1): Promise<void> {
  for (let n = 0; n < times; n++) await page.getByTestId('overlay').press(key);
}

/** A box around the lesion, its mask, and the propagation of it. */
async function propagated(page: Page, job: string): Promise<void> {
  await dragLesion(page, 'axial', 1);
  await nextMask(page.request, job, null);
  await press(page, 'Shift+Enter');
  await expectState(page, 'completed');
  await expect(page.getByTestId('result-bar')).toBeVisible();
}

async function toSlice(page: Page, slice: number): Promise<void> {
  const steps = slice - Number((await page.getByTestId('slice-axial').textContent())?.split('/')[0]);
  await press(page, steps > 0 ? 'ArrowUp' : 'ArrowDown', Math.abs(steps));
  await expect(page.getByTestId('slice-axial')).toContainText(`${slice} /`);
}

test('three gestures: a box, one key to propagate, one key to accept', async ({ page, request }) => {
  const job = await openFile(page, 'gestures.nii', BODY);
  await page.getByTestId('tool-box').click();
  const before = await boxOf(page.getByTestId('viewer'));
  // One. Nobody waits for the slice: the propagation does.
  await dragLesion(page, 'axial', 1);
  // Two.
  await press(page, 'Shift+Enter');
  await expect(page.getByTestId('result-bar')).toBeVisible();
  // It covers nothing of the picture, and the picture does not move for it.
  const [bar, slices] = [await boxOf(page.getByTestId('result-bar')), await boxOf(page.getByTestId('viewer'))];
  expect(bar.x).toBeGreaterThanOrEqual(slices.x + slices.width);
  expect(slices).toEqual(before);
  await page.screenshot({ path: 'test-results/result-bar.png' });
  // Three.
  await press(page, 'Control+Enter');
  await expect.poll(async () => (await jobOf(request, job)).review.state).toBe('accepted');
  await expect(page.getByTestId('result-bar')).toHaveCount(0);
  const mask = await maskOf(request, job);
  expect(dice(mask?.voxels ?? new Uint8Array(), lesionMask())).toBeGreaterThan(0.9);
});

test('slices that are segmented but not confirmed are confirmed by one click, and filled in between', async ({ page, request }) => {
  const job = await openFile(page, 'between.nii', BODY);
  await toSlice(page, SLICE - 4);
  await dragLesion(page, 'axial', 1);
  await nextMask(request, job, null);
  const { head } = await jobOf(request, job);
  await toSlice(page, SLICE + 4);
  await dragLesion(page, 'axial', 1);
  await nextMask(request, job, head);
  await press(page, 'i');
  await expect(page.getByTestId('notice-plain')).toContainText('2 slices');
  await page.getByTestId('notice-action').click();
  await expect.poll(async () => (await jobOf(request, job)).head_revision?.action).toBe('interpolate');
  const filled = slicesWith((await maskOf(request, job)) ?? { shape: [0, 0, 0], voxels: new Uint8Array() });
  expect(filled).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24]);
  await expect(page.getByTestId('notice-action')).toHaveCount(0);
});

test('the range handles bound the mask exactly, and forward leaves lower slices empty', async ({ page, request }) => {
  const job = await openFile(page, 'bounds.nii', BODY);
  await dragLesion(page, 'axial', 1);
  await nextMask(request, job, null);
  const [first, last] = [page.getByTestId('range').getByRole('slider').first(), page.getByTestId('range').getByRole('slider').last()];
  for (let step = 0; step < 18; step++) await first.press('ArrowRight');
  for (let step = 0; step < 17; step++) await last.press('ArrowLeft');
  await page.getByTestId('propagate').click();
  await expectState(page, 'completed');
  expect(slicesWith((await maskOf(request, job)) ?? { shape: [0, 0, 0], voxels: new Uint8Array() })).toEqual([18, 19, 20, 21, 22]);

  const other = await openFile(page, 'forward.nii', BODY);
  await dragLesion(page, 'axial', 1);
  await nextMask(request, other, null);
  await page.getByTestId('direction').getByText('Forward').click();
  await page.getByTestId('propagate').click();
  await expectState(page, 'completed');
  const slices = slicesWith((await maskOf(request, other)) ?? { shape: [0, 0, 0], voxels: new Uint8Array() });
  expect(slices[0]).toBe(SLICE);
  expect(slices.length).toBeGreaterThan(3);
});

test('solving again keeps a confirmed slice bit for bit and an absent one empty', async ({ page, request }) => {
  const job = await openFile(page, 'again.nii', BODY);
  await propagated(page, job);
  // A shape that no engine would find, drawn by another program, and vouched for here.
  await paint(request, job, [50, 26, 17], [57, 40, 17]);
  await toSlice(page, 17);
  await expect(page.getByTestId('result-bar')).toHaveAttribute('data-changed', 'true');
  const drawn = await maskOf(request, job);
  await press(page, 'c');
  await expect.poll(async () => (await jobOf(request, job)).head_revision?.action).toBe('confirm');
  await expect(page.getByTestId('points')).toContainText('Mask confirmed');
  await toSlice(page, 23);
  let { head } = await jobOf(request, job);
  await press(page, 'a');
  const emptied = await nextMask(request, job, head);
  expect(count(sliceOf(emptied, 23))).toBe(0);
  await expect(page.getByTestId('absent-note')).toBeVisible();

  head = (await jobOf(request, job)).head;
  await page.getByTestId('solve-again').click();
  const solved = await nextMask(request, job, head);
  expect((await jobOf(request, job)).head_revision?.action).toBe('propagate');
  if (drawn === null) throw new Error('no mask');
  expect(Buffer.compare(Buffer.from(sliceOf(solved, 17)), Buffer.from(sliceOf(drawn, 17)))).toBe(0);
  expect(count(sliceOf(solved, 23))).toBe(0);
  expect(count(sliceOf(solved, SLICE))).toBeGreaterThan(100);
});

/** Pixels along a vertical line on the screen, between two voxels. */
async function along(page: Page, r: number, a0: number, a1: number): Promise<Pixel[]> {
  const [top, bottom] = [await placeOf(page, 'axial', [r, a1, SLICE]), await placeOf(page, 'axial', [r, a0, SLICE])];
  return pixelsOf(await page.screenshot({ clip: { x: Math.round(top.x) - 2, y: Math.round(top.y), width: 4, height: Math.round(bottom.y - top.y) } }));
}

const isWhite = ([red, green, blue]: Pixel): boolean => red > 225 && green > 225 && blue > 225;
const isRed = ([red, green, blue]: Pixel): boolean => red > 200 && green < 120 && blue < 120;

test('the result before is outlined beside the present one, with their agreement', async ({ page, request }) => {
  const job = await openFile(page, 'compare.nii', BODY);
  // 10 × 10 voxels, then 20 × 10 of which these are half, on one slice: Dice 2 · 100 / (100 + 200).
  const before = await paint(request, job, [20, 20, SLICE], [29, 29, SLICE]);
  await paint(request, job, [30, 20, SLICE], [39, 29, SLICE]);
  await expect(page.getByTestId('volume-1')).toContainText('1.1');
  expect((await along(page, 29.5, 21, 28)).filter(isWhite)).toHaveLength(0);
  await press(page, 'o');
  await expect(page.getByTestId('compare-dice')).toContainText('0.667');
  await expect(page.getByTestId('compare-here')).toContainText('100');
  // The edge between the halves is the earlier outline's alone, the far edge the present one's.
  const [dashed, solid] = [await along(page, 29.5, 21, 28), await along(page, 39.5, 21, 28)];
  expect(dashed.filter(isWhite).length).toBeGreaterThan(dashed.length / 12);
  expect(dashed.filter(isWhite).length).toBeLessThan(dashed.length / 2);
  expect(solid.filter(isRed).length).toBeGreaterThan(solid.length / 5);
  expect(solid.filter(isWhite)).toHaveLength(0);
  await page.screenshot({ path: 'test-results/compare.png' });
  await press(page, 'o');
  await expect(page.getByTestId('compare')).toHaveCount(0);
  expect((await jobOf(request, job)).head).not.toBe(before);
});

test('of two revisions that are compared both outlines are drawn, whichever is the head', async ({ page, request }) => {
  const job = await openFile(page, 'compare-any.nii', BODY);
  // Three revisions, each 10 voxels wider than the one before; the last is the head.
  for (const r of [20, 30, 40]) await paint(request, job, [r, 20, SLICE], [r + 9, 29, SLICE]);
  await expect(page.getByTestId('volume-1')).toContainText('1.6');
  await openTab(page, 'review');
  const choose = async (which: string, at: number): Promise<void> => {
    await page.getByTestId(which).click();
    await page.getByRole('option').filter({ visible: true }).nth(at).click();
  };
  // What each revision's far edge is drawn as. A bright voxel under the fill is red as well: a line is many pixels.
  const lines = async (): Promise<string[]> =>
    Promise.all(
      [29.5, 39.5, 49.5].map(async (r) => {
        const pixels = await along(page, r, 21, 28);
        const [red, white] = [pixels.filter(isRed).length, pixels.filter(isWhite).length];
        if (red > pixels.length / 5 && white === 0) return 'solid';
        if (white > pixels.length / 12 && white < pixels.length / 2 && red < pixels.length / 30) return 'dashed';
        return white === 0 && red < pixels.length / 30 ? 'none' : `${red} red and ${white} white of ${pixels.length}`;
      }),
    );
  // A is the oldest, B the one after it: neither is the head.
  await choose('compare-a', 2);
  await choose('compare-b', 1);
  await page.getByTestId('compare-outlines').press('Space');
  await expect(page.getByTestId('compare-dice')).toContainText('0.667');
  expect(await lines()).toEqual(['solid', 'dashed', 'none']);
  await page.screenshot({ path: 'test-results/compare-any.png' });
  // The other way round the lines change places at once.
  await page.getByTestId('compare-swap').click();
  await expect.poll(lines).toEqual(['dashed', 'solid', 'none']);
  await expect(page.getByTestId('compare-outlines')).toBeChecked();
  // Against the head, which is filled as well.
  await choose('compare-b', 0);
  await expect(page.getByTestId('compare-dice')).toContainText('0.800');
  await expect.poll(lines).toEqual(['none', 'solid', 'dashed']);
  await page.getByTestId('compare-outlines').press('Space');
  await expect(page.getByTestId('compare')).toHaveCount(0);
});

test.describe('with an agent by hand', () => {
  withoutAgent();

  /** A segmented slice and a propagation under way. */
  async function underWay(page: Page, server: Server, name: string): Promise<{ job: string; lease: Lease }> {
    const job = await openFile(page, name, BODY);
    await dragLesion(page, 'axial', 1);
    await finish(server, await claim(server), [SLICE], null);
    await nextMask(page.request, job, null);
    await expect(page.getByTestId('propagate')).toBeEnabled();
    await press(page, 'Shift+Enter');
    return { job, lease: await claim(server) };
  }

  test('slices come as they are solved, the time left is told, and stopping keeps them', async ({ page, request, server }) => {
    const { job, lease } = await underWay(page, server, 'stop.nii');
    await expect(page.getByTestId('running')).toBeVisible();
    const so_far = await deliver(server, lease, slab([19, 20, 21]));
    // Steps until the pace is known: the words come with it, whatever the clock says.
    let done = 0;
    await expect
      .poll(async () => {
        await beat(server, lease, ++done, 1000, so_far);
        return page.getByTestId('time-left').count();
      }, { intervals: [300] })
      .toBe(1);
    await expect(page.getByTestId('time-left')).toContainText(/about \d+ (s|min) left/);
    await toSlice(page, 21);
    await expect(async () => {
      const [red, green] = await colourAt(page, await placeOf(page, 'axial', [44, 29, 21]));
      expect(red).toBeGreaterThan(green + 25);
    }).toPass();
    const { head } = await jobOf(request, job);
    await page.getByTestId('running').getByTestId('stop').click();
    await expect.poll(async () => (await call<{ cancel_requested: boolean }>(server, 'GET', `/api/v1/tasks/${lease.task_id}`)).cancel_requested).toBe(true);
    await call(server, 'POST', `/api/v1/tasks/${lease.task_id}/fail`, { fence: lease.fence });
    const kept = await nextMask(request, job, head);
    expect(slicesWith(kept)).toEqual([19, 20, 21]);
    expect(count(kept.voxels)).toBe(3 * 64);
    expect((await jobOf(request, job)).head_revision).toMatchObject({ action: 'propagate', parameters: { cancelled: true } });
    await expect(page.getByTestId('running')).toHaveCount(0);
    await expect(page.getByTestId('readout-label')).toHaveText('Object 1');
  });

  test('doubtful slices come in order, sure ones never, and a settled one not again', async ({ page, request, server }) => {
    const { job, lease } = await underWay(page, server, 'doubt.nii');
    await finish(server, lease, [17, 18, 19, 20, 21, 22, 23], { 17: 0.2, 19: 0.35, 22: 0.9 });
    await expect(page.getByTestId('result-bar')).toContainText('3 doubtful slices');
    for (const slice of [22, 19, 17]) {
      await press(page, 'd');
      await expect(page.getByTestId('slice-axial')).toContainText(`${slice} /`);
    }
    await press(page, 'Shift+D');
    await expect(page.getByTestId('slice-axial')).toContainText('19 /');
    await press(page, 'd');
    await expect(page.getByTestId('slice-axial')).toContainText('17 /');
    await press(page, 'd');
    await expect(page.getByText('All 3 doubtful slices were looked at')).toBeVisible();
    await expect(page.getByTestId('slice-axial')).toContainText('17 /');
    // Confirmed one by one, until none is left.
    for (const [slice, left] of [[22, '2 doubtful slices'], [19, '1 doubtful slice'], [17, 'No doubtful slice']] as const) {
      await press(page, 'd');
      await expect(page.getByTestId('slice-axial')).toContainText(`${slice} /`);
      await press(page, 'c');
      await expect(page.getByTestId('points')).toContainText('Mask confirmed');
      await expect(page.getByTestId('result-bar')).toContainText(left);
    }
    await expect(page.getByTestId('solve-again')).toBeEnabled();
    await press(page, 'd');
    await expect(page.getByText('No doubtful slice is left')).toBeVisible();
    await expect(page.getByTestId('slice-axial')).toContainText('17 /');
    await expect.poll(async () => (await jobOf(request, job)).prompts.filter((prompt) => prompt.mask === true).length).toBe(3);
  });
});
