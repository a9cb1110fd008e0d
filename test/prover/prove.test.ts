import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { H } from '../../protocol/hash.js';
import type { ProveProgress } from '../../prover/backend.js';
import { Prover, prove } from '../../prover/prove.js';
import { ProvingHost } from '../../prover/thread.js';
import { verifyProof } from '../../prover/verify.js';
import { code } from './code.js';
import { endSnarkjs, type PairFiles, pairWitness, poseidonPair, snarkjs } from './poseidonPair.js';

const BACKENDS = ['snarkjs', 'wasm'] as const;
let files: PairFiles;
let witness: Uint8Array;
let scratch: string;
const expected = [String(H(3n, 4n)), '4'];

beforeAll(async () => {
  files = await poseidonPair();
  witness = await pairWitness(files, 3n, 4n);
  scratch = await mkdtemp(join(tmpdir(), 'tacit-prove-'));
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
  await endSnarkjs();
});

describe.each(BACKENDS)('the port, backend %s, on one of circomlib’s circuits', (backend) => {
  it('makes proofs that snarkjs and we accept', async () => {
    const { proof, publicSignals, timesMs } = await prove(files.zkey, witness, { backend });
    expect(publicSignals).toEqual(expected);
    expect(timesMs.total).toBeGreaterThan(0);
    verifyProof(files.vkey, publicSignals, proof);
    expect(await (await snarkjs()).groth16.verify(files.vkey, publicSignals, proof)).toBe(true);
  });

  it('takes key and witness as path, bytes and URL', async () => {
    const wtns = join(scratch, 'pair.wtns');
    await writeFile(wtns, witness);
    const zkey = await readFile(files.zkey);
    const server = createServer((_request, response) => response.end(zkey));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/pair.zkey`);
    const prover = new Prover();
    for (const key of [files.zkey, new Uint8Array(zkey), pathToFileURL(files.zkey), url]) {
      const { proof, publicSignals } = await prover.prove(key, wtns, { backend, threads: 1 });
      verifyProof(files.vkey, publicSignals, proof);
    }
    await prover.close();
    server.close();
  });

  it('tells how far it is, never backwards', async () => {
    const seen: ProveProgress[] = [];
    await prove(files.zkey, witness, { backend, onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(3);
    const fractions = seen.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
  });

  it('names what is wrong with its input', async () => {
    const attempt = (key: string | Uint8Array, wtns: string | Uint8Array) => code(() => prove(key, wtns, { backend }));
    const zkey = new Uint8Array(await readFile(files.zkey));
    expect(await attempt(join(scratch, 'absent.zkey'), witness)).toBe('ARTIFACT_MISSING');
    expect(await attempt(zkey.subarray(0, 1000), witness)).toBe('ZKEY_FORMAT');
    expect(await attempt(witness, witness)).toBe('ZKEY_FORMAT');
    expect(await attempt(zkey, zkey)).toBe('WTNS_FORMAT');
    expect(await attempt(zkey, witness.subarray(0, witness.length - 1))).toBe('WTNS_FORMAT');
    expect(await attempt(zkey, shortened(witness))).toBe('WITNESS_MISMATCH');
    expect(await code(() => prove(zkey, witness, { backend, signal: AbortSignal.abort() }))).toBe('PROVE_CANCELLED');
  });
});

describe('proofs of others', () => {
  it('verifies what snarkjs proved', async () => {
    const { proof, publicSignals } = await (await snarkjs()).groth16.prove(files.zkey, { type: 'mem', data: witness });
    verifyProof(files.vkey, publicSignals, proof);
  });
});

describe('the proving process', () => {
  it('computes the witness itself, serves again and again, and reports', async () => {
    const host = new ProvingHost();
    const stages = new Set<string>();
    for (const left of [1n, 2n]) {
      const source = { kind: 'input' as const, wasmPath: files.wasm, input: { left: String(left), right: '9' } };
      const { proof, publicSignals } = await host.prove(files.zkey, source, { onProgress: ({ stage }) => stages.add(stage) });
      expect(publicSignals).toEqual([String(H(left, 9n)), '9']);
      verifyProof(files.vkey, publicSignals, proof);
    }
    expect(stages).toContain('witness');
    await host.close();
    expect(await code(() => host.prove(files.zkey, { kind: 'witness', witness }))).toBe('PROVER_CLOSED');
  });

  it('reads a circuit before it is needed: the proof after it reads no key', async () => {
    const zkey = join(scratch, 'prepared.zkey');
    await copyFile(files.zkey, zkey);
    const { size } = await stat(zkey);
    await utimes(zkey, 1, 1);
    const host = new ProvingHost();
    await host.prepare({ zkeyPath: zkey, wasmPath: files.wasm }, { threads: 1 });
    // The same name, size and time with other bytes: only a key that was read before makes a proof now.
    await writeFile(zkey, new Uint8Array(size));
    await utimes(zkey, 1, 1);
    const source = { kind: 'input' as const, wasmPath: files.wasm, input: { left: '3', right: '4' } };
    const { proof, publicSignals } = await host.prove(zkey, source, { threads: 1 });
    verifyProof(files.vkey, publicSignals, proof);
    expect(await code(() => host.prepare({ zkeyPath: zkey, wasmPath: join(scratch, 'absent.wasm') }))).toBe('ARTIFACT_MISSING');
    await host.close();
  });

  it('is cancelled in the middle and lives on', async () => {
    const host = new ProvingHost();
    const abort = new AbortController();
    const broken = code(() =>
      host.prove(files.zkey, { kind: 'witness', witness }, { signal: abort.signal, onProgress: () => abort.abort() }),
    );
    expect(await broken).toBe('PROVE_CANCELLED');
    const { proof, publicSignals } = await host.prove(files.zkey, { kind: 'witness', witness });
    verifyProof(files.vkey, publicSignals, proof);
    await host.close();
  });

  it('carries errors over, and no witness in them', async () => {
    const host = new ProvingHost();
    const secret = '123456789123456789';
    const failure = host.prove(files.zkey, { kind: 'input', wasmPath: files.wasm, input: { left: secret } });
    await expect(failure).rejects.toMatchObject({ code: 'WITNESS_INPUT' });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining(secret) });
    expect(await code(() => host.prove(join(scratch, 'absent.zkey'), { kind: 'witness', witness }))).toBe('ARTIFACT_MISSING');
    await host.close();
  });

  it('a script that proved ends by itself', async () => {
    const script = `import { prove } from ${JSON.stringify(join(process.cwd(), 'dist/prover/prove.js'))};
      const { publicSignals } = await prove(${JSON.stringify(files.zkey)}, ${JSON.stringify(join(scratch, 'pair.wtns'))}, { backend: process.argv[2] });
      console.log(publicSignals.join());`;
    const file = join(scratch, 'script.mjs');
    await writeFile(file, script);
    await writeFile(join(scratch, 'pair.wtns'), witness);
    for (const backend of BACKENDS) {
      const { stdout } = await promisify(execFile)(process.execPath, [file, backend]);
      expect(stdout.trim()).toBe(expected.join());
    }
  });
});

/** The same witness with its last value cut off, consistently. */
function shortened(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice(0, bytes.length - 32);
  const view = new DataView(copy.buffer);
  const headerSection = 12 + 12;
  const count = view.getUint32(headerSection + 36, true) - 1;
  view.setUint32(headerSection + 36, count, true);
  view.setBigUint64(headerSection + 40 + 4, BigInt(count * 32), true);
  return copy;
}
