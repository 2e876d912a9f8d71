// Review: hand over, reject, accept, reopen; two browsers at once; a second reading, compared and taken over.
import type { Locator, Page } from '@playwright/test';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { count, fillBox, maskOf, upload } from './records';
import { dragLesion, openFile, openTab, segment, viewerReady } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('LAS'));

async function sign(page: Page, name: string): Promise<void> {
  await page.getByTestId('person').click();
  await page.getByTestId('person-name').fill(name);
  await page.getByTestId('person-save').click();
  await expect(page.getByTestId('person')).toContainText(name);
}

function badge(page: Page): Locator {
  return page.locator('header').getByTestId('review-state');
}

test('a case is rejected with a comment, corrected, accepted, and closed until it is reopened', async ({ page, request }) => {
  const id = await openFile(page, 'review.nii', BODY);
  await sign(page, '김민지');
  await openTab(page, 'review');
  // Nothing to hand over yet.
  await expect(page.getByTestId('review-in_review')).toHaveAttribute('aria-disabled', 'true');
  await openTab(page, 'segment');
  await dragLesion(page, 'axial');
  await segment(page);
  await openTab(page, 'review');
  await page.getByTestId('review-in_review').click();
  await expect(badge(page)).toHaveAttribute('data-review', 'in_review');

  await expect(page.getByTestId('review-rejected')).toHaveAttribute('aria-disabled', 'true');
  await page.getByTestId('review-comment').fill('The dome is missing');
  await page.screenshot({ path: 'test-results/review.png' });
  await page.getByTestId('review-rejected').click();
  await expect(badge(page)).toHaveAttribute('data-review', 'rejected');
  await expect(page.getByTestId('review-comment')).toHaveValue('');
  await expect(page.getByTestId('review-log-step').first()).toContainText('The dome is missing');
  await expect(page.getByTestId('review-log-step').first()).toContainText('김민지');

  await page.getByTestId('review-in_review').click();
  await page.getByTestId('review-accepted').click();
  await expect(page.getByTestId('accepted-banner')).toContainText('김민지');
  await page.screenshot({ path: 'test-results/accepted.png' });
  await expect(page.getByTestId('tool-box')).toBeDisabled();
  await expect(page.getByTestId('add-object')).toBeDisabled();
  await openTab(page, 'segment');
  await expect(page.getByTestId('segment')).toBeDisabled();
  // Looking stays possible.
  await page.getByTestId('visible-1').click();
  await expect(page.getByTestId('visible-1')).toHaveAttribute('aria-pressed', 'false');
  const { labels, head } = (await (await request.get(`/api/v1/jobs/${id}`)).json()) as { labels: { visible: boolean }[]; head: string };
  expect(labels[0]?.visible).toBe(true);
  await expect(fillBox(request, id, head, [[0, 0, 0], [1, 1, 1]], 1)).rejects.toThrow('job_accepted');

  const { steps } = (await (await request.get(`/api/v1/jobs/${id}/reviews`)).json()) as { steps: { from: string; to: string; by: string; comment: string }[] };
  expect(steps.map((step) => [step.from, step.to, step.by, step.comment])).toEqual([
    ['draft', 'in_review', '김민지', ''],
    ['in_review', 'rejected', '김민지', 'The dome is missing'],
    ['rejected', 'in_review', '김민지', ''],
    ['in_review', 'accepted', '김민지', ''],
  ]);

  await page.getByTestId('reopen').click();
  await expect(page.getByTestId('accepted-banner')).toHaveCount(0);
  await expect(page.getByTestId('tool-box')).toBeEnabled();
  await expect(page.getByTestId('segment')).toBeEnabled();

  await page.goto('/audit');
  await expect(page.getByTestId('audit-entry').first()).toHaveAttribute('data-action', 'review_changed');
  await expect(page.getByTestId('audit-entry').first()).toContainText('김민지');
  await page.screenshot({ path: 'test-results/audit.png' });
});

test('two browsers take different steps at once: the later one is told, and loses nothing', async ({ page, browser, request, baseURL }) => {
  const id = await openFile(page, 'both.nii', BODY);
  const head = await fillBox(request, id, null, [[20, 20, 10], [40, 40, 20]], 1);
  await request.post(`/api/v1/jobs/${id}/review`, { data: { from: 'draft', to: 'in_review', head } });
  const context = await browser.newContext({ baseURL });
  const other = await context.newPage();
  // The second browser hears of nothing.
  await other.route('**/events/stream*', (route) => route.abort());
  await other.goto(`/jobs/${id}`);
  await viewerReady(other);
  await openTab(other, 'review');
  await other.getByTestId('review-comment').fill('Too large at the rim');
  // Nor does its poll tell it anything.
  await other.route(/\/api\/v1\/jobs\/[^/]+$/, (route) => route.abort());

  await sign(page, 'First');
  await openTab(page, 'review');
  await page.getByTestId('review-accepted').click();
  await expect(page.getByTestId('accepted-banner')).toBeVisible();

  await other.getByTestId('review-rejected').click();
  await expect.poll(async () => (await (await request.get(`/api/v1/jobs/${id}/reviews`)).json() as { steps: unknown[] }).steps.length).toBe(2);
  await expect(other.getByTestId('notice-error').first()).toBeVisible();
  await expect(other.getByTestId('review-comment')).toHaveValue('Too large at the rim');
  await other.unroute(/\/api\/v1\/jobs\/[^/]+$/);
  await expect(badge(other)).toHaveAttribute('data-review', 'accepted');
  await expect(other.getByTestId('review-comment')).toHaveValue('Too large at the rim');
  await context.close();
});

test('a second reading is kept apart, compared voxel by voxel, and may take over', async ({ page, request }) => {
  const id = await openFile(page, 'opinions.nii', BODY);
  await sign(page, 'Reader A');
  const first = await fillBox(request, id, null, [[20, 20, 10], [29, 29, 19]], 1);
  await expect(page.getByTestId('volume-1')).toBeVisible();
  await openTab(page, 'review');
  await page.getByTestId('opinion-comment').fill('Clear margins');
  await page.getByTestId('second-reading').click();
  await page.getByTestId('start-second-reading').click();
  await expect(page.getByTestId('opinion')).toContainText('Reader A');
  await expect(page.getByTestId('opinion')).toContainText('Clear margins');
  await expect.poll(async () => ((await (await request.get(`/api/v1/jobs/${id}`)).json()) as { head?: string | null }).head ?? null).toBeNull();
  await expect(page.getByTestId('volume-1')).toHaveCount(0);

  // The second reader's box: five of ten slices the same, so Dice is 2·500 / (1000 + 1000).
  const second = await fillBox(request, id, null, [[20, 20, 15], [29, 29, 24]], 1);
  await expect(page.getByTestId('compare-1')).toHaveAttribute('data-dice', '0.5');
  await expect(page.getByTestId('compare-1')).toHaveAttribute('data-a', '1000');
  await expect(page.getByTestId('compare-1')).toHaveAttribute('data-b', '1000');
  const [a, b] = [await maskOf(request, id, second), await maskOf(request, id, first)];
  const both = a.filter((value, at) => value === 1 && b[at] === 1).length;
  expect((2 * both) / (count(a, 1) + count(b, 1))).toBe(0.5);
  await page.getByTestId('compare-outlines').click({ force: true });
  await expect(page.getByTestId('compare-outlines')).toBeChecked();
  await page.getByTestId('compare-outlines').scrollIntoViewIfNeeded();
  await page.screenshot({ path: 'test-results/compare.png' });

  await page.getByTestId('make-head').click();
  await expect.poll(async () => ((await (await request.get(`/api/v1/jobs/${id}`)).json()) as { head: string }).head).toBe(first);
  expect(count(await maskOf(request, id), 1)).toBe(1000);
  await page.getByTestId('remove-opinion').click();
  await expect(page.getByTestId('opinion')).toHaveCount(0);
});

test('previous and next follow the list’s order', async ({ page, request, baseURL }) => {
  await request.get(baseURL);
  for (const name of ['order b.nii', 'order a.nii', 'order c.nii']) await upload(request, name, BODY);
  await page.goto('/');
  await page.getByTestId('search').fill('order');
  await page.getByTestId('sort-name').click();
  await expect(page.getByTestId('job-row')).toHaveCount(3);
  await page.getByTestId('job-row').first().getByRole('link').click();
  await openTab(page, 'review');
  await expect(page.getByTestId('case-place')).toHaveText('1 of 3');
  await expect(page.getByTestId('previous-case')).toBeDisabled();
  await page.getByTestId('next-case').click();
  await expect(page.getByTestId('job-name')).toHaveText('order b.nii');
  await page.getByTestId('next-case').click();
  await expect(page.getByTestId('job-name')).toHaveText('order c.nii');
  await expect(page.getByTestId('next-case')).toBeDisabled();
  await page.getByTestId('previous-case').click();
  await expect(page.getByTestId('job-name')).toHaveText('order b.nii');
});
