// Browser tests: the whole product from the outside, on the real server, in Debian's Chromium.
import { defineConfig } from '@playwright/test';

const software = ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const webgl = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 120_000,
  expect: { timeout: 30_000 },
  workers: 1,
  retries: 0,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    viewport: { width: 1280, height: 720 },
    locale: 'en-GB',
    trace: 'off',
    acceptDownloads: true,
  },
  projects: [
    {
      name: 'webgl',
      testIgnore: /without-webgl/,
      use: { launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...software, ...webgl] } },
    },
    {
      name: 'canvas',
      testMatch: /without-webgl/,
      use: {
        launchOptions: {
          executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
          args: [...software, '--disable-gpu', '--disable-webgl', '--disable-webgl2', '--disable-3d-apis'],
        },
      },
    },
  ],
});
