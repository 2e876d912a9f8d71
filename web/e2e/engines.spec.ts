// Which engine runs, which file one lacks and where, and what made a mask. The network is a small one with random weights.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeNifti } from './nifti';
import { bodyAs } from './phantom';
import { dragLesion, openFile, propagate, segment, viewerReady } from './screen';
import { expect, test } from './server';

const FIXTURE = join(import.meta.dirname, '..', '..', 'fixtures', 'medsam2-micro');
/** Of the fixture's checkpoint, by `sha256sum`. */
const SHA256 = 'ca5d49a44b5e47d7fce5f837ebbff20dfb29f9a8b73dd0c9738c59e52c2f6a98';

test('the network is offered once its weights are there, prepares the slice, and signs its masks', async ({ page, request, server }) => {
  const job = await openFile(page, 'engines.nii', writeNifti(bodyAs('LPS')));
  await expect(page.getByTestId('engine')).toHaveValue(/Graph cut/);
  await expect(page.getByTestId('engine-missing-medsam2')).toContainText('models/MedSAM2_latest.pt');

  const models = server.path('models');
  mkdirSync(models, { recursive: true });
  copyFileSync(join(FIXTURE, 'checkpoint.pt'), join(models, 'MedSAM2_latest.pt'));
  copyFileSync(join(FIXTURE, 'config.yaml'), join(models, 'sam2.1_hiera_t512.yaml'));
  try {
    const reloaded = (await (await request.post('/api/v1/system/model/reload')).json()) as { engines: { name: string }[] };
    expect(reloaded.engines[0]?.name).toBe('medsam2');
    const looking = page.waitForResponse((response) => response.url().endsWith(`/jobs/${job}/prepare`));
    await page.reload();
    await viewerReady(page);
    const prepared = await looking;
    expect(((await prepared.json()) as { preparation: string }).preparation).toBe('begun');
    await expect(page.getByTestId('engine')).toHaveValue(/MedSAM2/);
    const facts = page.getByTestId('engine-facts').first();
    await expect(facts).toContainText('MedSAM2_latest.pt');
    await expect(facts).toContainText('CC-BY-SA-4.0');
    await expect(facts.locator('.digest')).toHaveAttribute('title', SHA256);
    await expect(facts.getByTestId('digest')).toHaveText(`${SHA256.slice(0, 12)}…`);

    await dragLesion(page, 'axial');
    await segment(page);
    const madeBy = page.getByTestId('made-by');
    await expect(madeBy).toContainText('MedSAM2');
    await expect(madeBy).toContainText('MedSAM2_latest.pt');
    await expect(madeBy.locator('.digest')).toHaveAttribute('title', SHA256);

    await page.getByTestId('largest').check({ force: true });
    await page.getByTestId('agreed').check({ force: true });
    await propagate(page);
    const { revisions } = (await (await request.get(`/api/v1/jobs/${job}/revisions`)).json()) as {
      revisions: { parameters: { combine?: string; largest_component?: boolean } }[];
    };
    expect(revisions.at(-1)?.parameters).toMatchObject({ combine: 'intersection', largest_component: true });
    await page.screenshot({ path: 'test-results/engines.png' });
  } finally {
    rmSync(models, { recursive: true });
    await request.post('/api/v1/system/model/reload');
  }
});
