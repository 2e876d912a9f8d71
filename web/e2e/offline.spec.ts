// What is edited while the server is away outlives the page: kept in the browser, shown again, sent once.
import type { APIRequestContext, Page } from '@playwright/test';
import { at, count, jobOf, maskOf, paint } from './masks';
import { writeNifti, type Triple } from './nifti';
import { bodyAs } from './phantom';
import { drag, openFile, placeOf, viewerReady } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('RAS'));

async function takeBrush(page: Page): Promise<void> {
  await page.getByTestId('tool-brush').click();
  await page.getByTestId('brush-size').fill('1');
  await expect(page.getByTestId('brush-size')).toHaveValue('1');
}

async function dab(page: Page, voxel: Triple): Promise<void> {
  const place = await placeOf(page, 'axial', voxel);
  await page.mouse.click(place.x, place.y);
}

async function nRevisions(request: APIRequestContext, job: string): Promise<number> {
  const answer = await request.get(`/api/v1/jobs/${job}/revisions`);
  return ((await answer.json()) as { revisions: unknown[] }).revisions.length;
}

/** No edit of the page reaches the server; everything else does. */
async function holdEdits(page: Page): Promise<void> {
  await page.route('**/revisions', (route) => (route.request().method() === 'POST' ? route.abort('connectionfailed') : route.continue()));
}

async function waits(page: Page, edits: number): Promise<void> {
  await expect(page.getByTestId('saved')).toHaveAttribute('data-state', 'stuck');
  await expect(page.getByTestId('saved')).toContainText(String(edits));
  // Until the database has it, the browser would ask.
  await expect(page.getByTestId('saved')).toHaveAttribute('data-kept', 'true');
}

async function saved(page: Page): Promise<void> {
  await expect(page.getByTestId('saved')).toHaveAttribute('data-state', 'saved');
}

/** Closes the page as a person does; says whether the browser asked first. */
async function close(page: Page): Promise<boolean> {
  let asked = false;
  page.on('dialog', (dialog) => {
    asked = true;
    void dialog.accept();
  });
  const closed = page.waitForEvent('close');
  await page.close({ runBeforeUnload: true });
  await closed;
  return asked;
}

/** Paints voxels that do not reach the server, and closes the page. */
async function leaveBehind(page: Page, voxels: readonly Triple[]): Promise<void> {
  await holdEdits(page);
  await takeBrush(page);
  for (const voxel of voxels) await dab(page, voxel);
  await waits(page, voxels.length);
  expect(await close(page)).toBe(false);
}

async function openAgain(page: Page, job: string): Promise<void> {
  await page.goto(`/jobs/${job}`);
  await viewerReady(page);
}

test('strokes and a box of a server that is away outlive the page, and are sent once', async ({ page, context, request, server }) => {
  const job = await openFile(page, 'away.nii', BODY);
  await takeBrush(page);
  await server.down();
  await expect(page.getByTestId('connection-lost')).toContainText('safe on the server');
  await dab(page, [20, 25, 20]);
  await dab(page, [22, 25, 20]);
  await page.keyboard.press('PageUp');
  await page.getByTestId('tool-box').click();
  await drag(page, await placeOf(page, 'axial', [30, 20, 21]), await placeOf(page, 'axial', [50, 40, 21]));
  await expect(page.getByTestId('connection-lost')).toContainText('3 edits are not on the server yet: this browser keeps them');
  await page.screenshot({ path: 'test-results/offline-kept.png' });
  expect(await close(page)).toBe(false);

  await server.up(['--no-agent']);
  const again = await context.newPage();
  await openAgain(again, job);
  await expect(again.getByTestId('notice-plain')).toContainText('3 edits had not reached the server');
  await again.screenshot({ path: 'test-results/offline-found.png' });
  await saved(again);
  const mask = await maskOf(request, job);
  expect(mask === null ? 0 : count(mask.voxels)).toBe(2);
  expect(mask === null ? [] : [at(mask, [20, 25, 20]), at(mask, [22, 25, 20])]).toEqual([1, 1]);
  expect(await nRevisions(request, job)).toBe(2);
  expect((await jobOf(request, job)).prompts.filter(({ box }) => box !== undefined)).toMatchObject([{ axis: 2, slice_index: 21 }]);
  await expect(again.getByTestId('prompt-row')).toHaveCount(2);

  // Nothing is left to send.
  await again.reload();
  await viewerReady(again);
  await saved(again);
  expect(await nRevisions(request, job)).toBe(2);
  await server.down();
  await server.up();
});

test('an edit whose answer was lost is not sent twice', async ({ page, context, request }) => {
  // Nor does the stream tell the page that the edit has arrived.
  await page.route('**/events/stream**', (route) => route.abort('connectionfailed'));
  const job = await openFile(page, 'answer.nii', BODY);
  await takeBrush(page);
  await page.route('**/revisions', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    await route.fetch();
    return route.abort('connectionfailed');
  });
  // The page hears of nothing any more, so that it cannot find out either.
  await page.route(/\/api\/v1\/jobs\/[^/]+(\/revisions)?$/, (route) => (route.request().method() === 'GET' ? route.abort('connectionfailed') : route.fallback()));
  await dab(page, [20, 25, 20]);
  await waits(page, 1);
  await expect.poll(() => nRevisions(request, job)).toBe(1);
  expect(await close(page)).toBe(false);
  const again = await context.newPage();
  await openAgain(again, job);
  await saved(again);
  await takeBrush(again);
  await dab(again, [22, 25, 20]);
  await expect.poll(() => nRevisions(request, job)).toBe(2);
  await saved(again);
  const mask = await maskOf(request, job);
  expect(mask === null ? 0 : count(mask.voxels)).toBe(2);
});

test('what others painted meanwhile is merged, and the same voxel is asked about', async ({ page, context, request }) => {
  const job = await openFile(page, 'moved.nii', BODY);
  await leaveBehind(page, [[20, 25, 20], [22, 25, 20]]);
  await paint(request, job, [22, 25, 20], [24, 25, 20], 2);
  const again = await context.newPage();
  await openAgain(again, job);
  await expect(again.getByTestId('clash')).toContainText('1 voxel');
  await again.getByTestId('clash-theirs').click();
  await saved(again);
  // The edit that lost its voxel still vouches for its slice.
  await expect.poll(() => nRevisions(request, job)).toBe(3);
  const mask = await maskOf(request, job);
  expect(mask === null ? [] : [20, 21, 22, 23, 24].map((i) => at(mask, [i, 25, 20]))).toEqual([1, 0, 2, 2, 2]);
});

test('a page that is open keeps its own edits; one that is closed hands them on', async ({ page, context, request }) => {
  const job = await openFile(page, 'tabs.nii', BODY);
  await holdEdits(page);
  await takeBrush(page);
  await dab(page, [20, 25, 20]);
  await waits(page, 1);
  const other = await context.newPage();
  await openAgain(other, job);
  await takeBrush(other);
  await dab(other, [30, 25, 20]);
  await saved(other);
  await expect.poll(() => nRevisions(request, job)).toBe(1);
  expect(await close(page)).toBe(false);
  await other.reload();
  await viewerReady(other);
  await expect.poll(() => nRevisions(request, job)).toBe(2);
  await saved(other);
  const mask = await maskOf(request, job);
  expect(mask === null ? [] : [at(mask, [20, 25, 20]), at(mask, [30, 25, 20]), count(mask.voxels)]).toEqual([1, 1, 2]);
});

test('where the browser keeps nothing, the banner says so and the browser asks', async ({ page, server }) => {
  await page.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('denied', 'SecurityError');
    };
  });
  await openFile(page, 'private.nii', BODY);
  await takeBrush(page);
  await server.down();
  await dab(page, [20, 25, 20]);
  await expect(page.getByTestId('connection-lost')).toContainText('1 edit is not on the server yet: keep this page open');
  expect(await close(page)).toBe(true);
  await server.up();
});

test('an edit that the server takes no more is asked about, and kept where the person says so', async ({ page, context, request }) => {
  const job = await openFile(page, 'accepted.nii', BODY);
  await paint(request, job, [10, 10, 5], [12, 12, 5]);
  await expect(page.getByTestId('volume-1')).toBeVisible();
  await leaveBehind(page, [[20, 25, 20]]);
  const first = await context.newPage();
  await first.goto('/');
  const { head } = await jobOf(request, job);
  for (const [from, to] of [['draft', 'in_review'], ['in_review', 'accepted']]) {
    expect((await request.post(`/api/v1/jobs/${job}/review`, { data: { from, to, head } })).ok()).toBe(true);
  }
  await openAgain(first, job);
  await expect(first.getByTestId('late')).toBeVisible();
  await first.screenshot({ path: 'test-results/offline-refused.png' });
  await first.getByTestId('late-keep').click();
  await waits(first, 1);
  expect(await nRevisions(request, job)).toBe(1);
  await first.getByTestId('reopen').click();
  await saved(first);
  await expect.poll(() => nRevisions(request, job)).toBe(2);
});

test('with a case its edits go', async ({ page, context }) => {
  const job = await openFile(page, 'gone.nii', BODY);
  await leaveBehind(page, [[20, 25, 20]]);
  const list = await context.newPage();
  await list.goto('/');
  const kept = (): Promise<number> =>
    list.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const opening = indexedDB.open('voxloop');
          opening.onsuccess = () => {
            const counting = opening.result.transaction('edits').objectStore('edits').count();
            counting.onsuccess = () => {
              opening.result.close();
              resolve(counting.result);
            };
          };
        }),
    );
  expect(await kept()).toBe(1);
  const row = list.locator(`[data-job="${job}"]`);
  await row.getByTestId('delete-job').click();
  await list.getByTestId('confirm-delete').click();
  await expect(row).toHaveCount(0);
  await expect.poll(kept).toBe(0);
});
