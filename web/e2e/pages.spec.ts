// Every page in every language: a picture for people, and no serious fault for axe-core, dark and light.
import type { APIRequestContext, Page } from '@playwright/test';
import { expectAccessible } from './axe';
import { openTab, viewerReady } from './screen';
import { expect, test } from './server';

const LANGUAGES = ['en', 'ko', 'zh'] as const;
const PICTURES = 'test-results/pages';

interface View {
  readonly name: string;
  /** Brings the view onto the screen; `job` is the address of a case with a mask. */
  readonly show: (page: Page, job: string) => Promise<void>;
}

function address(name: string, path: string, sign: string): View {
  return {
    name,
    show: async (page) => {
      await page.goto(path);
      await expect(page.getByTestId(sign).first()).toBeVisible();
    },
  };
}

async function showJob(page: Page, job: string): Promise<void> {
  await page.goto(job);
  await viewerReady(page);
  await expect(page.getByTestId('confidence-strip').first()).toBeVisible();
}

function tabView(tab: string): View {
  return {
    name: `job-${tab}`,
    show: async (page, job) => {
      await showJob(page, job);
      await openTab(page, tab);
    },
  };
}

const VIEWS: readonly View[] = [
  address('jobs', '/', 'job-list'),
  { name: 'job', show: showJob },
  ...(['measure', 'history', 'review'] as const).map(tabView),
  {
    name: 'job-grid',
    show: async (page, job) => {
      await showJob(page, job);
      await page.getByTestId('overlay').press('4');
      await expect(page.getByTestId('surface')).toHaveAttribute('data-state', 'ready');
    },
  },
  {
    name: 'keys',
    show: async (page) => {
      await page.goto('/');
      await expect(page.getByTestId('job-list')).toBeVisible();
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog')).toBeVisible();
    },
  },
  address('tasks', '/tasks', 'task-row'),
  address('audit', '/audit', 'audit-entry'),
  address('settings', '/settings', 'settings'),
  address('diagnosis', '/diagnosis', 'checks'),
];

/** Two organs of the built-in sample, each carried through the volume from one box. */
const OBJECTS = [
  { value: 1, name: 'Lesion of the liver', color: '#ff3b30', slice: 40, box: [59, 105, 87, 135] },
  { value: 2, name: 'Spleen', color: '#34c759', slice: 48, box: [165, 120, 204, 167] },
];

async function post(request: APIRequestContext, path: string, data?: object): Promise<unknown> {
  const answer = await request.post(path, { data });
  expect(answer.ok(), `${path}: ${answer.status()}`).toBe(true);
  return answer.json();
}

/** Waits until no task of the case is unfinished. */
async function expectDone(request: APIRequestContext, api: string): Promise<void> {
  await expect.poll(async () => ((await (await request.get(api)).json()) as { task?: object }).task ?? null).toBeNull();
}

async function makeCase(request: APIRequestContext): Promise<string> {
  const { job_id: id } = (await post(request, '/api/v1/sample')) as { job_id: string };
  const api = `/api/v1/jobs/${id}`;
  await request.put(`${api}/labels`, { data: { labels: OBJECTS.map(({ value, name, color }) => ({ value, name, color })) } });
  for (const { value, slice, box } of OBJECTS) {
    await post(request, `${api}/initial-mask`, { axis: 2, slice_index: slice, label: value, box });
    await expectDone(request, api);
    await post(request, `${api}/propagate`, { axis: 2, label: value });
    await expectDone(request, api);
  }
  return `/jobs/${id}`;
}

let job = '';

test.beforeEach(async ({ page, request }) => {
  if (job === '') job = await makeCase(request);
  await page.goto('/');
  await keepSettings(page, {});
});

/** What a person set before; the tour was taken. */
async function keepSettings(page: Page, settings: object): Promise<void> {
  await page.evaluate((kept) => {
    localStorage.setItem('voxloop.settings', JSON.stringify({ tourSeen: true, ...kept }));
  }, settings);
}

for (const view of VIEWS) {
  test(`${view.name} has no serious accessibility fault, dark or light, and a picture in each language`, async ({ page }) => {
    for (const language of LANGUAGES) {
      await page.evaluate((code) => {
        localStorage.setItem('voxloop.language', code);
      }, language);
      await view.show(page, job);
      await expect(page.locator('html')).toHaveAttribute('lang', language);
      await page.screenshot({ path: `${PICTURES}/${view.name}-${language}.png` });
      await expectAccessible(page, `${view.name} in ${language}`);
    }
    await page.evaluate(() => {
      localStorage.setItem('voxloop.language', 'en');
    });
    await keepSettings(page, { theme: 'light' });
    await view.show(page, job);
    await page.screenshot({ path: `${PICTURES}/${view.name}-light.png` });
    await expectAccessible(page, `${view.name} in light`);
  });
}
