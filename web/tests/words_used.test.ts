// Every word is used somewhere: words that nobody reads are not translated for nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { en } from '../src/i18n/en';

const SOURCE = join(import.meta.dirname, '..', 'src');

const code = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('i18n'))
  .map((file) => readFileSync(join(SOURCE, file), 'utf8'))
  .join('\n');

const keys = Object.entries(en).flatMap(([group, words]) =>
  Object.keys(words).map((word) => `${group}.${word.replace(/_(one|other)$/, '')}`),
);

it.each(keys)('%s is used', (key) => {
  const group = key.slice(0, key.indexOf('.'));
  // Words of some groups are chosen by a value, as in t(`state.${state}`).
  expect(code.includes(`'${key}'`) || code.includes(`\`${group}.\${`)).toBe(true);
});
