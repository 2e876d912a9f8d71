// The server's sentences in the page's language. English is the server's own, so it is not written twice.
import type { Said, Sentence } from '../api/types';
import { ko } from './sentences/ko';
import { zh } from './sentences/zh';

const WORDS: Readonly<Record<string, Readonly<Partial<Record<Sentence, string>>>>> = { ko, zh };

/** A sentence in this language; null where it, or one that stands in it, has no words here. */
function words({ sentence, values = {} }: Said, language: string): string | null {
  const inner = new Map(Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : words(value, language)]));
  const frame = WORDS[language]?.[sentence];
  if (frame === undefined || [...inner.values()].includes(null)) return null;
  return frame.replaceAll(/{{(\w+)}}/g, (_place, name: string) => inner.get(name) ?? '');
}

/** A sentence in this language; as the server says it where it has no name, or none that this page knows. */
export function inWords(said: Said | null | undefined, asSaid: string, language: string): string {
  return (said === null || said === undefined ? null : words(said, language)) ?? asSaid;
}
