/**
 * Random circuits and witnesses through both provers with the same blinding: the proofs are the same bytes.
 * Some hundred in every run; TACIT_LONG=1 takes thousands.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { insecureDevSetup } from '../../circuits/setup/insecureDevSetup.js';
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';
import { insecureProveWithFixedBlinding, loadProvingKey } from '../../prover/engine/prove.js';
import { seeded } from './harness.js';
import { randomCircuit } from './randomCircuit.js';
import { SnarkjsOracle } from './snarkjs.js';

const SEED = 20261121;
const LONG = process.env.TACIT_LONG === '1';
const CIRCUITS = LONG ? 60 : 4;
const WITNESSES = LONG ? 60 : 30;
/** For one circuit. */
const TIMEOUT_MS = 600_000;

const oracle = await SnarkjsOracle.create();
const dir = mkdtempSync(join(tmpdir(), 'tacit-random-circuits-'));
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await oracle.close();
});

it.each(Array.from({ length: CIRCUITS }, (_, i) => i))(
  `random circuit %i with ${WITNESSES} random witnesses`,
  async (i) => {
    const next = seeded(SEED + i);
    const scalar = (): bigint => next(SCALAR_FIELD.prime);
    const circuit = randomCircuit(next);
    const [r1csPath, zkeyPath, vkeyPath] = ['r1cs', 'zkey', 'json'].map((end) => join(dir, `${i}.${end}`)) as [string, string, string];
    writeFileSync(r1csPath, circuit.r1cs);
    await insecureDevSetup({ circuit: `random-${i}`, r1csPath, zkeyPath, vkeyPath });
    const key = await loadProvingKey(zkeyPath, { threads: 1 + (i % 2) });
    for (let j = 0; j < WITNESSES; j++) {
      const wtns = circuit.witness();
      const blinding = { r: scalar(), s: scalar() };
      const ours = await insecureProveWithFixedBlinding(key, wtns, blinding);
      const theirs = await oracle.prove(zkeyPath, wtns, blinding);
      const where = `seed ${SEED + i}, witness ${j}`;
      expect(ours.proof, where).toEqual(theirs.proof);
      expect(ours.publicSignals, where).toEqual(theirs.publicSignals);
      if (j === 0) expect(await oracle.verify(JSON.parse(readFileSync(vkeyPath, 'utf8')), ours), where).toBe(true);
    }
    await key.close();
  },
  TIMEOUT_MS,
);
