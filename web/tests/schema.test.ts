// The server's types are those of ../openapi.json: run `npm run api` after the API changes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';
import { expect, it } from 'vitest';

const WEB = join(import.meta.dirname, '..');

it('the generated types are up to date', async () => {
  const generated = await openapiTS(pathToFileURL(join(WEB, '..', 'openapi.json')));
  const stored = readFileSync(join(WEB, 'src', 'api', 'schema.d.ts'), 'utf8');
  expect(stored).toBe(`${COMMENT_HEADER}${astToString(generated)}`);
});
