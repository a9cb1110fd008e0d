/** Files of strangers' provers: zkey, wtns, r1cs, proof, verification key and public signals, by every reader there is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { fileHeader, sectionHeader, writeUint256 } from '../../circuits/binfile.js';
import { R1cs } from '../../circuits/r1cs.js';
import { decodeWtns, wtnsOf } from '../../circuits/wtns.js';
import { readZkeyHead } from '../../circuits/zkey.js';
import { concatBytes } from '../../protocol/bytes.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { BASE_FIELD_MODULUS, proofFromSnarkjs, proofToSnarkjs } from '../../protocol/proof.js';
import { vkeyFromSnarkjs, vkeyToSnarkjs } from '../../protocol/vkey.js';
import { memoryReader } from '../../prover/engine/groth16/container.js';
import { readWitness } from '../../prover/engine/groth16/wtns.js';
import { openZkey } from '../../prover/engine/groth16/zkey.js';
import { assertMatching, readWitnessLength, readZkeyHeader } from '../../prover/fileFormat.js';
import { verifyProof } from '../../prover/verify.js';
import { field, proofShape } from '../protocol/arbitraries.js';
import { item, keyOf, wasteFor } from '../protocol/simulatedProofs.js';
import { FUZZ_CASES, FUZZ_TEST_MS, fuzz, fuzzAsync, refusedOr, refusedOrLater, spoiledBytes, spoiledJson } from './fuzz.js';

const VARIABLES = 3;
const word = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(32);
  writeUint256(new DataView(bytes.buffer), 0, value);
  return bytes;
};
const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const file = (type: string, version: number, sections: readonly (readonly [number, Uint8Array])[]): Uint8Array =>
  concatBytes(fileHeader(type, version, sections.length), ...sections.flatMap(([id, bytes]) => [sectionHeader(id, bytes.length), bytes]));

/** The smallest key that every reader takes: three variables, one public input, a domain of two; its points are zeros. */
const zkey = file('zkey', 1, [
  [1, u32(1)],
  [2, concatBytes(u32(32), word(BASE_FIELD_MODULUS), u32(32), word(FIELD_MODULUS), u32(VARIABLES, 1, 2), new Uint8Array(3 * 64 + 3 * 128))],
  [3, new Uint8Array(2 * 64)],
  [4, concatBytes(u32(1), u32(0, 0, 1), word(5n))],
  [5, new Uint8Array(VARIABLES * 64)],
  [6, new Uint8Array(VARIABLES * 64)],
  [7, new Uint8Array(VARIABLES * 128)],
  [8, new Uint8Array(64)],
  [9, new Uint8Array(2 * 64)],
  [10, concatBytes(new Uint8Array(64), u32(1), new Uint8Array(3 * 64 + 128 + 64), u32(0, 6), Uint8Array.of(1, 4, 116, 101, 115, 116))],
]);
const witness = fc.tuple(field, field).map((values) => wtnsOf([1n, ...values]));
/** One constraint over three wires. */
const r1cs = file('r1cs', 1, [
  [1, concatBytes(u32(32), word(FIELD_MODULUS), u32(VARIABLES, 0, 1, 1, 3, 0, 1))],
  [2, concatBytes(...[0, 1, 2].flatMap((wire) => [u32(1, wire), word(7n)]))],
  [3, new Uint8Array(8 * VARIABLES)],
]);

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-fuzz-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('proving keys', () => {
  it('the sample is one', () => {
    openZkey(memoryReader(zkey));
    if (readZkeyHeader(zkey).variables !== VARIABLES) throw new Error('misread');
  });

  it(
    'in memory, by the engine and by the check before it',
    () => {
      fuzz(spoiledBytes(fc.constant(zkey)), (bytes) => {
        const opened = refusedOr(() => openZkey(memoryReader(bytes)));
        const header = refusedOr(() => readZkeyHeader(bytes));
        if (opened !== undefined && header?.variables !== opened.variables) throw new Error('two readers, two answers');
      });
    },
    FUZZ_TEST_MS,
  );

  it(
    'on disk, by the set-up',
    async () => {
      const path = join(dir, 'key.zkey');
      // A length that no machine has memory for.
      const greedy = Uint8Array.from(zkey);
      greedy.fill(0xff, 12 + 4, 12 + 12);
      await fuzzAsync(
        spoiledBytes(fc.constant(zkey)),
        async (bytes) => {
          writeFileSync(path, bytes);
          await refusedOrLater(() => readZkeyHead(path));
        },
        [greedy, zkey],
      );
    },
    FUZZ_TEST_MS,
  );
});

describe('witnesses', () => {
  it(
    'by all three readers, which agree',
    () => {
      fuzz(spoiledBytes(witness), (bytes) => {
        const values = refusedOr(() => decodeWtns(bytes));
        const count = refusedOr(() => readWitnessLength(bytes));
        const read = refusedOr(() => readWitness(memoryReader(bytes), VARIABLES));
        refusedOr(() => assertMatching(zkey, bytes));
        if (read === undefined) return;
        if (count !== VARIABLES || values === undefined) throw new Error('two readers, two answers');
        if (Buffer.compare(concatBytes(...values.map(word)), read) !== 0) throw new Error('two readers, two witnesses');
        if (values.some((value) => value >= FIELD_MODULUS)) throw new Error('a value of r or more');
      });
    },
    FUZZ_TEST_MS,
  );
});

describe('constraint systems', () => {
  it(
    'are read, or refused; what was read can be walked',
    () => {
      fuzz(spoiledBytes(fc.constant(r1cs)), (bytes) => {
        const system = refusedOr(() => new R1cs(bytes));
        if (system === undefined) return;
        for (let i = 0; i < system.header.constraints; i++) system.constraint(i);
      });
    },
    FUZZ_TEST_MS,
  );
});

describe('JSON of snarkjs', () => {
  const key = vkeyToSnarkjs(keyOf(wasteFor(1)));
  const valid = item(1, 5n);
  const signals = [valid.publicInputs.h, valid.publicInputs.z, valid.publicInputs.y].map(String);
  const text = (value: unknown): string => JSON.stringify(value);

  it(
    'proofs',
    () => {
      fuzz(
        spoiledJson(proofShape.map(proofToSnarkjs)),
        (json) => {
          const proof = refusedOr(() => proofFromSnarkjs(json));
          if (proof !== undefined) proofFromSnarkjs(JSON.parse(text(proofToSnarkjs(proof))));
        },
        [
          { ...proofToSnarkjs(valid.proof), protocol: { toString: 1 } },
          { ...proofToSnarkjs(valid.proof), curve: { toString: null, valueOf: null } },
        ],
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'verification keys',
    () => {
      fuzz(
        spoiledJson(fc.constant(key)),
        (json) => {
          const read = refusedOr(() => vkeyFromSnarkjs(json));
          if (read !== undefined) vkeyFromSnarkjs(JSON.parse(text(vkeyToSnarkjs(read))));
        },
        [
          { ...key, protocol: { toString: 1 } },
          { ...key, curve: { toString: 1 } },
          { ...key, nPublic: { toString: 1 } },
        ],
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'all three together: the one true triple verifies, and no other',
    () => {
      const triple = fc.constant({ key, signals, proof: proofToSnarkjs(valid.proof) });
      verifyProof(key, signals, proofToSnarkjs(valid.proof));
      // A pairing takes some 15 ms: a tenth of the cases.
      let left = Math.ceil(FUZZ_CASES / 10);
      fuzz(spoiledJson(triple), (json) => {
        if (left-- <= 0) return;
        const { key: otherKey, signals: otherSignals, proof } = (json ?? {}) as Record<string, unknown>;
        const verdict = refusedOr(() => {
          verifyProof(otherKey, otherSignals, proof);
          return true;
        });
        if (verdict !== true) return;
        const kept = text([readBack(otherKey), otherSignals, proofToSnarkjs(proofFromSnarkjs(proof))]);
        if (kept !== text([key, signals, proofToSnarkjs(valid.proof)])) throw new Error(`something else verified: ${kept}`);
      });
    },
    FUZZ_TEST_MS,
  );

  const readBack = (json: unknown): unknown => vkeyToSnarkjs(vkeyFromSnarkjs(json));
});
