// Who sits here, as they say themselves: stands beside what they do. Kept in the browser.
import { signWith } from '../api/http';
import { setState } from './store';

const STORAGE_KEY = 'voxloop.person';
const MAX_LENGTH = 100;

function cleaned(name: string): string {
  return name.replaceAll(/\p{Cc}+/gu, ' ').trim().slice(0, MAX_LENGTH).trim();
}

/** Takes a name, or none, from now on. */
export function choosePerson(name: string): void {
  const person = cleaned(name);
  localStorage.setItem(STORAGE_KEY, person);
  signWith(person);
  setState({ person });
}

/** Takes the name that was chosen here before. */
export function readPerson(): void {
  const person = cleaned(localStorage.getItem(STORAGE_KEY) ?? '');
  signWith(person);
  setState({ person });
}
