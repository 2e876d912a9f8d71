// Makes the pictures of docs/: the page at work on the built-in sample. `make pictures` runs it.
import base from './playwright.config';

export default {
  ...base,
  testDir: 'pictures',
  testMatch: '*.pictures.ts',
  use: { ...base.use, viewport: { width: 1040, height: 610 } },
  projects: (base.projects ?? []).filter((it) => it.name === 'webgl'),
};
