// Painting on a large volume: how soon a stroke is seen, whether the page ever stalls, whether its memory grows.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession, Page } from '@playwright/test';
import { expect, test } from '../e2e/server';
import { alone, figure, median, report, upload } from './figures';

const STROKES = Number(process.env.STROKES ?? 200);
const MOVES = 40;

interface Watched {
  seenMs: number[];
  longMs: number[];
  /** Reading a pixel back costs more than painting it: off while the page's own tasks are timed. */
  isLooking: boolean;
}

/** Runs in the page: from each move of a held pointer to the frame after the one in which its place is coloured. */
function watchStrokes(): void {
  const watched = window as unknown as Watched;
  watched.seenMs = [];
  watched.longMs = [];
  watched.isLooking = true;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) watched.longMs.push(duration);
  }).observe({ type: 'longtask' });
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  // On the window, after the page's own listeners: what the page paints in this very frame is looked at after it.
  window.addEventListener('pointermove', (event) => {
    const masks = document.querySelector<HTMLCanvasElement>('canvas.masks');
    if (!watched.isLooking || event.buttons !== 1 || masks === null || probe === null) return;
    const bounds = masks.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const look = (): void => {
      probe.clearRect(0, 0, 1, 1);
      probe.drawImage(masks, x, y, 1, 1, 0, 0, 1, 1);
      const isSeen = (probe.getImageData(0, 0, 1, 1).data[3] ?? 0) > 0;
      requestAnimationFrame(isSeen ? () => watched.seenMs.push(performance.now() - event.timeStamp) : look);
    };
    requestAnimationFrame(look);
  });
}

function watchedIn(page: Page): Promise<Pick<Watched, 'seenMs' | 'longMs'>> {
  return page.evaluate(() => {
    const { seenMs, longMs } = window as unknown as Watched;
    return { seenMs, longMs };
  });
}

/** Megabytes that are in use once all rubbish is gone: objects, and voxels beside them. */
async function memory(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  const usage = (await session.send('Runtime.getHeapUsage')) as { usedSize: number; backingStorageSize?: number };
  return (usage.usedSize + (usage.backingStorageSize ?? 0)) / 2 ** 20;
}

test('painting on 512×512×120', async ({ browser, server }) => {
  test.setTimeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), 'voxloop-bench-paint-'));
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, baseURL: server.url });
  try {
    const jobId = await upload(server, folder);
    await alone(context);
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const session = await context.newCDPSession(page);
    await page.addInitScript(watchStrokes);
    await page.goto(`/jobs/${jobId}`);
    await expect(page.getByTestId('viewer')).toHaveAttribute('data-volume', 'ready');
    await page.getByTestId('tool-brush').click();
    await page.getByTestId('brush-size').fill('6');
    const box = await page.getByTestId('overlay').boundingBox();
    if (box === null) throw new Error('no slices on the page');
    const saved = async (): Promise<void> => {
      await expect(page.getByTestId('saved')).toHaveAttribute('data-state', 'saved');
    };

    // One long stroke in steps, each to a place that is not yet coloured.
    const at = (step: number): readonly [number, number] => [box.x + box.width / 2 - 200 + 10 * step, box.y + box.height / 2 - 60];
    await page.mouse.move(...at(0));
    await page.mouse.down();
    for (let step = 1; step <= MOVES; step++) {
      await page.mouse.move(...at(step));
      await expect.poll(async () => (await watchedIn(page)).seenMs.length, { intervals: [20] }).toBe(step);
    }
    await page.mouse.up();
    await saved();
    const { seenMs } = await watchedIn(page);

    await page.evaluate(() => {
      const watched = window as unknown as Watched;
      watched.longMs = [];
      watched.isLooking = false;
    });
    let before = 0;
    for (let stroke = 0; stroke < STROKES; stroke++) {
      if (stroke === 20) {
        await saved();
        before = await memory(session);
      }
      const [x, y] = [box.x + box.width / 2 - 150 + 15 * (stroke % 20), box.y + box.height / 2 - 50 + 12 * Math.floor(stroke / 20)];
      await page.mouse.move(x, y);
      await page.mouse.down();
      await page.mouse.move(x + 8, y + 8, { steps: 3 });
      await page.mouse.up();
    }
    await saved();
    const after = await memory(session);
    const { longMs } = await watchedIn(page);
    report(
      'bench-paint',
      [
        figure('stroke to pixel at 512×512×120', 'ms', seenMs, 50),
        figure('longest task while painting', 'ms', [Math.max(0, ...longMs)], 200),
        figure('memory that 180 further edits add', 'MB', [after - before], 16),
      ],
      { 'slowest stroke to pixel, ms': Math.max(...seenMs), 'tasks over 50 ms': longMs.length, 'median of those, ms': longMs.length === 0 ? 0 : median(longMs), 'megabytes after': after },
    );
  } finally {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
