// Requests for programs of a laboratory: asked for on the page, run by an agent by hand, files taken away.
import { readFileSync } from 'node:fs';
import type { Locator, Page } from '@playwright/test';
import { beat, call, deliver, type Lease } from './agent';
import { expectAccessible } from './axe';
import { expect, Server, test } from './server';

let server: Server;

test.beforeAll(async () => {
  server = await Server.start();
  await server.down();
  await server.up(['--no-agent']);
});

test.afterAll(async () => {
  await server.remove();
});

const AGENT = { agent_id: '00000000-0000-4000-8000-000000000002', name: 'gpu-box', protocol: 2, kinds: ['external'], engines: [], programs: ['clam'] };

/** Asks for work without waiting: the server then knows which program the agent offers. */
async function present(): Promise<void> {
  const answer = await fetch(`${server.url}/api/v1/claims`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...AGENT, wait_secs: 0 }),
  });
  expect(answer.status).toBe(204);
}

function claim(): Promise<Lease> {
  return call(server, 'POST', '/api/v1/claims', { ...AGENT, wait_secs: 5 });
}

async function finish(lease: Lease): Promise<void> {
  const bytes = Buffer.from('a heat map');
  const sha256 = await deliver(server, lease, bytes);
  const file = { name: 'maps/heat.png', sha256, size: bytes.length, media_type: 'image/png' };
  const external = { result: { class: 'LUAD', probability: 0.93 }, files: [file] };
  await call(server, 'POST', `/api/v1/tasks/${lease.task_id}/complete`, { fence: lease.fence, external });
}

async function openDesk(page: Page): Promise<void> {
  await page.goto(server.url);
  await page.getByTestId('to-requests').click();
  await expect(page.getByTestId('request-form')).toBeVisible();
}

function rows(page: Page): Locator {
  return page.getByTestId('request-row');
}

test('without an agent the page says so at once', async ({ page }) => {
  await openDesk(page);
  await expect(page.getByTestId('no-agent')).toContainText('voxloop agent');
  await expect(page.getByTestId('requests-empty')).toBeVisible();
  await expect(page.getByTestId('request-send')).toBeDisabled();
  await expectAccessible(page, 'requests without an agent');
});

test('a program is asked for with arguments and a file, followed, and its files are taken away', async ({ page }) => {
  await present();
  await openDesk(page);
  await expect(page.getByTestId('no-agent')).toHaveCount(0);
  await expect(page.getByTestId('request-program')).toHaveValue('clam – gpu-box');
  const given = page.getByTestId('request-arguments');
  await given.fill('{ "slide": ');
  await expect(page.getByTestId('request-send')).toBeDisabled();
  await given.fill('{ "slide": "S-1" }');
  await page.locator('input[type="file"]').setInputFiles({ name: 'slide.svs', mimeType: 'application/octet-stream', buffer: Buffer.from('a slide') });
  await page.getByTestId('request-send').click();
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toHaveAttribute('data-state', 'queued');
  await expect(rows(page)).toContainText('clam');

  const lease = await claim();
  await expect(rows(page)).toHaveAttribute('data-state', 'leased');
  await expect(rows(page)).toContainText('gpu-box');
  await beat(server, lease, 1, 4);
  await expect(rows(page)).toContainText('25 %');
  await page.getByTestId('request-unfold').click();
  await expect(page.getByTestId('request-shown-arguments')).toContainText('"slide": "S-1"');
  await expect(page.getByTestId('request-whole')).toContainText('slide.svs');
  await finish(lease);
  await expect(rows(page)).toHaveAttribute('data-state', 'succeeded');
  await expect(page.getByTestId('request-result')).toContainText('LUAD');
  await expectAccessible(page, 'a request that is done, unfolded');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('request-file').click()]);
  expect(download.suggestedFilename()).toBe('heat.png');
  expect(readFileSync(await download.path(), 'utf8')).toBe('a heat map');

  await page.getByTestId('to-tasks').click();
  await expect(page.getByTestId('task-row')).toContainText('Running a program');
  await page.getByTestId('to-requests').click();
  await page.getByTestId('request-delete').click();
  await expectAccessible(page, 'the question before a request is deleted');
  await page.getByTestId('request-delete-yes').click();
  await expect(page.getByTestId('requests-empty')).toBeVisible();
});

test('a failed request says why and is asked for again; one that waits is withdrawn', async ({ page }) => {
  await present();
  await call(server, 'POST', '/api/v1/requests', { program: 'clam', arguments: {} });
  const lease = await claim();
  const failure = { class: 'permanent', code: 'program_failed', message: 'the program failed with exit code 3: no tissue' };
  await call(server, 'POST', `/api/v1/tasks/${lease.task_id}/fail`, { fence: lease.fence, failure });
  await openDesk(page);
  await expect(rows(page)).toContainText('no tissue');
  await page.getByTestId('request-retry').click();
  await expect(rows(page)).toHaveCount(2);
  const second = rows(page).first();
  await expect(second).toHaveAttribute('data-state', 'queued');
  await second.getByTestId('request-cancel').click();
  await expect(second).toHaveAttribute('data-state', 'cancelled');
});
