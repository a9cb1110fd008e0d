import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

/** Spelt apart, or the layer check would take this file's samples for imports of its own. */
const LATE = 'import';

let root = '';
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What the layer check says about a project of these files. */
function check(files: Record<string, string>): { status: number | null; text: string } {
  root = mkdtempSync(join(tmpdir(), 'tacit-layers-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
    writeFileSync(join(root, name.split('/')[0] as string, 'README.md'), '# room\n');
  }
  const { status, stderr } = spawnSync(process.execPath, ['scripts/check-imports.mjs', root], { encoding: 'utf8' });
  return { status, text: stderr };
}

describe('layer check', () => {
  it('passes rooms that import downwards', () => {
    const { status, text } = check({
      'protocol/a.ts': "import { poseidon2 } from 'poseidon-lite/poseidon2';\n",
      'ledger/journal.ts': "import { open } from 'lmdb';\nimport { a } from '../protocol/a.js';\nimport fs from 'node:fs';\n",
      'prover/worker/run.ts': "import type { Job } from '../../queue/job.js';\n",
      'queue/job.ts': "import { Queue } from 'bullmq';\n// import { x } from '../client/x.js';\n",
      'aggregator/b.ts': `import {\n  a,\n  type B,\n} from '../ledger/journal.js';\nconst c = await ${LATE}('../queue/job.js');\n`,
    });
    expect(text).toBe('5 files keep to the layers\n');
    expect(status).toBe(0);
  });

  it.each([
    [
      'upwards',
      { 'protocol/a.ts': "import { b } from '../ledger/b.js';", 'ledger/b.ts': '' },
      'protocol/a.ts:1  protocol must not import ledger',
    ],
    [
      'sideways',
      { 'auditor/a.ts': "\nimport { b } from '../client/b.js';", 'client/b.ts': '' },
      'auditor/a.ts:2  auditor must not import client',
    ],
    ['dynamic', { 'queue/a.ts': `await ${LATE}('../cli/b.js');`, 'cli/b.ts': '' }, 'queue must not import cli'],
    ['a cycle', { 'queue/a.ts': "import './b.js';", 'queue/b.ts': "import type { A } from './a.js';" }, 'cycle: '],
    ['GPL code', { 'client/a.ts': "import * as snarkjs from 'snarkjs';" }, 'snarkjs belongs to prover/backends/snarkjs.ts'],
    ['Redis outside the queue', { 'aggregator/a.ts': "import { Redis } from 'ioredis';" }, 'ioredis belongs to queue/'],
    ['Redis in a tool', { 'devnet/a.ts': "import { Queue } from 'bullmq';" }, 'bullmq belongs to queue/'],
    ['another client of Redis', { 'queue/a.ts': "import { createClient } from 'redis';" }, 'redis belongs to bench, test'],
    ['the journal’s store elsewhere in its room', { 'ledger/a.ts': "import { open } from 'lmdb';" }, 'lmdb belongs to ledger/journal.ts'],
    [
      'the journal’s store in the node',
      { 'aggregator/a.ts': `const { open } = await ${LATE}('lmdb');` },
      'lmdb belongs to ledger/journal.ts',
    ],
    ['the chain in the node', { 'aggregator/a.ts': "import { Wallet } from 'ethers';" }, 'ethers belongs to verifier-contract/'],
    ['the chain outside its bindings', { 'client/a.ts': "import {\n  ethers,\n} from 'ethers';" }, 'ethers belongs to verifier-contract/'],
    ['a package in the pure room', { 'protocol/a.ts': "import { z } from 'zod';" }, 'protocol must not import zod'],
    ['Node in the pure room', { 'protocol/a.ts': "import { x } from 'node:fs';" }, 'node:fs does not exist in a browser'],
    ['a file that is not there', { 'queue/a.ts': "import './b.js';" }, 'no such file: ./b.js'],
    ['export *', { 'queue/a.ts': "export * from './b.js';", 'queue/b.ts': '' }, 'export * hides'],
  ])('names %s', (_, files, text) => {
    const found = check(files as unknown as Record<string, string>);
    expect(found.text).toContain(text);
    expect(found.status).toBe(1);
  });

  it('names a room without a README', () => {
    root = mkdtempSync(join(tmpdir(), 'tacit-layers-'));
    mkdirSync(join(root, 'queue'));
    const { status, stderr } = spawnSync(process.execPath, ['scripts/check-imports.mjs', root], { encoding: 'utf8' });
    expect(stderr).toContain('the room has no README.md');
    expect(status).toBe(1);
  });
});
