// The server's sentences in the page's language. English is the server's own, so it is not written twice.
import type { Said, Sentence } from '../api/types';
import { ko } from './sentences/ko';
import { zh } from './sentences/zh';

const WORDS: Readonly<Record<string, Readonly<Partial<Record<Sentence, string>>>>> = { ko, zh };

/** A sentence in this language; as the server says it where it has no name, or none that this page knows. */
export function inWords(said: Said | null | undefined, asSaid: string, language: string): string {
  const words = said === null || said === undefined ? undefined : WORDS[language]?.[said.sentence];
  if (words === undefined) return asSaid;
  return words.replaceAll(/{{(\w+)}}/g, (_place, name: string) => {
    const value = said?.values?.[name] ?? '';
    return typeof value === 'string' ? value : inWords(value, '', language);
  });
}
