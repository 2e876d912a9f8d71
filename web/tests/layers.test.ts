// Who may know whom: core is pure, only viewer/niivue_viewer.ts knows NiiVue, only viewer/three_surface.ts three.js, no word of the page stands in the code.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCE = join(import.meta.dirname, '..', 'src');
const MAX_LINES = 400;
const LONG_FILES = new Set(['api/schema.d.ts']);

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(SOURCE, join(entry.parentPath, entry.name)))
    .sort();
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(SOURCE, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

const files = filesUnder(SOURCE);
const code = files.filter((file) => /\.tsx?$/.test(file));

/** Folders of `src` that a folder may import from, besides itself. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  core: ['api/types'],
  api: [],
  i18n: ['api/types', 'en', 'words'],
  input: ['api', 'core', 'state', 'viewer'],
  state: ['api', 'core', 'i18n'],
  viewer: ['api', 'core'],
  views: ['api', 'core', 'i18n', 'input', 'state', 'viewer'],
};

describe('layers', () => {
  it('there is something to check', () => {
    expect(code.length).toBeGreaterThan(30);
  });

  it.each(code)('%s imports only what its folder may', (file) => {
    const folder = file.split('/')[0] ?? '';
    const allowed = MAY_USE[folder];
    if (allowed === undefined) return;
    for (const path of importsOf(file).filter((it) => it.startsWith('.'))) {
      const target = join(dirname(file), path);
      if (target.startsWith(`${folder}/`)) continue;
      expect(allowed.some((it) => target === it || target.startsWith(`${it}/`)), `${file} → ${path}`).toBe(true);
    }
  });

  it.each(code)('%s: NiiVue and three.js are known to one viewer each, React to the views only', (file) => {
    for (const path of importsOf(file)) {
      if (path.startsWith('@niivue/')) expect(file).toBe('viewer/niivue_viewer.ts');
      if (path === 'three') expect(file).toBe('viewer/three_surface.ts');
      const target = path.startsWith('.') ? join(dirname(file), path) : path;
      if (file.startsWith('core/')) expect(target.startsWith('core/') || target === 'api/types', path).toBe(true);
      if (path === 'react' || path.startsWith('@mantine/')) expect(file).toMatch(/^(views\/|main\.tsx|state\/router\.ts)/);
    }
  });

  it.each(code.filter((file) => file.startsWith('core/')))('%s touches no browser', (file) => {
    const text = readFileSync(join(SOURCE, file), 'utf8');
    expect(text).not.toMatch(/\b(document|localStorage|fetch|setTimeout|Date\.now)\b\s*[.(]/);
  });
});

describe('tidiness', () => {
  it.each(code.filter((file) => !LONG_FILES.has(file)))('%s is short and says in its first line what it is', (file) => {
    const lines = readFileSync(join(SOURCE, file), 'utf8').split('\n');
    expect(lines.length).toBeLessThanOrEqual(MAX_LINES);
    expect(lines[0]).toMatch(/^\/\/ \S.{10,}/);
  });

  it.each(code.filter((file) => file.startsWith('views/') && file.endsWith('.tsx')))('%s holds no words of its own', (file) => {
    const text = readFileSync(join(SOURCE, file), 'utf8');
    // A capitalised word between tags, or in an attribute that people read.
    expect(text).not.toMatch(/>\s*[A-Z][a-z]{2,}[^<>{}()=;]*<\//);
    expect(text).not.toMatch(/\b(aria-label|title|placeholder|label)="[A-Za-z]{2,}/);
  });

  it('nothing is fetched from another host', () => {
    for (const file of files) {
      expect(readFileSync(join(SOURCE, file), 'utf8'), file).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    }
  });
});
