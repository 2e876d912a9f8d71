// A diagnosis in the order in which a person needs it, and as text to pass on.
import type { Check, CheckState, Diagnosis } from '../api/types';

/** From what must be mended to what could not be seen. */
const ORDER: readonly CheckState[] = ['error', 'warning', 'note', 'ok', 'skipped'];

/** The checks, the worst first; equal ones as the server has them. */
export function worstFirst(checks: readonly Check[]): readonly Check[] {
  return checks.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
}

/** How many checks have this state. */
export function countOf(checks: readonly Check[], state: CheckState): number {
  return checks.filter((check) => check.state === state).length;
}

function linesOf(check: Check): string[] {
  const lines = [`[${check.state}] ${check.name}: ${check.found}`];
  for (const detail of check.details ?? []) lines.push(`    ${detail}`);
  if ((check.remedy ?? null) !== null) lines.push(`    -> ${check.remedy ?? ''}`);
  if ((check.command ?? null) !== null) lines.push(`       ${check.command ?? ''}`);
  return lines;
}

/** The whole diagnosis as plain text, the same in every language of the page. */
export function reportOf(diagnosis: Diagnosis): string {
  const made = new Date(diagnosis.made_ms).toISOString();
  const head = `voxloop ${diagnosis.version} on ${diagnosis.system}, ${made}`;
  return [head, '', ...worstFirst(diagnosis.checks).flatMap(linesOf), ''].join('\n');
}
