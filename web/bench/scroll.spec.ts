// Going through the slices of a large volume: how long a step takes, from the key to the frame after it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from '../e2e/server';
import { figure, median, report, upload } from './figures';

const STEPS = 80;

/** Milliseconds of each step: a key is pressed, and the frame is awaited in which the slice is painted. */
function stepsOf(page: Page): Promise<number[]> {
  return page.evaluate(async (n) => {
    const overlay = document.querySelector('canvas.overlay');
    const frame = (): Promise<unknown> => new Promise((resolve) => requestAnimationFrame(resolve));
    const times: number[] = [];
    for (let step = 0; step < n; step++) {
      await frame();
      const started = performance.now();
      overlay?.dispatchEvent(new KeyboardEvent('keydown', { key: step < n / 2 ? 'ArrowUp' : 'ArrowDown', bubbles: true }));
      await frame();
      times.push(performance.now() - started);
    }
    return times;
  }, STEPS);
}

test('scrolling through 512×512×120', async ({ browser, server }) => {
  const folder = mkdtempSync(join(tmpdir(), 'voxloop-bench-scroll-'));
  try {
    const jobId = await upload(server, folder);
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
    const page = await context.newPage();
    await page.goto(`${server.url}/jobs/${jobId}`);
    await expect(page.getByTestId('viewer')).toHaveAttribute('data-volume', 'ready');
    const figures = [];
    for (const [key, words] of [['1', 'one plane'], ['5', 'three planes']] as const) {
      await page.getByTestId('overlay').press(key);
      await stepsOf(page);
      const times = (await stepsOf(page)).sort((a, b) => a - b);
      figures.push(figure(`a step through the slices, ${words}: median`, 'ms', [median(times)], 50));
      figures.push(figure(`a step through the slices, ${words}: 95 of 100`, 'ms', [times[Math.floor(times.length * 0.95)] ?? Number.NaN], 100));
    }
    report('bench-scroll', figures, {});
    await context.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
