// Whatever the server refuses for has words in every language.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { en } from '../src/i18n/en';
import { ko } from '../src/i18n/ko';
import { zh } from '../src/i18n/zh';

interface Document {
  readonly components: { readonly schemas: { readonly Reason: { readonly oneOf?: readonly { readonly enum: readonly string[] }[]; readonly enum?: readonly string[] } } };
}

const document = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'openapi.json'), 'utf8')) as Document;
const { Reason } = document.components.schemas;
const reasons = (Reason.enum ?? (Reason.oneOf ?? []).flatMap((it) => it.enum)).toSorted();

it('the document lists reasons', () => {
  expect(reasons.length).toBeGreaterThan(20);
});

it.each([
  ['en', en.reason],
  ['ko', ko.reason],
  ['zh', zh.reason],
])('%s has words for each reason and for no other', (_language, words) => {
  expect(Object.keys(words).toSorted()).toEqual(reasons);
});
