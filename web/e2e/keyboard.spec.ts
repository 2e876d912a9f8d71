// Tab reaches every control of every page, nothing holds the focus, and one sees where it is.
import type { Page } from '@playwright/test';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { dragLesion, openFile, openTab, propagate, segment, viewerReady } from './screen';
import { expect, test } from './server';

/** Controls that arrow keys reach from a neighbour: Tab stops at one of each group. */
const GROUPED = '[role="tab"], [role="radio"], input[type="radio"], [role="option"], [role="menuitem"]';

/** Marks every visible control; returns what Tab has to reach, as words for people. */
async function markControls(page: Page): Promise<string[]> {
  return page.evaluate((grouped) => {
    const all = document.querySelectorAll<HTMLElement>(
      'button, a[href], input, select, textarea, [role="slider"], [role="application"], [role="tab"], summary',
    );
    const controls = [...all].filter((it) => {
      const { width, height } = it.getBoundingClientRect();
      const isOff = (it as HTMLButtonElement).disabled || it.closest('[inert], [aria-hidden="true"]') !== null;
      return width > 0 && height > 0 && !isOff && !it.matches(grouped) && it.checkVisibility({ visibilityProperty: true });
    });
    return controls.map((it, at) => {
      const name = `${at} ${it.tagName.toLowerCase()} ${it.dataset.testid ?? it.getAttribute('aria-label') ?? it.textContent}`;
      it.dataset.control = name;
      return name;
    });
  }, GROUPED);
}

async function nControls(page: Page): Promise<number> {
  return page.locator('button, a[href], input, select, textarea, [tabindex]').count();
}

interface Stop {
  readonly control: string | null;
  readonly isSeen: boolean;
}

async function focused(page: Page): Promise<Stop | null> {
  return page.evaluate(() => {
    const it = document.activeElement;
    if (!(it instanceof HTMLElement || it instanceof SVGElement) || it === document.body) return null;
    // A control may show its focus itself or have a part or a frame of its own show it.
    const shown = [it, ...it.children, it.parentElement, it.parentElement?.parentElement, it.nextElementSibling];
    const isSeen = shown.some((part) => {
      if (!(part instanceof HTMLElement || part instanceof SVGElement)) return false;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(part);
      return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
    });
    const frame = it.parentElement === null ? '' : getComputedStyle(it).borderColor;
    const isField = it.matches('input, textarea, select') && frame !== '';
    return { control: it.dataset.control ?? null, isSeen: isSeen || isField };
  });
}

async function walk(page: Page, where: string): Promise<void> {
  const wanted = await markControls(page);
  expect(wanted.length, where).toBeGreaterThan(3);
  const reached = new Set<string>();
  const unseen: string[] = [];
  await page.evaluate(() => {
    (document.activeElement as HTMLElement | null)?.blur();
    window.scrollTo(0, 0);
  });
  // Every control once, those that came up meanwhile (a long list reads on), and the way round the browser's own.
  for (let step = 0; reached.size < wanted.length; step++) {
    if (step % 50 === 49 && step > 2 * (await nControls(page)) + 40) break;
    await page.keyboard.press('Tab');
    const stop = await focused(page);
    const control = stop?.control ?? null;
    if (stop === null || control === null) continue;
    reached.add(control);
    if (!stop.isSeen) unseen.push(control);
  }
  const left = await page.evaluate(() => [...document.querySelectorAll<HTMLElement>('[data-control]')].map((it) => it.dataset.control));
  // What went meanwhile, as the way to older lines at the end of a list, need not be reached.
  expect(wanted.filter((it) => !reached.has(it) && left.includes(it)), `${where}: not reached by Tab`).toEqual([]);
  expect(unseen, `${where}: focus cannot be seen`).toEqual([]);
}

test('Tab reaches every control of a case', async ({ page }) => {
  await openFile(page, 'keys.nii', writeNifti(bodyAs('LPS')));
  await dragLesion(page, 'axial', 1);
  await segment(page);
  await propagate(page);
  await walk(page, 'segment');
  for (const tab of ['measure', 'history', 'review']) {
    await openTab(page, tab);
    // The curve of areas is a control, too, once it is measured.
    if (tab === 'measure') await expect(page.locator('.area-curve svg').first()).toBeVisible();
    await walk(page, tab);
  }
});

for (const [path, sign] of [
  ['/', 'open-sample'],
  ['/diagnosis', 'checks'],
  ['/tasks', 'task-search'],
  ['/settings', 'settings'],
  ['/audit', 'audit-count'],
] as const) {
  test(`Tab reaches every control of ${path}`, async ({ page }) => {
    await page.goto(path);
    await expect(page.getByTestId(sign).first()).toBeVisible();
    await walk(page, path);
  });
}

test('a case can be worked on by touch at 1024 × 768', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL, viewport: { width: 1024, height: 768 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await openFile(page, 'touch.nii', writeNifti(bodyAs('LPS')));
  await viewerReady(page);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, a[href], [role="tab"]')]
      .filter((it) => it.checkVisibility({ visibilityProperty: true }))
      .map((it) => ({ name: it.dataset.testid ?? it.getAttribute('aria-label') ?? it.textContent, box: it.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 1 && (box.width < 24 || box.height < 24))
      .map(({ name, box }) => `${name}: ${Math.round(box.width)} × ${Math.round(box.height)}`),
  );
  expect(small).toEqual([]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBe(0);
  await page.screenshot({ path: 'test-results/pages/job-touch.png' });
  await context.close();
});

test('no control of a case leaves the page, however narrow it is and long the name', async ({ page }) => {
  await openFile(page, `${'CT_abdomen_portal_venous_'.repeat(3)}.nii`, writeNifti(bodyAs('LPS')));
  for (const language of ['en', 'ko', 'zh']) {
    await page.evaluate((code) => {
      localStorage.setItem('voxloop.language', code);
    }, language);
    await page.reload();
    await viewerReady(page);
    for (const width of [1920, 1280, 1024, 961, 960, 620, 390]) {
      await page.setViewportSize({ width, height: 720 });
      const outside = await page.evaluate(() => ({
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        controls: [...document.querySelectorAll<HTMLElement>('.header button, .header a, .header select, .header h1')]
          .filter((it) => it.getBoundingClientRect().right > window.innerWidth || it.getBoundingClientRect().left < 0)
          .map((it) => it.dataset.testid ?? it.textContent),
      }));
      expect(outside, `${language} at ${width}`).toEqual({ overflow: 0, controls: [] });
    }
  }
});
