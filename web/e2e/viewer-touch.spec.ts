// Fingers on the slices: one uses the tool, two move and magnify, three change the window, one that rests moves the crosshair.
import type { CDPSession, Page } from '@playwright/test';
import { writeNifti } from './nifti';
import { boxOf, fitOf, paneSlice, placeIn } from './panes';
import { bodyAs, RAS_SPACING } from './phantom';
import { boxNumbers, openFile, placeOf } from './screen';
import { expect, test } from './server';

test.use({ hasTouch: true, viewport: { width: 1024, height: 768 } });

const BODY = writeNifti(bodyAs('RAS'));

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Fingers of a hand, by the browser's own input. */
class Hand {
  private constructor(private readonly cdp: CDPSession) {}

  static async on(page: Page): Promise<Hand> {
    return new Hand(await page.context().newCDPSession(page));
  }

  async down(...places: readonly Place[]): Promise<void> {
    // Fingers come down one after the other.
    for (let n = 1; n <= places.length; n++) await this.send('touchStart', places.slice(0, n));
  }

  async move(...places: readonly Place[]): Promise<void> {
    await this.send('touchMove', places);
  }

  async up(): Promise<void> {
    await this.send('touchEnd', []);
  }

  private async send(type: 'touchStart' | 'touchMove' | 'touchEnd', places: readonly Place[]): Promise<void> {
    await this.cdp.send('Input.dispatchTouchEvent', { type, touchPoints: places.map(({ x, y }, id) => ({ x, y, id })) });
  }
}

function beside({ x, y }: Place, dx: number, dy: number): Place {
  return { x: x + dx, y: y + dy };
}

test('two fingers magnify about the place between them and move it; the tool does nothing meanwhile', async ({ page }) => {
  await openFile(page, 'pinch.nii', BODY);
  const hand = await Hand.on(page);
  const box = await boxOf(page.getByTestId('overlay'));
  const scale = fitOf(box, 'axial');
  await page.getByTestId('tool-box').click();
  const middle = await placeOf(page, 'axial', [40, 32, 20]);
  await hand.down(beside(middle, -40, 0), beside(middle, 40, 0));
  await hand.move(beside(middle, -60, 0), beside(middle, 60, 0));
  await hand.move(beside(middle, -100, 30), beside(middle, 100, 30));
  await hand.up();
  await expect(page.getByTestId('box-x1')).toHaveCount(0);
  // 2.5 times as large, and the place between the fingers went 30 pixels down with them.
  await page.getByTestId('tool-navigate').click();
  const perVoxel = scale * 2.5 * RAS_SPACING[0];
  const there = beside(middle, -3 * perVoxel, 30);
  await page.touchscreen.tap(there.x, there.y);
  await expect(page.getByTestId('readout-voxel')).toHaveText('43, 32, 20');
});

test('one finger draws a box; one that rests moves the crosshair instead', async ({ page }) => {
  await openFile(page, 'finger.nii', BODY);
  const hand = await Hand.on(page);
  await page.getByTestId('overlay').press('5');
  await page.getByTestId('tool-box').click();
  const [from, to] = [await placeIn(page, 'axial', [53, 38, 20]), await placeIn(page, 'axial', [35, 22, 20])];
  await hand.down(from);
  await hand.move(beside(from, 30, 30));
  await hand.move(to);
  await hand.up();
  expect(await boxNumbers(page)).toEqual([35, 22, 53, 38]);
  const resting = await placeIn(page, 'axial', [60, 30, 20]);
  const onwards = await placeIn(page, 'axial', [20, 12, 20]);
  await hand.down(resting);
  await expect.poll(() => paneSlice(page, 'sagittal')).toBe(60);
  await hand.move(onwards);
  await hand.up();
  expect([await paneSlice(page, 'sagittal'), await paneSlice(page, 'coronal')]).toEqual([20, 12]);
  expect(await boxNumbers(page)).toEqual([35, 22, 53, 38]);
});

test('three fingers change the window', async ({ page }) => {
  await openFile(page, 'window.nii', BODY);
  const hand = await Hand.on(page);
  const at = await placeOf(page, 'axial', [36, 30, 20]);
  const fingers = (dx: number): readonly Place[] => [-60, 0, 60].map((offset) => beside(at, offset + dx, 0));
  await hand.down(...fingers(0));
  await hand.move(...fingers(50));
  await hand.move(...fingers(100));
  await hand.up();
  // As with the right button: 100 pixels to the right widen −160 … 240 by 200, half on each side.
  await expect(page.getByTestId('window-low')).toHaveValue('-260');
  await expect(page.getByTestId('window-high')).toHaveValue('340');
});
