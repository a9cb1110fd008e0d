/** `node scripts/write-schemas.mjs`: writes docs/schemas/ from the compiled definitions. A test compares. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const { publishedSchemas } = await import(join(root, 'dist', 'auditor', 'schemas.js'));
const folder = join(root, 'docs', 'schemas');
mkdirSync(folder, { recursive: true });
for (const [name, schema] of Object.entries(publishedSchemas())) writeFileSync(join(folder, name), `${JSON.stringify(schema, null, 2)}\n`);
