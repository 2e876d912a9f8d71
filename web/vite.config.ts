// Builds the page into dist/, which the server embeds; also copies ReDoc's bundle for /redoc.
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const require = createRequire(import.meta.url);

/** Copies `redoc.standalone.js` out of the npm package, so that /redoc needs no CDN. */
function redocBundle(): Plugin {
  let outDir = 'dist';
  return {
    name: 'voxloop-redoc-bundle',
    apply: 'build',
    configResolved(config) {
      outDir = resolve(config.root, config.build.outDir);
    },
    closeBundle() {
      const packageRoot = dirname(require.resolve('redoc/package.json'));
      mkdirSync(join(outDir, 'assets'), { recursive: true });
      copyFileSync(
        join(packageRoot, 'bundles', 'redoc.standalone.js'),
        join(outDir, 'assets', 'redoc.standalone.js'),
      );
    },
  };
}

const server = process.env.VOXLOOP_SERVER ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react(), redocBundle()],
  // NiiVue's document format is not used; its CBOR reader must not try to compile code, which the server's policy forbids.
  resolve: { alias: { 'cbor-x': 'cbor-x/index-no-eval' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { '/api': server, '/events': server, '/health': server, '/openapi.json': server },
  },
});
