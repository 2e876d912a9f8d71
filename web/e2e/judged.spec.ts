// What is said of a mask is said of the one that is shown; what was accepted by mistake is taken back by one click.
import type { Page } from '@playwright/test';
import { claim, type Lease } from './agent';
import { finish } from './agent_masks';
import { jobOf, nextMask, paint } from './masks';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { dragLesion, openFile, openTab } from './screen';
import { expect, test, withoutAgent, type Server } from './server';

const BODY = writeNifti(bodyAs('RAS'));
const SLICE = 20;

withoutAgent();

/** A box, its mask, and a propagation that judged slices 17 to 23. */
async function judged(page: Page, server: Server, name: string): Promise<string> {
  const job = await openFile(page, name, BODY);
  await dragLesion(page, 'axial', 1);
  await finish(server, await claim(server), [SLICE], null);
  await nextMask(page.request, job, null);
  await expect(page.getByTestId('thinking')).toHaveCount(0);
  await expect(page.getByTestId('volume-1')).toBeVisible();
  await page.getByTestId('propagate').click();
  const lease: Lease = await claim(server);
  await finish(server, lease, [17, 18, 19, 20, 21, 22, 23], { 22: 0.9 });
  await expect(page.getByTestId('result-bar')).toContainText('1 doubtful slice');
  await expect(page.getByTestId('confidence-strip')).toBeVisible();
  return job;
}

async function expectNothingSaid(page: Page): Promise<void> {
  await expect(page.getByTestId('result-bar')).toHaveCount(0);
  await expect(page.getByTestId('confidence-strip')).toHaveCount(0);
  await expect(page.getByTestId('doubts')).toHaveCount(0);
}

test('an undone propagation says nothing of the mask that is shown, and redo brings its words back', async ({ page, request, server }) => {
  const job = await judged(page, server, 'undone.nii');
  await page.keyboard.press('Control+z');
  await expectNothingSaid(page);
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await jobOf(request, job)).head).toBeNull();
  await expectNothingSaid(page);
  await page.keyboard.press('d');
  await expect(page.getByText('Propagate first')).toBeVisible();
  await page.keyboard.press('Control+Shift+Z');
  await page.keyboard.press('Control+Shift+Z');
  await expect(page.getByTestId('confidence-strip')).toBeVisible();
  await expect(page.getByTestId('result-bar')).toContainText('1 doubtful slice');
});

test('a second reader sees nothing of the first one’s confidence, and a mask that nobody judged says so', async ({ page, request, server }) => {
  const job = await judged(page, server, 'blind.nii');
  await openTab(page, 'review');
  await page.getByTestId('second-reading').click();
  await page.getByTestId('start-second-reading').click();
  await expect.poll(async () => (await jobOf(request, job)).head).toBeNull();
  await openTab(page, 'segment');
  await expectNothingSaid(page);
  await paint(request, job, [40, 26, 18], [47, 33, 22]);
  await expect(page.getByTestId('unjudged')).toBeVisible();
  await expectNothingSaid(page);
});

test('Accept is offered for the mask that was judged, and one click takes it back', async ({ page, request, server }) => {
  const job = await judged(page, server, 'taken-back.nii');
  const { head } = await jobOf(request, job);
  await paint(request, job, [50, 26, 17], [57, 40, 17]);
  await expect(page.getByTestId('result-bar')).toHaveAttribute('data-changed', 'true');
  await expect(page.getByTestId('accept')).toHaveCount(0);
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await jobOf(request, job)).head).toBe(head);
  await page.getByTestId('accept').click();
  await expect.poll(async () => (await jobOf(request, job)).review.state).toBe('accepted');
  await page.getByTestId('notice-action').click();
  await expect.poll(async () => (await jobOf(request, job)).review.state).toBe('draft');
  await expect(page.getByTestId('accept')).toBeVisible();
});
