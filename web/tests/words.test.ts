// Every language has every word, and every word keeps its placeholders.
import { describe, expect, it } from 'vitest';
import { en } from '../src/i18n/en';
import { ko } from '../src/i18n/ko';
import { zh } from '../src/i18n/zh';

function wordsOf(tree: object, prefix = ''): Map<string, string> {
  const words = new Map<string, string>();
  for (const [key, value] of Object.entries(tree) as [string, string | object][]) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (typeof value === 'string') words.set(path, value);
    else for (const [inner, text] of wordsOf(value, path)) words.set(inner, text);
  }
  return words;
}

function placeholders(text: string): string[] {
  return [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1] ?? '').sort();
}

const english = wordsOf(en);
/** Words that are the same everywhere: names, units, letters. */
const SAME = /^(app\.name|modality\.(CT|MR)|prompt\.(x1|y1|x2|y2)|readout\.mm|engine\.medsam2|jobs\.spacing|slice\.position|objects\.volume|task\.progress|requests\.offeredBy)$/;

describe.each([
  ['ko', ko, /[\uac00-\ud7a3]/],
  ['zh', zh, /[\u4e00-\u9fff]/],
] as const)('%s', (_language, tree, script) => {
  const words = wordsOf(tree);

  it('has the same keys as English', () => {
    expect([...words.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it.each([...english.keys()])('%s is translated', (key) => {
    const text = words.get(key) ?? '';
    expect(text.trim()).not.toBe('');
    expect(placeholders(text)).toEqual(placeholders(english.get(key) ?? ''));
    if (!SAME.test(key)) expect(text).toMatch(script);
  });
});
