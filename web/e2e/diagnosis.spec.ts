// The diagnosis: reached from the list, finds a damaged file and says what to do, in three languages and two sizes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { openFile } from './screen';
import { expect, test } from './server';

/** Three words in Latin letters in a row: a sentence that nobody translated. */
const LATIN_SENTENCE = /\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b/;

/** Changes one byte of the one stored file. */
function damage(blobs: string): string {
  const [folder = ''] = readdirSync(blobs);
  const [name = ''] = readdirSync(join(blobs, folder));
  const path = join(blobs, folder, name);
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(path, bytes);
  return name;
}

test('a damaged file is found, with its remedy', async ({ page, server, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await openFile(page, 'secret-name.nii', writeNifti(bodyAs('LAS')));
  await page.getByTestId('back').click();
  await page.getByTestId('to-diagnosis').click();
  await expect(page).toHaveURL(/\/diagnosis$/);
  const blobs = page.locator('[data-check="blobs"]');
  await expect(blobs).toHaveAttribute('data-state', 'ok');
  await expect(page.locator('[data-check="agents"]')).toHaveAttribute('data-state', 'ok');

  const name = damage(server.path('blobs'));
  await page.getByTestId('examine').click();
  await expect(blobs).toHaveAttribute('data-state', 'error');
  await expect(blobs).toContainText(name);
  await expect(blobs.getByTestId('remedy')).toContainText('backup');
  await expect(page.getByTestId('checks').getByTestId('check').first()).toHaveAttribute('data-check', 'blobs');
  await expect(page.getByTestId('diagnosis-summary')).toHaveAttribute('data-worst', 'error');

  await blobs.getByTestId('copy').click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('backup');
  await page.getByTestId('copy-report').click();
  const report = await page.evaluate(() => navigator.clipboard.readText());
  expect(report).toContain(name);
  expect(report).not.toContain('secret-name');
  const downloading = page.waitForEvent('download');
  await page.getByTestId('download-report').click();
  const file = readFileSync(await (await downloading).path(), 'utf8');
  expect((JSON.parse(file) as { worst: string }).worst).toBe('error');

  for (const [code, title] of [
    ['ko', '진단'],
    ['zh', '诊断'],
    ['en', 'Diagnosis'],
  ] as const) {
    await page.getByTestId('language').click();
    await page.getByTestId(`language-${code}`).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
    await expect(blobs).toContainText(name);
    for (const line of await page.locator('.check-words :is(p:not(.check-command), li)').allInnerTexts()) {
      // The licence of weights is quoted, and commands stay as they are typed.
      const words = line.replaceAll(/`.*?`|research and education only/g, '');
      if (code !== 'en') expect(words).not.toMatch(LATIN_SENTENCE);
    }
    await page.screenshot({ path: `test-results/diagnosis-words-${code}.png`, fullPage: true });
    for (const [width, height] of [
      [1024, 768],
      [1280, 720],
    ] as const) {
      await page.setViewportSize({ width, height });
      // A menu that is just closing still lies where it opened, in the wider window.
      await expect
        .poll(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth))
        .toBe(0);
      await page.screenshot({ path: `test-results/diagnosis-${code}-${width}.png` });
    }
  }
});

test('a server that is gone is said, with what can still be done', async ({ page, server }) => {
  await page.goto('/diagnosis');
  await expect(page.getByTestId('checks')).toBeVisible();
  await server.down();
  await page.getByTestId('examine').click();
  await expect(page.getByTestId('diagnosis-error')).toContainText('voxloop doctor');
  await server.up();
  await page.getByTestId('diagnosis-error').getByRole('button').click();
  await expect(page.getByTestId('diagnosis-error')).toHaveCount(0);
});
