// A server with a token: the page asks for it once, and lets nobody see anything before.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, Server, test } from './server';

const TOKEN = 'a-token-of-28-characters-001';

test('the page asks for the token once and keeps nothing on the screen after signing out', async ({ page }) => {
  const file = join(test.info().outputDir, 'token');
  mkdirSync(test.info().outputDir, { recursive: true });
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
  // A server of its own: the others' knows no token.
  const server = await Server.start();
  await server.down();
  await server.up(['--token-file', file]);

  await page.goto(server.url);
  await expect(page.getByTestId('sign-in')).toBeVisible();
  await expect(page.getByTestId('notice-error')).toHaveCount(0);

  await page.getByTestId('token').fill('not the token');
  await page.getByTestId('sign-in-button').click();
  await expect(page.getByText('This is not the server’s token.')).toBeVisible();

  await page.getByTestId('token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.getByTestId('open-sample').click();
  await expect(page.getByTestId('overlay')).toBeVisible();
  const address = page.url();

  await page.reload();
  await expect(page.getByTestId('overlay')).toBeVisible();
  // The stream of changes came through with the cookie: no banner says that the server is away.
  await expect(page.getByTestId('connection-lost')).toHaveCount(0);

  await page.getByTestId('sign-out').click();
  await expect(page.getByTestId('sign-in')).toBeVisible();
  await page.goto(address);
  await expect(page.getByTestId('sign-in')).toBeVisible();
  await expect(page.getByTestId('overlay')).toHaveCount(0);
  await server.remove();
});
