// The task monitor: live states, logs, remedies, retry, cancel, order, rates.
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from './axe';
import { ask, beat, claim, complete, fail, openTiny, waiting } from './agent';
import { expect, Server, test } from './server';

function row(page: Page, taskId: string): Locator {
  return page.locator(`[data-testid="task-row"][data-task="${taskId}"]`);
}

async function openMonitor(page: Page): Promise<void> {
  await page.goto(server.url);
  await page.getByTestId('to-tasks').click();
  await expect(page.getByTestId('tasks')).toBeVisible();
}

/** A server of its own whose tasks wait for an agent by hand. */
let server: Server;

test.beforeAll(async () => {
  server = await Server.start();
  await server.down();
  await server.up(['--no-agent']);
});

test.afterAll(async () => {
  await server.remove();
});

test('a task is followed live, says why it failed and what to do, and is run again', async ({ page }) => {
  const jobId = await openTiny(server, 'chest.nrrd');
  await openMonitor(page);
  await expect(page.getByTestId('tasks-empty')).toBeVisible();
  const taskId = await ask(server, jobId, 1);
  await expect(row(page, taskId)).toHaveAttribute('data-state', 'queued');
  await expect(row(page, taskId)).toContainText('Waiting');
  await expect(page.getByTestId('count-queued')).toContainText('1');
  await expect(row(page, taskId).getByTestId('task-reason')).toHaveText('No agent asks for work: start one');
  await row(page, taskId).getByTestId('task-unfold').click();
  await expect(page.getByTestId('task-waiting')).toHaveText('No agent asks for work: start one');
  await expectAccessible(page, 'a waiting task, unfolded');

  const lease = await claim(server);
  await expect(page.getByTestId('task-waiting')).toHaveCount(0);
  await expect(row(page, taskId)).toContainText('Running');
  await expect(row(page, taskId)).toContainText('bench-3');
  await beat(server, lease, 1, 4);
  await expect(row(page, taskId)).toContainText('25 %');
  await fail(server, lease);
  await expect(row(page, taskId)).toContainText('Failed');
  const steps = page.getByTestId('log-line');
  await expect(steps).toHaveCount(4);
  expect(await steps.evaluateAll((lines) => lines.map((line) => line.getAttribute('data-step')))).toEqual([
    'queued',
    'granted',
    'stage',
    'failed',
  ]);
  await expect(page.getByTestId('task-why')).toContainText('the box holds one intensity');
  await expect(page.getByTestId('task-why')).toContainText('draw a larger box');
  await expectAccessible(page, 'a failed task, unfolded');

  await row(page, taskId).getByTestId('task-retry').click();
  await expect(page.getByTestId('task-row')).toHaveCount(2);
  const [again = ''] = await waiting(server);
  expect(again).not.toBe(taskId);
  await expect(row(page, again)).toContainText('Waiting');
  await expect(steps.last()).toHaveAttribute('data-step', 'retried');
  const second = await claim(server);
  expect(second.task_id).toBe(again);
  expect(second.spec).toEqual(lease.spec);
  await complete(server, second, 1);
  await expect(row(page, again)).toContainText('Done');
  await expect(page.getByTestId('count-succeeded')).toContainText('1');

  await row(page, again).getByRole('link', { name: 'chest.nrrd' }).click();
  await page.waitForURL(new RegExp(`/jobs/${jobId}`));
});

test('a person changes the order of waiting tasks and stops what is not needed', async ({ page }) => {
  const [a, b] = [await openTiny(server, 'first.nrrd'), await openTiny(server, 'second.nrrd')];
  const tasks = [await ask(server, a, 1), await ask(server, b, 1), await ask(server, b, 2)];
  const [first = '', second = '', third = ''] = tasks;
  await openMonitor(page);
  await page.getByTestId('count-queued').click();
  await expect(page.getByTestId('task-row')).toHaveCount(3);
  await expect(row(page, first).getByTestId('task-earlier')).toBeDisabled();
  await expect(row(page, third).getByTestId('task-later')).toBeDisabled();
  await row(page, third).getByTestId('task-earlier').press('Enter');
  await expect(row(page, third)).toContainText('No. 1 in line');
  expect(await waiting(server)).toEqual([third, first, second]);
  await expect(page.getByTestId('task-row').first()).toHaveAttribute('data-task', third);
  await row(page, first).getByTestId('task-later').press('Enter');
  await expect(row(page, first)).toContainText('No. 3 in line');
  expect(await waiting(server)).toEqual([third, second, first]);

  await row(page, second).getByTestId('task-cancel').click();
  await expect(row(page, second)).toHaveCount(0);
  const lease = await claim(server);
  expect(lease.task_id).toBe(third);
  await page.getByTestId('count-leased').click();
  await row(page, third).getByTestId('task-cancel').click();
  await expect(row(page, third)).toContainText('Stopping');
  await page.getByTestId('count-all').click();
  await expect(row(page, second)).toContainText('Stopped');

  await page.getByTestId('task-search').fill('FIRST');
  await expect(page.getByTestId('task-row')).toHaveCount(1);
  await page.getByTestId('task-search').fill('nobody');
  await expect(page.getByTestId('tasks-empty')).toBeVisible();
});

test('rates are shown as bars and as a table', async ({ page }) => {
  const jobId = await openTiny(server, 'rates.nrrd');
  await openMonitor(page);
  await page.getByText('1 hour', { exact: true }).click();
  const before = await page.getByTestId('bar-succeeded').count();
  await ask(server, jobId, 1);
  let lease = await claim(server);
  while (lease.spec.prompt?.slice_index !== 1) lease = await claim(server);
  await complete(server, lease, 1);
  await expect(page.getByTestId('bar-succeeded')).not.toHaveCount(before === 0 ? 0 : before - 1);
  await expect(page.getByRole('img', { name: /tasks done/ })).toBeVisible();
  await page.getByTestId('rates-as-table').click();
  await expect(page.getByTestId('rates-table').getByRole('row').last()).toBeVisible();
  const all = (await page.getByTestId('count-succeeded').locator('.number').innerText()).trim();
  const done = page.getByTestId('rates-table').locator('tbody tr td:nth-child(2)');
  const sum = async (): Promise<string> => String((await done.allInnerTexts()).reduce((total, text) => total + Number(text), 0));
  await expect.poll(sum).toBe(all);
});
