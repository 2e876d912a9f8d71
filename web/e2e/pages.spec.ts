// Every page in every language: a picture for people, and no serious fault for axe-core, dark and light.
import type { Page } from '@playwright/test';
import { expectAccessible } from './axe';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { dragLesion, openFile, openTab, propagate, segment, viewerReady } from './screen';
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
  address('tasks', '/tasks', 'task-row'),
  address('audit', '/audit', 'audit-entry'),
  address('settings', '/settings', 'settings'),
  address('diagnosis', '/diagnosis', 'checks'),
];

let job = '';

test.beforeEach(async ({ page }) => {
  await page.goto('/');
  if (job !== '') return;
  await openFile(page, 'chest.nii', writeNifti(bodyAs('LPS')));
  await dragLesion(page, 'axial', 1);
  await segment(page);
  await propagate(page);
  job = new URL(page.url()).pathname;
});

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
      localStorage.setItem('voxloop.settings', JSON.stringify({ theme: 'light' }));
    });
    await view.show(page, job);
    await page.screenshot({ path: `${PICTURES}/${view.name}-light.png` });
    await expectAccessible(page, `${view.name} in light`);
  });
}
