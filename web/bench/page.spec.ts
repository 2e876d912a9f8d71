// How soon a slice of a large volume is seen, and what the page weighs; each figure is the median of five.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page, Response } from '@playwright/test';
import { colourAt } from '../e2e/screen';
import { expect, test, type Server } from '../e2e/server';
import { figure, median, report, upload } from './figures';

const RUNS = 5;

interface Watched {
  firstSliceMs?: number;
}

/** Runs in the page: notes when a canvas first shows a picture rather than one colour, one frame later. */
function watchCanvas(): void {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const isPicture = (canvas: HTMLCanvasElement): boolean => {
    if (probe === null || canvas.width === 0 || canvas.height === 0) return false;
    probe.clearRect(0, 0, 64, 64);
    probe.drawImage(canvas, 0, 0, 64, 64);
    const { data } = probe.getImageData(0, 0, 64, 64);
    const greys = data.filter((_, at) => at % 4 === 0);
    return greys.filter((grey) => grey > 32).length > 200 && new Set(greys).size > 16;
  };
  const look = (): void => {
    // The overlay with lines and letters is no slice.
    const canvases = document.querySelectorAll<HTMLCanvasElement>('[data-testid=viewer] canvas:not(.overlay)');
    if (![...canvases].some(isPicture)) {
      requestAnimationFrame(look);
      return;
    }
    requestAnimationFrame(() => {
      (window as Watched).firstSliceMs = performance.now();
    });
  };
  requestAnimationFrame(look);
}

interface Opened {
  /** From the start of the navigation to the frame after the one that holds a slice. */
  readonly firstSliceSecs: number;
  /** To all voxels: from then on the page draws slices by itself. */
  readonly volumeSecs: number;
  /** Code and styles, as they were sent. */
  readonly kilobytes: number;
}

/** Bytes of the page's own files, as they were sent. */
function weigh(page: Page): () => Promise<number> {
  const answers: Response[] = [];
  page.on('response', (answer) => {
    const { pathname } = new URL(answer.url());
    if (!/^\/(api|events|health)/.test(pathname) && answer.url().startsWith('http')) answers.push(answer);
  });
  return async () => {
    const sizes = await Promise.all(answers.map((answer) => answer.request().sizes()));
    return sizes.reduce((sum, { responseBodySize }) => sum + responseBodySize, 0) / 1000;
  };
}

/** Opens the job in a browser that has never been here, on a server that has just started. */
async function open(browser: Browser, server: Server, jobId: string): Promise<Opened> {
  await server.down();
  await server.up();
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  const weight = weigh(page);
  await page.addInitScript(watchCanvas);
  await page.goto(`${server.url}/jobs/${jobId}`, { waitUntil: 'commit' });
  const seen = await page.waitForFunction(() => (window as Watched).firstSliceMs, null, { polling: 'raf' });
  const firstSliceMs = (await seen.jsonValue()) ?? Number.NaN;
  await expect(page.getByTestId('viewer')).toHaveAttribute('data-volume', 'ready');
  const volumeMs = await page.evaluate(() => performance.now());
  const box = await page.getByTestId('overlay').boundingBox();
  if (box === null) throw new Error('no slices on the page');
  const [grey] = await colourAt(page, { x: box.x + box.width * 0.45, y: box.y + box.height * 0.45 });
  expect(grey).toBeGreaterThan(16);
  const opened = { firstSliceSecs: firstSliceMs / 1000, volumeSecs: volumeMs / 1000, kilobytes: await weight() };
  await context.close();
  return opened;
}

test('first slice and weight of the page', async ({ browser, server }) => {
  const folder = mkdtempSync(join(tmpdir(), 'voxloop-bench-page-'));
  try {
    const jobId = await upload(server, folder);
    const runs: Opened[] = [];
    for (let run = 0; run < RUNS; run++) runs.push(await open(browser, server, jobId));
    const slices = runs.map(({ firstSliceSecs }) => firstSliceSecs);
    const weights = runs.map(({ kilobytes }) => kilobytes);
    const volumes = median(runs.map(({ volumeSecs }) => volumeSecs));
    report(
      'bench-page',
      [
        figure('first slice of 512×512×120, cold server and browser', 's', slices, 1.5),
        figure('page with everything a job needs, as sent', 'kB', weights, 700),
      ],
      { 'seconds to all voxels': volumes },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
