// The real server for a test file: its own port and data folder, stopped and removed afterwards.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test as base } from '@playwright/test';

export const BINARY = resolve(process.env.VOXLOOP_BIN ?? join(import.meta.dirname, '..', '..', 'target', 'debug', 'voxloop'));

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

export class Server {
  private child: ChildProcess | null = null;
  private log = '';

  private constructor(
    readonly port: number,
    private readonly dataDir: string,
  ) {}

  static async start(flags: readonly string[] = []): Promise<Server> {
    if (!existsSync(BINARY)) throw new Error(`no server at ${BINARY}: build it, or name it in VOXLOOP_BIN`);
    const server = new Server(await freePort(), mkdtempSync(join(tmpdir(), 'voxloop-e2e-')));
    await server.up(flags);
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** A file or folder in the data folder. */
  path(name: string): string {
    return join(this.dataDir, name);
  }

  /** Starts the process and waits until it answers. */
  async up(flags: readonly string[] = []): Promise<void> {
    const child = spawn(BINARY, ['serve', '--listen', `127.0.0.1:${this.port}`, '--data-dir', this.dataDir, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.dataDir,
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => {
        this.log = (this.log + text.toString()).slice(-8000);
      });
    }
    await expect
      .poll(
        async () => {
          if (child.exitCode !== null) throw new Error(`the server ended:\n${this.log}`);
          return fetch(`${this.url}/health`).then(
            (answer) => answer.ok,
            () => false,
          );
        },
        { timeout: 30_000 },
      )
      .toBe(true);
  }

  /** Ends the process; what it stored stays. */
  async down(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.child = null;
  }

  async remove(): Promise<void> {
    await this.down();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** Tests with a server of their own per worker; `baseURL` is its address. */
export const test = base.extend<{ baseURL: string }, { server: Server }>({
  server: [
    // Playwright wants the first argument destructured, even where nothing is taken from it.
    // eslint-disable-next-line no-empty-pattern
    async ({}, provide) => {
      const server = await Server.start();
      await provide(server);
      await server.remove();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  // A page that its own policy hinders is broken somewhere, even where nobody looks.
  page: async ({ page }, provide) => {
    const hindered: string[] = [];
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) hindered.push(message.text());
    });
    // One plane alone, unless a test chooses otherwise: what most tests point at is large then.
    await page.addInitScript(() => {
      if (localStorage.getItem('voxloop.settings') === null) localStorage.setItem('voxloop.settings', JSON.stringify({ layout: 'axial' }));
    });
    await provide(page);
    expect(hindered).toEqual([]);
  },
  baseURL: async ({ server }, provide) => {
    await provide(server.url);
  },
});

/** In the tests that follow in this file or group, tasks wait for an agent by hand. */
export function withoutAgent(): void {
  test.beforeAll(async ({ server }) => {
    await server.down();
    await server.up(['--no-agent']);
  });
  test.afterAll(async ({ server }) => {
    await server.down();
    await server.up();
  });
}

export { expect };
