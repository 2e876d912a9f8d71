// The case list: sorted, filtered, searched, counted, walked by keyboard; a thousand cases.
import type { Page } from '@playwright/test';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { fillBox, upload } from './records';
import { jobId } from './screen';
import { expect, Server, test as base } from './server';

/** A server of this file's own: the list holds what is put there, and nothing else. */
const test = base.extend<object, { server: Server }>({
  server: [
    // Playwright wants the first argument destructured, even where nothing is taken from it.
    // eslint-disable-next-line no-empty-pattern
    async ({}, provide) => {
      const server = await Server.start();
      await provide(server);
      await server.remove();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
});

const BODY = writeNifti(bodyAs('RAS'));

async function names(page: Page): Promise<string[]> {
  return page.locator('[data-testid="job-row"] strong').allTextContents();
}

test('sort, filter, search, counts, keys and the next case to review', async ({ page, request }) => {
  const ids: Record<string, string> = {};
  for (const name of ['liver 10.nii', 'liver 2.nii', 'brain.nii']) ids[name] = await upload(request, name, BODY);
  const review = async (name: string, ...steps: readonly (readonly [string, string, string])[]): Promise<void> => {
    const id = ids[name] ?? '';
    const head = await fillBox(request, id, null, [[1, 1, 1], [5, 5, 5]], 1);
    for (const [from, to, comment] of steps) {
      const answer = await request.post(`/api/v1/jobs/${id}/review`, { data: { from, to, head, comment }, headers: { 'voxloop-person': encodeURIComponent('이영희') } });
      expect(answer.ok()).toBe(true);
    }
  };
  await review('liver 2.nii', ['draft', 'in_review', '']);
  await review('brain.nii', ['draft', 'in_review', ''], ['in_review', 'rejected', 'midline is off']);

  await page.goto('/');
  await expect(page.getByTestId('job-row')).toHaveCount(3);
  await page.getByTestId('sort-name').click();
  expect(await names(page)).toEqual(['brain.nii', 'liver 2.nii', 'liver 10.nii']);
  await page.getByTestId('sort-name').click();
  expect(await names(page)).toEqual(['liver 10.nii', 'liver 2.nii', 'brain.nii']);
  await page.getByTestId('sort-review').click();
  expect(await names(page)).toEqual(['liver 2.nii', 'brain.nii', 'liver 10.nii']);

  for (const [state, n] of [['all', '3'], ['draft', '1'], ['in_review', '1'], ['rejected', '1'], ['accepted', '0']] as const) {
    await expect(page.getByTestId(`count-${state}`)).toHaveText(n);
  }
  await page.keyboard.press('/');
  await expect(page.getByTestId('search')).toBeFocused();
  await page.getByTestId('search').fill('midline');
  await expect(page.getByTestId('job-row')).toHaveCount(1);
  expect(await names(page)).toEqual(['brain.nii']);
  await page.getByTestId('search').fill('이영희');
  await expect(page.getByTestId('job-row')).toHaveCount(2);
  await page.getByTestId('search').fill('nothing like it');
  await expect(page.getByTestId('no-match')).toBeVisible();
  await page.getByTestId('show-all').click();
  await expect(page.getByTestId('job-row')).toHaveCount(3);
  await page.getByTestId('review-filter').getByText('Rejected').click();
  expect(await names(page)).toEqual(['brain.nii']);

  // The view is remembered.
  await page.reload();
  await expect(page.getByTestId('job-row')).toHaveCount(1);
  await page.getByTestId('review-filter').getByText('All').click();
  await expect(page.getByTestId('sort-review')).toHaveAttribute('data-order', 'rising');

  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('k');
  await expect(page.locator(`[data-job="${ids['brain.nii'] ?? ''}"] a`)).toBeFocused();
  await page.screenshot({ path: 'test-results/list.png' });
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/jobs\//);
  expect(jobId(page)).toBe(ids['brain.nii']);
  await page.goBack();
  await page.getByTestId('next-to-review').click();
  await page.waitForURL(/\/jobs\//);
  expect(jobId(page)).toBe(ids['liver 2.nii']);
});

test('of a thousand cases only those in view are drawn', async ({ page, request }) => {
  await upload(request, 'one.nii', BODY);
  await page.route('**/api/v1/jobs', async (route) => {
    const answer = await route.fetch();
    const { jobs } = (await answer.json()) as { jobs: { job_id: string; name: string }[] };
    const many = Array.from({ length: 1000 }, (_, at) => ({ ...jobs[0], job_id: `${jobs[0]?.job_id ?? ''}-${at}`, name: `case ${at}` }));
    await route.fulfill({ response: answer, json: { jobs: many } });
  });
  await page.route('**/thumbnail.png*', (route) => route.abort());
  await page.goto('/');
  await page.getByTestId('sort-name').click();
  await expect(page.getByTestId('case-count')).toHaveText('1000 cases');
  expect(await page.getByTestId('job-row').count()).toBeLessThan(40);
  await page.getByTestId('case-scroll').evaluate((box) => {
    box.scrollTo({ top: box.scrollHeight });
  });
  await expect(page.locator('[aria-posinset="1000"]')).toContainText('case 999');
  expect(await page.getByTestId('job-row').count()).toBeLessThan(40);
  await page.getByTestId('search').fill('case 500');
  await expect(page.getByTestId('job-row')).toHaveCount(1);
});
