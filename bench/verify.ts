/**
 * `benchVerify([--json] [--runs n])`: verification on the engine against its readable twin (noble-curves) and snarkjs.
 *
 * One proof, and folds of many, with real proofs of transfer(1). Checked first: all three accept the honest proofs and
 * refuse an altered statement, and the one bad proof among a thousand is found. Times are medians.
 */
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { CIRCUITS } from '../protocol/circuit.js';
import { type FoldItem, makeKeyTable, verifyFold as nobleFold } from '../protocol/fold.js';
import { isValidGroth16 as nobleAccepts } from '../protocol/groth16.js';
import { type SnarkjsProof as ProofJson, proofFromSnarkjs } from '../protocol/proof.js';
import { vkeyFromSnarkjs } from '../protocol/vkey.js';
import { loadProvingKey, proveWithKey } from '../prover/engine/prove.js';
import { findBadProofs, isValidGroth16, verifyFold } from '../prover/engine/verify.js';
import { commit } from './commit.js';
import { median } from './prover.js';
import { benchCircuit } from './proverInputs.js';

interface Snarkjs {
  groth16: { verify(vkey: unknown, publicSignals: string[], proof: ProofJson): Promise<boolean> };
}

export interface VerifyRow {
  readonly what: string;
  readonly proofs: number;
  readonly engineMs: number;
  readonly nobleMs?: number;
  readonly snarkjsMs?: number;
}

const PACKAGE: string = 'snarkjs';
/** Different proofs of one statement; folds repeat them. */
const DISTINCT_PROOFS = 4;
/** The largest settlement, and an auditor's thousand. */
const FOLDS = [8, 72, 1000];
/** Above this many proofs the twin is too slow to wait for. */
const MOST_FOR_NOBLE = 72;
const BAD = 613;

interface Material {
  readonly vkey: unknown;
  readonly publicSignals: string[];
  readonly proofs: ProofJson[];
}

async function prove(): Promise<Material> {
  const { zkeyPath, vkeyPath, wtnsPath } = await benchCircuit('transfer_1');
  const key = await loadProvingKey(zkeyPath);
  const proofs: ProofJson[] = [];
  let publicSignals: string[] = [];
  for (let i = 0; i < DISTINCT_PROOFS; i++) {
    const result = await proveWithKey(key, wtnsPath);
    proofs.push(result.proof);
    publicSignals = result.publicSignals;
  }
  await key.close();
  return { vkey: JSON.parse(await readFile(vkeyPath, 'utf8')), publicSignals, proofs };
}

async function timed(runs: number, work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return median(times);
}

export async function benchVerify(args: string[]): Promise<void> {
  const option = args.indexOf('--runs');
  const runs = option >= 0 ? Number(args[option + 1]) : 5;
  const { groth16 } = (await import(PACKAGE)) as Snarkjs;
  const { vkey: json, publicSignals, proofs } = await prove();
  const vkey = vkeyFromSnarkjs(json);
  const [h, z, y] = publicSignals.map(BigInt) as [bigint, bigint, bigint];
  const altered = [h, z, y + 1n];
  const [first] = proofs as [ProofJson];
  const proof = proofFromSnarkjs(first);
  const keys = makeKeyTable([[CIRCUITS.transfer_1.id, vkey]]);
  const items = (n: number): FoldItem[] =>
    Array.from({ length: n }, (_, i) => ({
      circuitId: CIRCUITS.transfer_1.id,
      publicInputs: { h, z, y },
      proof: proofFromSnarkjs(proofs[i % proofs.length]),
    }));

  const verdicts = [
    isValidGroth16(vkey, [h, z, y], proof),
    nobleAccepts(vkey, [h, z, y], proof),
    await groth16.verify(json, publicSignals, first),
  ];
  const refusals = [
    isValidGroth16(vkey, altered, proof),
    nobleAccepts(vkey, altered, proof),
    await groth16.verify(json, altered.map(String), first),
  ];
  if (!verdicts.every(Boolean) || refusals.some(Boolean)) throw new Error(`the verifiers disagree: ${verdicts} ${refusals}`);
  const spoiled = items(1000).map((item, i) => (i === BAD ? { ...item, publicInputs: { h, z, y: y + 1n } } : item));
  const found = findBadProofs(keys, spoiled);
  if (found.length !== 1 || found[0] !== BAD) throw new Error(`found ${found}, not ${BAD}`);

  const rows: VerifyRow[] = [
    {
      what: 'one proof',
      proofs: 1,
      engineMs: await timed(runs, () => isValidGroth16(vkey, [h, z, y], proof)),
      nobleMs: await timed(runs, () => nobleAccepts(vkey, [h, z, y], proof)),
      snarkjsMs: await timed(runs, () => groth16.verify(json, publicSignals, first)),
    },
  ];
  for (const n of FOLDS) {
    const list = items(n);
    const engineMs = await timed(runs, () => verifyFold(keys, list));
    const noble = n <= MOST_FOR_NOBLE ? { nobleMs: await timed(Math.min(runs, 3), () => nobleFold(keys, list)) } : {};
    rows.push({ what: 'fold', proofs: n, engineMs, ...noble });
  }
  await (globalThis as { curve_bn128?: { terminate(): Promise<void> } | null }).curve_bn128?.terminate();
  report(rows, runs, args.includes('--json'));
}

function report(rows: readonly VerifyRow[], runs: number, json: boolean): void {
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ commit: commit(), processor: cpus()[0]?.model, node: process.version, runs, rows }, null, 2)}\n`,
    );
    return;
  }
  const cell = (ms: number | undefined): string => (ms === undefined ? '–' : ms.toFixed(1)).padStart(10);
  process.stdout.write(`${'verification, ms'.padEnd(24)}${['engine', 'noble', 'snarkjs'].map((name) => name.padStart(10)).join('')}\n`);
  for (const { what, proofs, engineMs, nobleMs, snarkjsMs } of rows) {
    process.stdout.write(`${`${what} (${proofs})`.padEnd(24)}${cell(engineMs)}${cell(nobleMs)}${cell(snarkjsMs)}\n`);
  }
}
