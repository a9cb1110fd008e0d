import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../circuits/paths.js';
import { endSnarkjs, type PairFiles, pairWitness, poseidonPair, snarkjs } from './poseidonPair.js';

let files: PairFiles;
let dir: string;
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  files = await poseidonPair();
  dir = await mkdtemp(join(tmpdir(), 'tacit-cli-'));
  await writeFile(at('w.wtns'), await pairWitness(files, 8n, 9n));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
  await endSnarkjs();
});

interface Run {
  exit: number | null;
  stdout: string;
  stderr: string;
}

function tacit(...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'cli', 'main.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => child.once('close', (exit) => resolve({ exit, stdout, stderr })));
}

const verify = (vkey: string, signals: string, proof: string) =>
  tacit('verify', '--vkey', vkey, '--public', signals, '--proof', proof, '--json');

describe('tacit prove and verify, on files', () => {
  it('go together with snarkjs both ways', async () => {
    const proved = await tacit(
      'prove',
      '--zkey',
      files.zkey,
      '--wtns',
      at('w.wtns'),
      '--proof',
      at('proof.json'),
      '--public',
      at('public.json'),
      '--vkey',
      files.vkeyPath,
      '--json',
    );
    expect([proved.exit, JSON.parse(proved.stdout)]).toMatchObject([0, { publicSignals: 2, verified: true }]);
    const [proof, signals] = [JSON.parse(await readFile(at('proof.json'), 'utf8')), JSON.parse(await readFile(at('public.json'), 'utf8'))];
    expect(await (await snarkjs()).groth16.verify(files.vkey, signals, proof)).toBe(true);
    expect(await verify(files.vkeyPath, at('public.json'), at('proof.json'))).toMatchObject({ exit: 0, stdout: '{"valid":true}\n' });

    const theirs = await (await snarkjs()).groth16.prove(files.zkey, { type: 'mem', data: await readFile(at('w.wtns')) });
    await writeFile(at('theirs.json'), JSON.stringify(theirs.proof));
    await writeFile(at('theirs-public.json'), JSON.stringify(theirs.publicSignals));
    expect((await verify(files.vkeyPath, at('theirs-public.json'), at('theirs.json'))).exit).toBe(0);
  });

  it('verify ends with 1 for invalid and 2 where it cannot tell', async () => {
    await writeFile(at('lie.json'), '["1","2"]');
    const lie = await verify(files.vkeyPath, at('lie.json'), at('proof.json'));
    expect([lie.exit, JSON.parse(lie.stdout)]).toMatchObject([1, { valid: false, error: { code: 'PROOF_INVALID' } }]);
    const absent = await verify(files.vkeyPath, at('absent.json'), at('proof.json'));
    expect([absent.exit, JSON.parse(absent.stdout)]).toMatchObject([2, { valid: null, error: { code: 'FILE_MISSING' } }]);
    await writeFile(at('text.json'), 'not JSON');
    expect((await verify(at('text.json'), at('public.json'), at('proof.json'))).exit).toBe(2);
    expect((await tacit('verify', '--vkey', files.vkeyPath)).exit).toBe(2);
  });

  it('prove names what is wrong and leaves no half files', async () => {
    const run = await tacit(
      'prove',
      '--zkey',
      at('w.wtns'),
      '--wtns',
      at('w.wtns'),
      '--proof',
      at('none.json'),
      '--public',
      at('none-public.json'),
      '--json',
    );
    expect([run.exit, JSON.parse(run.stdout)]).toMatchObject([1, { error: { code: 'ZKEY_FORMAT' } }]);
    await expect(readFile(at('none.json'))).rejects.toMatchObject({ code: 'ENOENT' });
    const bad = await tacit(
      'prove',
      '--zkey',
      files.zkey,
      '--wtns',
      at('w.wtns'),
      '--proof',
      at('none.json'),
      '--public',
      at('none-public.json'),
      '--backend',
      'abacus',
      '--json',
    );
    expect(JSON.parse(bad.stdout)).toMatchObject({ error: { code: 'OPTION_INVALID' } });
  });
});
