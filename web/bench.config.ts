// `make bench-page`: figures of the page, in the browser of the tests.
import { defineConfig } from '@playwright/test';
import base from './playwright.config';

export default defineConfig({
  ...base,
  testDir: 'bench',
  timeout: 300_000,
  projects: (base.projects ?? []).filter(({ name }) => name === 'webgl'),
});
