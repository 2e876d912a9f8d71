// The server's sentences in the page's languages: every one, with the server's values in it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Said } from '../src/api/types';
import { inWords } from '../src/i18n/said';
import { ko } from '../src/i18n/sentences/ko';
import { zh } from '../src/i18n/sentences/zh';

interface Document {
  readonly components: { readonly schemas: { readonly Sentence: { readonly 'x-english': Readonly<Record<string, string>> } } };
}

const document = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'openapi.json'), 'utf8')) as Document;
const english = document.components.schemas.Sentence['x-english'];

/** Names of the values, once each: English also has words that depend on one. */
function values(text: string, place: RegExp): string[] {
  return [...new Set([...text.matchAll(place)].map((match) => match[1] ?? ''))].sort();
}

/** Sentences that are nothing but values and what stands between them. */
const BARE = /^(model_here|and_also|and_why)$/;

describe.each([
  ['ko', ko, /[\uac00-\ud7a3]/],
  ['zh', zh, /[\u4e00-\u9fff]/],
] as const)('%s', (_language, words, script) => {
  it('has words for each sentence and for no other', () => {
    expect(Object.keys(words).sort()).toEqual(Object.keys(english).sort());
  });

  it.each(Object.entries(words))('%s has the values that the English has', (name, text) => {
    expect(values(text, /{{(\w+)}}/g)).toEqual(values(english[name] ?? '', /{(\w+)[|}]/g));
    if (!BARE.test(name)) expect(text).toMatch(script);
  });
});

describe('a sentence of the server', () => {
  const said: Said = {
    sentence: 'queue_slow',
    values: { time: '3 min', found: { sentence: 'queue_length', values: { n: '1', running: '0' } } },
  };

  it('is said in the language of the page, whatever stands in it', () => {
    expect(inWords(said, 'English', 'ko')).toBe('작업 1개 대기, 0개 실행 중. 가장 오래된 작업은 3 min 동안 기다렸습니다');
    expect(inWords(said, 'English', 'zh')).toBe('1 个任务等待，0 个执行中；最早的已等待 3 min');
  });

  it('is the server’s own in English, and where it has no name that is known', () => {
    expect(inWords(said, 'English', 'en')).toBe('English');
    expect(inWords(null, '/srv/data', 'ko')).toBe('/srv/data');
    expect(inWords({ sentence: 'newer' } as unknown as Said, 'newer', 'zh')).toBe('newer');
    const newer = { ...said, values: { ...said.values, found: { sentence: 'newer' } } } as unknown as Said;
    expect(inWords(newer, 'English', 'ko')).toBe('English');
  });
});
