// Which of the server's engines runs.
import type { EngineName, EngineStatus } from '../api/types';

/** The engine that was chosen, else the first that is ready: that is the server's choice, too. */
export function currentEngine(engines: readonly EngineStatus[], chosen: EngineName | null): EngineStatus | null {
  return engines.find((engine) => (chosen === null ? engine.ready : engine.name === chosen)) ?? null;
}

/** Enough of a SHA-256 to tell files apart by eye. */
export function shortDigest(sha256: string): string {
  return `${sha256.slice(0, 12)}…`;
}
