// People: the first admin by the link that the command line makes, an invitation, roles, tokens, an agent's line, one's own account.
import { execFileSync } from 'node:child_process';
import type { Browser, Page } from '@playwright/test';
import { expectAccessible } from './axe';
import { BINARY, expect, Server, test } from './server';

const PASSWORD = 'correct horse battery';

function admin(server: Server, ...args: string[]): string {
  const place = ['--data-dir', server.path('.'), '--public-url', server.url];
  return execFileSync(BINARY, ['admin', ...place, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

/** Takes an invitation up. */
async function join(page: Page, link: string, name: string): Promise<void> {
  await page.goto(link);
  await page.getByTestId('join-name').fill(name);
  await page.getByTestId('join-password').fill(PASSWORD);
  await page.getByTestId('join-button').click();
  await expect(page.getByTestId('to-account')).toHaveText(name);
}

/** Invites somebody on the page; their browser. */
async function invited(browser: Browser, page: Page, role: string, name: string): Promise<Page> {
  await page.getByTestId('invite-role').click();
  await page.getByRole('option', { name: role, exact: true }).click();
  await page.getByTestId('make-invite').click();
  const link = await page.getByTestId('secret-text').innerText();
  await page.getByTestId('secret').getByRole('button', { name: 'Close' }).click();
  const theirs = await (await browser.newContext()).newPage();
  await join(theirs, link, name);
  return theirs;
}

test('an admin invites people, gives and takes rights, and enrols agents', async ({ page, browser }) => {
  const server = await Server.start();
  await page.goto(server.url);
  await expect(page.getByTestId('open-sample')).toBeVisible();
  const link = admin(server, 'invite', '--role', 'admin');
  await page.goto(link);
  await expect(page.getByTestId('join-role')).toContainText('admin');
  await expectAccessible(page, 'join');
  await join(page, link, 'Ada Kim');
  expect(page.url()).toBe(`${server.url}/`);
  await page.getByTestId('open-sample').click();
  await expect(page.getByTestId('overlay')).toBeVisible();
  const job = page.url();

  await page.goto(`${server.url}/people`);
  await expect(page.getByTestId('person-row')).toHaveCount(1);
  for (const language of ['ko', 'zh', 'en']) {
    await page.getByTestId('language').click();
    await page.getByTestId(`language-${language}`).click();
    await expect(page.getByRole('menu')).toHaveCount(0);
    await expectAccessible(page, `people, ${language}`);
  }

  // A viewer looks, and is told why there is no more.
  const viewer = await invited(browser, page, 'viewer', 'Vera');
  await expect(viewer.getByTestId('open-sample')).toHaveCount(0);
  await expect(viewer.getByTestId('to-people')).toHaveCount(0);
  await expect(viewer.getByTestId('to-audit')).toHaveCount(0);
  await viewer.goto(job);
  await expect(viewer.getByTestId('viewer-banner')).toBeVisible();
  await expectAccessible(viewer, 'a case, as viewer');
  await expect(viewer.getByTestId('tool-box')).toBeDisabled();
  await page.reload();
  await expect(page.getByTestId('person-row')).toHaveCount(2);

  // The role changes while the viewer looks on; the next load has it.
  await page.getByTestId('person-row').filter({ hasText: 'Vera' }).getByTestId('person-role').click();
  await page.getByRole('option', { name: 'annotator', exact: true }).click();
  await viewer.reload();
  await expect(viewer.getByTestId('overlay')).toBeVisible();
  await expect(viewer.getByTestId('viewer-banner')).toHaveCount(0);

  // The line for an agent, and its token, shown once.
  await page.getByTestId('make-join').click();
  const line = await page.getByTestId('secret-text').innerText();
  expect(line).toContain(`voxloop agent --server ${server.url} --token-file token --join vxj_`);
  await expectAccessible(page, 'people, with a secret');
  const joined = await page.request.post(`${server.url}/api/v1/agents/enrol`, {
    data: { join: line.slice(line.indexOf('vxj_')), name: 'gpu-box' },
  });
  expect(joined.status()).toBe(201);
  await page.reload();
  const agent = page.getByTestId('credential-agent').filter({ hasText: 'gpu-box' });
  await agent.getByTestId('revoke').click();
  await agent.getByTestId('revoke').click();
  await expect(page.getByTestId('credential-agent')).toHaveCount(0);

  // Who is shut out is out at once.
  await page.getByTestId('person-row').filter({ hasText: 'Vera' }).getByTestId('person-more').click();
  await page.getByTestId('person-disable').click();
  await expect(page.getByTestId('person-row').filter({ hasText: 'Vera' }).getByTestId('person-state')).toHaveText('Shut out');
  await expect(viewer.getByTestId('sign-in-password')).toBeVisible();
  await expect(viewer.getByTestId('connection-lost')).toHaveCount(0);
  await viewer.context().close();
  await server.remove();
});

test('a person changes the password, makes a token, and signs out and in', async ({ page }) => {
  const server = await Server.start();
  await join(page, admin(server, 'invite', '--role', 'admin'), 'Ada Kim');
  await page.getByTestId('to-account').click();
  await expect(page.getByTestId('account-who')).toHaveText('Ada Kim, admin');
  await expect(page.getByTestId('credential-session')).toHaveCount(1);
  await expectAccessible(page, 'account');

  await page.getByTestId('current-password').fill('not this one');
  await page.getByTestId('new-password').fill('a longer password');
  await page.getByTestId('change-password').click();
  await expect(page.getByText('this is not the password until now')).toBeVisible();
  await page.getByTestId('current-password').fill(PASSWORD);
  await page.getByTestId('change-password').click();
  await expect(page.getByTestId('current-password')).toHaveValue('');

  await page.getByTestId('token-name').fill('script');
  await page.getByTestId('make-token').click();
  const token = await page.getByTestId('secret-text').innerText();
  const asked = await page.request.get(`${server.url}/api/v1/session`, { headers: { authorization: `Bearer ${token}`, cookie: '' } });
  expect(await asked.json()).toMatchObject({ role: 'viewer', name: 'Ada Kim', signed_in_as: 'token' });

  await page.getByTestId('sign-out').click();
  await expect(page.getByTestId('sign-in-password')).toBeVisible();
  await expectAccessible(page, 'sign-in');
  await page.getByTestId('name').fill('ada kim');
  await page.getByTestId('password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByText('Name or password is wrong.')).toBeVisible();
  await page.getByTestId('password').fill('a longer password');
  await page.getByTestId('sign-in-button').click();
  await expect(page.getByTestId('to-account')).toHaveText('Ada Kim');
  await server.remove();
});

test('a link that opens nothing says so', async ({ page }) => {
  const server = await Server.start();
  await page.goto(`${server.url}/join#vxi_wrong`);
  await expect(page.getByTestId('join-refused')).toContainText('Ask an admin for another');
  await server.remove();
});
