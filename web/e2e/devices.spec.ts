// Devices: live cards, what runs there, silence, removal for everybody, and how to add a machine.
import type { Page } from '@playwright/test';
import { ask, claim, fail, openTiny } from './agent';
import { expectAccessible } from './axe';
import { expect, Server, test } from './server';

/** As the agent that `claim` asks with. */
const AGENT = '00000000-0000-4000-8000-000000000001';

/** A server whose devices are those that speak here. */
let server: Server;

/** Without an agent of its own from the first: a machine that was heard once is a device. */
async function start(): Promise<Server> {
  return Server.start(['--no-agent']);
}

test.beforeAll(async () => {
  server = await start();
  // What the last test removes is silent from now on.
  await beat({ ...HOST, host_id: 'gone', gpus: [GPU] });
});

test.afterAll(async () => {
  await server.remove();
});

async function beat(body: Record<string, unknown>, to: Server = server): Promise<void> {
  const answer = await fetch(`${to.url}/api/devices/heartbeat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
}

/** Lets a machine speak every second while `act` goes on: however slow the browser is, it does not fall silent. */
async function speaking(body: Record<string, unknown>, to: Server, act: () => Promise<void>): Promise<void> {
  await beat(body, to);
  const timer = setInterval(() => void beat(body, to).catch(() => undefined), 1000);
  try {
    await act();
  } finally {
    clearInterval(timer);
  }
}

const GPU = {
  id: 0,
  name: 'NVIDIA H200',
  util: 3,
  vram_used: 1.5,
  vram_total: 140.4,
  temperature: 41,
  power_usage: 118.9,
  processes: [{ pid: 4711, name: 'python', vram_used: 1.5 }],
};

const HOST = { cpu_util: 12, memory_used: 20.5, memory_total: 128, disk_free: 512, disk_total: 1024, version: '0.1.0' };

async function openDevices(page: Page, at: Server = server): Promise<void> {
  await page.goto(at.url);
  await page.getByTestId('to-devices').click();
}

test('the empty page shows how an agent is started, and a machine appears when it speaks', async ({ page }) => {
  const empty = await start();
  await openDevices(page, empty);
  await expect(page.getByTestId('devices-empty')).toBeVisible();
  await expect(page.getByTestId('agent-command')).toHaveText(`voxloop agent --server ${empty.url}`);
  await expectAccessible(page, 'no devices');
  const card = page.locator('[data-host="gpu-1"]');
  await speaking({ ...HOST, device_name: 'gpu-1', gpus: [GPU] }, empty, async () => {
    await expect(card.getByTestId('device-status')).toHaveText('Idle');
    await expect(card).toContainText('NVIDIA H200');
    await expect(card).toContainText('1.5 of 140 GB');
    await expect(card.getByTestId('temperature')).toHaveText('41 °C');
    await expect(card.getByTestId('processes')).toContainText('python');
    await expect(card).toContainText('512 of 1,024 GB free');
    await expect(page.getByTestId('add-machine')).toBeVisible();
  });
  await speaking({ ...HOST, host_id: 'gpu-1', gpus: [{ ...GPU, util: 97 }] }, empty, async () => {
    await expect(card.getByTestId('device-status')).toHaveText('Busy');
    await expect(card.getByTestId('curve')).toHaveCount(4);
    await expectAccessible(page, 'a device');
  });
  await empty.remove();
});

test('a task shows where it runs, and a machine that falls silent is suspect', async ({ page }) => {
  const card = page.locator('[data-host="bench"]');
  await speaking({ ...HOST, host_id: 'bench', agent_id: AGENT }, server, async () => {
    await openDevices(page);
    await expect(card.getByTestId('device-status')).toHaveText('Idle');
    const jobId = await openTiny(server, 'chest.nrrd');
    await ask(server, jobId, 1);
    const lease = await claim(server);
    await expect(card.getByTestId('device-tasks')).toContainText('chest.nrrd');
    await expect(card.getByTestId('device-status')).toHaveText('Busy');
    await fail(server, lease);
    await expect(card.getByTestId('device-tasks')).toHaveCount(0);
  });
  // Nothing speaks for it any more: the server says so by itself.
  await expect(card.getByTestId('device-status')).toHaveText('Suspect');
  await expect(card.getByTestId('remove-device')).toHaveCount(0);
});

test('who reconnects sees the newest state of each machine', async ({ page }) => {
  await beat({ ...HOST, host_id: 'a' });
  await openDevices(page);
  await expect(page.locator('[data-host="a"]')).toContainText('12 %');
  await server.down();
  await expect(page.getByTestId('connection-lost')).toBeVisible();
  await server.up(['--no-agent']);
  await beat({ ...HOST, host_id: 'a', cpu_util: 64 });
  await beat({ ...HOST, host_id: 'b' });
  await expect(page.locator('[data-host="a"]')).toContainText('64 %');
  await expect(page.locator('[data-host="b"]')).toBeVisible();
});

test('a machine that is gone is removed after a minute, and its card disappears for everybody', async ({ page, browser }) => {
  test.setTimeout(120_000);
  const other = await browser.newPage();
  await openDevices(page);
  await openDevices(other);
  const card = page.locator('[data-host="gone"]');
  await expect(card).toHaveAttribute('data-status', 'offline');
  await expect(card).toContainText('as it was');
  await card.getByTestId('remove-device').click({ timeout: 75_000 });
  await expect(card).toHaveCount(0);
  await expect(other.locator('[data-host="gone"]')).toHaveCount(0);
  await speaking({ ...HOST, host_id: 'gone' }, server, async () => {
    await expect(other.locator('[data-host="gone"]')).toHaveAttribute('data-status', 'idle');
    await expectAccessible(page, 'devices');
  });
  await other.close();
});
