/** The inversion that our driver puts into circom's programs: the same witnesses, and nothing else is touched. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileCircuit } from '../../circuits/compile.js';
import { withFasterInverse } from '../../circuits/program.js';
import { calculateWitness } from '../../circuits/witness.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { seeded } from '../engine/harness.js';

const SEED = 5;
const VALUES = 400;
const TEXT = `pragma circom 2.1.0;
template Inverses(n) {
  signal input a[n];
  signal output b[n];
  signal product[n];
  for (var i = 0; i < n; i++) {
    b[i] <-- 1 / a[i];
    product[i] <== a[i] * b[i];
    (product[i] - 1) * a[i] === 0;
  }
}
component main = Inverses(${VALUES});
`;
interface Snarkjs {
  wtns: { calculate(input: unknown, wasm: string, out: { type: 'mem'; data?: Uint8Array }): Promise<void> };
}
const library: string = 'snarkjs';

const dir = mkdtempSync(join(tmpdir(), 'tacit-program-'));
let wasmPath: string;
beforeAll(async () => {
  const main = 'inverses.circom';
  ({ wasmPath } = await compileCircuit({ main, files: [{ path: main, text: TEXT }], hash: '' }, dir));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a program with divisions', () => {
  it('gives the witness that circom’s own inversion gives, for edges, powers of two, 0 and random values', async () => {
    const next = seeded(SEED);
    const p = FIELD_MODULUS;
    const edges = [0n, 1n, 2n, p - 1n, p - 2n, (p - 1n) / 2n, (p + 1n) / 2n, ...Array.from({ length: 200 }, (_, i) => 1n << BigInt(i))];
    const a = Array.from({ length: VALUES }, (_, i) => edges[i] ?? next(p));
    const { wtns } = (await import(library)) as Snarkjs;
    const out: { type: 'mem'; data?: Uint8Array } = { type: 'mem' };
    await wtns.calculate({ a: a.map(String) }, wasmPath, out);
    expect(Buffer.compare(await calculateWitness(wasmPath, { a }), out.data as Uint8Array)).toBe(0);
    expect(Buffer.compare(await calculateWitness(new Uint8Array(readFileSync(wasmPath)), { a }), out.data as Uint8Array)).toBe(0);
  });

  it('has one body changed, from bytes of either kind', () => {
    const program = readFileSync(wasmPath);
    const changed = withFasterInverse(program);
    expect(Buffer.compare(withFasterInverse(new Uint8Array(program)), changed)).toBe(0);
    const grown = changed.length - program.length;
    expect(grown).toBeGreaterThan(0);
    let same = 0;
    while (changed.at(-1 - same) === program.at(-1 - same)) same++;
    // The function is one of the first; behind it stands everything that the circuit is made of, and the names.
    expect(program.length - same).toBeLessThan(8000);
    expect(WebAssembly.validate(changed as Uint8Array<ArrayBuffer>)).toBe(true);
    expect(withFasterInverse(changed).length).toBe(changed.length);
  });

  it('is left alone where the function has no name, another signature, or is cut off', () => {
    const program = new Uint8Array(readFileSync(wasmPath));
    const rename = (bytes: Uint8Array, from: string, to: string): void => {
      const at = Buffer.from(bytes).indexOf(from);
      expect(at).toBeGreaterThan(0);
      bytes.set(new TextEncoder().encode(to), at);
    };
    const unnamed = program.slice();
    rename(unnamed, 'Fr_int_inverseMod', 'Fr_int_inverseXXX');
    expect(withFasterInverse(unnamed)).toBe(unnamed);
    // Another function gets the name: one address in, a number out.
    const other = unnamed.slice();
    rename(other, 'Fr_F1m_isNegative', 'Fr_int_inverseMod');
    expect(withFasterInverse(other)).toBe(other);
    for (const length of [0, 5, 8, 9, 1000, program.length - 1]) {
      const cut = program.slice(0, length);
      expect(withFasterInverse(cut)).toBe(cut);
    }
  });

  it('with any byte changed is never a reason to fail here: who compiles it will say', () => {
    const program = new Uint8Array(readFileSync(wasmPath));
    const next = seeded(SEED + 1);
    // Where sections, signatures and names stand, and everywhere else.
    const places = [
      ...Array.from({ length: 700 }, (_, i) => 8 + i),
      ...Array.from({ length: 300 }, () => Number(next(BigInt(program.length)))),
    ];
    for (const at of places) {
      const changed = program.slice();
      changed[at] = Number(next(256n));
      expect(withFasterInverse(changed)).toBeInstanceOf(Uint8Array);
    }
  });
});
