// Figures with their limits, the sample they are measured on, and the table that says whether they are met.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext } from '@playwright/test';
import { BINARY, expect, type Server } from '../e2e/server';

const SAMPLE = 'ct-medium';

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly runs: readonly number[];
  readonly limit: { readonly rule: 'at_most'; readonly value: number };
  readonly met: boolean;
}

/** One plane alone: what is pointed at is the same on every screen. */
export async function alone(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    localStorage.setItem('voxloop.settings', JSON.stringify({ layout: 'axial' }));
  });
}

export function median(runs: readonly number[]): number {
  return [...runs].sort((a, b) => a - b)[Math.floor(runs.length / 2)] ?? Number.NaN;
}

export function figure(name: string, unit: string, runs: readonly number[], most: number): Figure {
  const value = median(runs);
  return { name, unit, value, runs, limit: { rule: 'at_most', value: most }, met: value <= most };
}

/** Sends the large sample; gives the job. */
export async function upload(server: Server, folder: string): Promise<string> {
  execFileSync(BINARY, ['sample', folder, '--only', SAMPLE], { stdio: 'ignore' });
  const form = new FormData();
  form.append('file', new Blob([readFileSync(join(folder, `${SAMPLE}.nii.gz`))]), `${SAMPLE}.nii.gz`);
  const answer = await fetch(`${server.url}/api/v1/jobs`, { method: 'POST', body: form });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { job_id: string }).job_id;
}

/** Writes and prints what was measured. */
export function report(name: string, figures: readonly Figure[], notes: Readonly<Record<string, number>>): void {
  const [load = 0] = LOAD_BEFORE;
  const machine = { cpu: cpus()[0]?.model, n_cpus: availableParallelism(), memory_bytes: totalmem(), os: release(), load_average: load };
  mkdirSync('test-results', { recursive: true });
  writeFileSync(join('test-results', `${name}.json`), `${JSON.stringify({ machine, figures, notes }, null, 2)}\n`);
  const lines = figures.map(
    (it) =>
      `${it.name.padEnd(52)} ${it.value.toFixed(2)} ${it.unit}  ≤ ${it.limit.value} ${it.unit}  ${it.met ? 'yes' : 'NO'}`,
  );
  const said = Object.entries(notes).map(([note, value]) => `    ${note} ${value.toFixed(2)}`);
  const warning = load > 0.5 ? ['warning: the machine is not idle'] : [];
  const head = `${machine.n_cpus} × ${machine.cpu ?? ''}, load ${load.toFixed(2)} before`;
  process.stdout.write(`${[...warning, head, ...lines, ...said].join('\n')}\n`);
}

const LOAD_BEFORE = loadavg();
