// Languages, theme, sizes, errors, a server that goes away and comes back, stopping a task.
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { dragLesion, expectState, openFile, segment, viewerReady } from './screen';
import { expect, test } from './server';

const BODY = writeNifti(bodyAs('LAS'));

test('three languages, kept over a reload', async ({ page }) => {
  await openFile(page, 'languages.nii', BODY);
  await dragLesion(page, 'axial');
  for (const [code, words] of [
    ['ko', '분할'],
    ['zh', '分割'],
    ['en', 'Segment'],
  ] as const) {
    await page.getByTestId('language').click();
    await page.getByTestId(`language-${code}`).click();
    await expect(page.getByTestId('tab-segment')).toHaveText(words);
    await page.reload();
    await viewerReady(page);
    await expect(page.getByTestId('tab-segment')).toHaveText(words);
    await expect(page.locator('html')).toHaveAttribute('lang', code);
    await page.screenshot({ path: `test-results/job-${code}.png` });
    await page.getByTestId('back').click();
    await page.getByTestId('job-list').waitFor();
    await page.screenshot({ path: `test-results/jobs-${code}.png` });
    await page.goBack();
    await viewerReady(page);
  }
});

test('light theme and a small screen', async ({ page }) => {
  await page.setViewportSize({ width: 1024, height: 768 });
  await openFile(page, 'small.nii', BODY);
  await dragLesion(page, 'axial');
  await page.getByTestId('theme').click();
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'light');
  await page.screenshot({ path: 'test-results/job-light-1024.png' });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBe(0);
  const fit = await page.getByTestId('help').boundingBox();
  const panel = await page.locator('.panel').boundingBox();
  expect((fit?.x ?? 0) + (fit?.width ?? 0)).toBeLessThanOrEqual(panel?.x ?? 0);
  await page.getByTestId('theme').click();
});

test('a file that is no volume says what was found', async ({ page }) => {
  await page.goto('/');
  await page.getByTestId('file-input').setInputFiles({
    name: 'letter.nii',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from('%PDF-1.7 this is a letter, not an image\n'.repeat(30)),
  });
  const alert = page.getByTestId('upload-error');
  await expect(alert).toContainText('letter.nii');
  await expect(alert).toContainText(/nifti|nrrd/i);
  await page.screenshot({ path: 'test-results/wrong-file.png' });
  await alert.getByRole('button', { name: 'Close' }).click();
  await expect(alert).toHaveCount(0);
});

test('an upload shows its progress and can be cancelled', async ({ page }) => {
  await page.goto('/');
  await page.route('**/api/v1/jobs', async (route) => {
    if (route.request().method() === 'POST') return; // held until the page gives up
    await route.continue();
  });
  await page.getByTestId('file-input').setInputFiles({ name: 'slow.nii', mimeType: 'application/octet-stream', buffer: BODY });
  await expect(page.getByTestId('uploading')).toContainText('slow.nii');
  await page.screenshot({ path: 'test-results/uploading.png' });
  await page.getByTestId('upload-cancel').click();
  await expect(page.getByTestId('uploading')).toHaveCount(0);
  await expect(page.getByTestId('notice-plain')).toContainText('cancelled');
});

test('a task that waits survives a reload, can be stopped, and runs when an agent comes', async ({ page, server }) => {
  await openFile(page, 'stop.nii', BODY);
  await dragLesion(page, 'axial');
  await segment(page);
  const before = (await page.getByTestId('volume-1').textContent()) ?? '';
  await server.down();
  await server.up(['--no-agent']);
  await expect(page.getByTestId('connection-lost')).toHaveCount(0);

  await page.getByTestId('propagate').click();
  await expect(page.getByTestId('running')).toContainText('Waiting for an agent');
  await page.getByTestId('stop').click();
  await expectState(page, 'cancelled');
  await expect(page.getByTestId('running')).toHaveCount(0);
  await expect(page.getByTestId('volume-1')).toHaveText(before);

  await page.getByTestId('propagate').click();
  await expectState(page, 'propagating');
  await page.reload();
  await viewerReady(page);
  await expect(page.getByTestId('running')).toBeVisible();
  await page.screenshot({ path: 'test-results/waiting.png' });
  await server.down();
  await server.up();
  await expectState(page, 'completed');
  await expect(page.getByTestId('running')).toHaveCount(0);
  await expect(page.getByTestId('confidence-strip')).toBeVisible();
});

test('a server that goes away is announced, and the page goes on when it is back', async ({ page, server }) => {
  await openFile(page, 'lost.nii', BODY);
  await dragLesion(page, 'axial');
  await segment(page);
  await server.down();
  await expect(page.getByTestId('connection-lost')).toBeVisible();
  await page.screenshot({ path: 'test-results/connection-lost.png' });
  await page.getByTestId('propagate').click();
  await expect(page.getByTestId('notice-error')).toContainText('reached');
  await server.up();
  await expect(page.getByTestId('connection-lost')).toHaveCount(0);
  await expectState(page, 'segmented');
  await page.getByTestId('propagate').click();
  await expectState(page, 'completed');
});

test('a refused call and a failed task say what was wrong and what to do', async ({ page }) => {
  await openFile(page, 'refused.nii', BODY);
  await dragLesion(page, 'axial');
  await page.route('**/initial-mask', (route) =>
    route.fulfill({
      status: 422,
      json: { error: { code: 'invalid', message: 'slice_index must be 0 to 39', field: 'slice_index' } },
    }),
  );
  await page.getByTestId('segment').click();
  const notice = page.getByTestId('notice-error');
  await expect(notice).toContainText('slice_index must be 0 to 39');
  await expect(notice).toContainText('Field: slice_index');
  await expect(page.getByTestId('segment')).toBeEnabled();

  await page.route(/\/api\/v1\/jobs\/[^/]+$/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...((await answer.json()) as object), status: 'failed' } });
  });
  await page.route('**/status', async (route) => {
    const answer = await route.fetch();
    const error = { class: 'out_of_memory', code: 'memory', message: 'memory ran out', remedy: 'Lower MAX_CONCURRENT_JOBS.' };
    await route.fulfill({ response: answer, json: { ...((await answer.json()) as object), status: 'failed', error } });
  });
  await page.reload();
  await viewerReady(page);
  await expect(page.getByTestId('task-failure')).toContainText('memory ran out');
  await expect(page.getByTestId('task-failure')).toContainText('MAX_CONCURRENT_JOBS');
  await page.screenshot({ path: 'test-results/task-failure.png' });
});

test('the page asks nothing of other hosts and every control has a name', async ({ page, baseURL }) => {
  const foreign: string[] = [];
  page.on('request', (asked) => {
    const { protocol, origin } = new URL(asked.url());
    if (protocol.startsWith('http') && origin !== baseURL) foreign.push(asked.url());
  });
  await openFile(page, 'names.nii', BODY);
  await dragLesion(page, 'axial');
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll('button, input, a, [role="slider"], [role="application"]')]
      .filter((element) => {
        const labelled = element.getAttribute('aria-labelledby')?.split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join('');
        const labels = element instanceof HTMLInputElement ? [...(element.labels ?? [])].map((label) => label.textContent).join('') : '';
        const name = [element.getAttribute('aria-label'), labelled, labels, element.textContent].join('').trim();
        return name === '' && element.getAttribute('aria-hidden') !== 'true' && element.getAttribute('type') !== 'hidden';
      })
      .map((element) => element.outerHTML.slice(0, 160)),
  );
  expect(nameless).toEqual([]);
  expect(foreign).toEqual([]);
});
