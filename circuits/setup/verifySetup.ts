/**
 * Is this proving key the right one, and may anything be trusted to it?
 *
 * 1. The key's own points: δ is neither ± γ nor ± the generator, nor ± the δ of a key it will be folded with; those keys
 *    share its α, β, γ. A key with δ = γ lets anybody forge proofs, and two circuits with related δ lend each other
 *    columns.
 * 2. Development keys (mark or published α) pass only where they are allowed, and then only when they are, byte for
 *    byte, what the published secrets give for this r1cs.
 * 3. Others: at least one contribution; the powers-of-tau file is the expected one; snarkjs recomputes the key before
 *    phase 2 from r1cs and powers of tau, and checks every contribution and beacon from there on.
 * 4. The verifying key, where one is given, is this key's.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CircuitName } from '../../protocol/circuit.js';
import { TacitError } from '../../protocol/errors.js';
import { resolveArtifacts } from '../artifacts.js';
import { sha256File } from '../hash.js';
import { readZkeyHead, type ZkeyContribution, type ZkeyHead } from '../zkey.js';
import { type Bn254, G1_BYTES, G2_BYTES, loadBn254 } from './bn254.js';
import { checkFileHash, exportVerifyingKey, type FileHash } from './ceremony.js';
import { DEV_KEY_MARK, insecureDevSetup } from './insecureDevSetup.js';
import { runSnarkjs } from './snarkjsChild.js';
import { insecureDevAlpha } from './toxicWaste.js';

export interface VerifySetupOptions {
  /** Name that a development key's δ is derived from; with it alone, the artifacts in the cache are verified. */
  readonly circuit?: CircuitName;
  readonly zkeyPath?: string;
  readonly r1csPath?: string;
  /** Required for keys that are not development keys. */
  readonly ptauPath?: string;
  /** Published hash of that file. */
  readonly ptauHash?: FileHash;
  readonly vkeyPath?: string;
  /** Keys of the other circuits of one contract. */
  readonly foldedWith?: readonly string[];
  /** Secrets of participants that are asked for; beacons do not count. Default 1. */
  readonly minContributions?: number;
  /** Default false. */
  readonly allowInsecureDev?: boolean;
}

export interface SetupVerdict {
  readonly insecure: boolean;
  readonly contributions: readonly ZkeyContribution[];
  /** True when the last step was a beacon. */
  readonly endsWithBeacon: boolean;
  /** SHA-256 of the key, hex. */
  readonly zkeySha256: string;
  readonly wires: number;
  readonly publicInputs: number;
}

/**
 * Resolves when everything holds.
 * @throws TacitError SETUP_DELTA, SETUP_PHASE1, SETUP_INSECURE, SETUP_CONTRIBUTIONS, SETUP_PTAU_HASH, SETUP_MISMATCH,
 *   SETUP_VKEY, SETUP_ARGUMENTS, FILE_FORMAT, ARTIFACT_MISSING
 */
export async function verifySetup(options: VerifySetupOptions): Promise<SetupVerdict> {
  const { zkeyPath, r1csPath, vkeyPath } = await locate(options);
  const curve = await loadBn254();
  const head = await readZkeyHead(zkeyPath);
  checkDelta(curve, head);
  for (const other of options.foldedWith ?? []) checkFoldable(head, await readZkeyHead(other), other);
  const insecure = isDevelopmentKey(curve, head);
  if (insecure) await checkDevelopmentKey(options, zkeyPath, r1csPath);
  else await checkCeremony(options, head, zkeyPath, r1csPath);
  if (vkeyPath !== undefined) await checkVerifyingKey(zkeyPath, vkeyPath);
  return {
    insecure,
    contributions: head.contributions,
    endsWithBeacon: head.contributions.at(-1)?.kind === 'beacon',
    zkeySha256: await sha256File(zkeyPath),
    wires: head.wires,
    publicInputs: head.publicInputs,
  };
}

/** True when the key's toxic waste is the published one. */
export function isDevelopmentKey(curve: Bn254, head: ZkeyHead): boolean {
  const alpha = new Uint8Array(G1_BYTES);
  curve.G1.toRprLEM(alpha, 0, curve.G1.toAffine(curve.G1.timesFr(curve.G1.g, curve.Fr.e(insecureDevAlpha()))));
  return same(head.alpha1, alpha) || same(head.circuitHash, DEV_KEY_MARK);
}

async function locate({
  circuit,
  zkeyPath,
  r1csPath,
  vkeyPath,
}: VerifySetupOptions): Promise<{ zkeyPath: string; r1csPath: string; vkeyPath: string | undefined }> {
  if (zkeyPath !== undefined && r1csPath !== undefined) return { zkeyPath, r1csPath, vkeyPath };
  if (circuit === undefined)
    throw new TacitError('SETUP_ARGUMENTS', 'nothing to verify', { expected: 'a circuit, or a zkey and its r1cs' });
  const artifacts = await resolveArtifacts(circuit);
  const ownVkey = zkeyPath === undefined ? artifacts.vkeyPath : undefined;
  return { zkeyPath: zkeyPath ?? artifacts.zkeyPath, r1csPath: r1csPath ?? artifacts.r1csPath, vkeyPath: vkeyPath ?? ownVkey };
}

function checkDelta(curve: Bn254, { gamma2, delta2 }: ZkeyHead): void {
  const generator = new Uint8Array(G2_BYTES);
  curve.G2.toRprLEM(generator, 0, curve.G2.g);
  if (delta2.every((byte) => byte === 0)) throw delta('δ is the point at infinity');
  if (sameUpToSign(delta2, generator)) throw delta('δ is ± the generator: nobody contributed to this key');
  if (sameUpToSign(delta2, gamma2)) throw delta('δ is ± γ: proofs for this key can be forged');
}

function checkFoldable(head: ZkeyHead, other: ZkeyHead, path: string): void {
  if (!same(head.alpha1, other.alpha1) || !same(head.beta2, other.beta2) || !same(head.gamma2, other.gamma2)) {
    throw new TacitError('SETUP_PHASE1', 'keys do not come from one phase 1', { expected: 'the same α, β, γ', got: path });
  }
  if (sameUpToSign(head.delta2, other.delta2)) throw delta(`δ is ± the δ of ${path}`);
}

async function checkDevelopmentKey(
  { allowInsecureDev = false, circuit }: VerifySetupOptions,
  zkeyPath: string,
  r1csPath: string,
): Promise<void> {
  if (!allowInsecureDev)
    throw new TacitError('SETUP_INSECURE', 'development key: its secrets are published', {
      expected: 'a key with contributions',
      got: zkeyPath,
    });
  if (circuit === undefined)
    throw new TacitError('SETUP_ARGUMENTS', 'a development key is checked by its circuit', { expected: 'a circuit name' });
  const work = await mkdtemp(join(tmpdir(), 'tacit-setup-'));
  try {
    const rebuilt = join(work, 'key');
    await insecureDevSetup({ circuit, r1csPath, zkeyPath: rebuilt, vkeyPath: join(work, 'vkey') });
    const [expected, got] = [await sha256File(rebuilt), await sha256File(zkeyPath)];
    if (expected !== got) throw new TacitError('SETUP_MISMATCH', 'development key does not belong to this r1cs', { expected, got });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function checkCeremony(
  { ptauPath, ptauHash, minContributions = 1 }: VerifySetupOptions,
  head: ZkeyHead,
  zkeyPath: string,
  r1csPath: string,
): Promise<void> {
  const secrets = head.contributions.filter(({ kind }) => kind === 'contribution').length;
  if (secrets < minContributions) {
    throw new TacitError('SETUP_CONTRIBUTIONS', 'too few contributions', {
      expected: `at least ${minContributions}`,
      got: String(secrets),
    });
  }
  if (ptauPath === undefined) throw new TacitError('SETUP_ARGUMENTS', 'the powers-of-tau file is needed', { expected: 'a .ptau file' });
  if (ptauHash !== undefined) await checkFileHash(ptauPath, ptauHash);
  const { value, messages } = await runSnarkjs('zKey.verifyFromR1cs', r1csPath, ptauPath, zkeyPath);
  if (value !== true)
    throw new TacitError('SETUP_MISMATCH', 'key does not follow from r1cs, powers of tau and transcript', {
      got: messages.at(-1) ?? 'no reason',
    });
}

async function checkVerifyingKey(zkeyPath: string, vkeyPath: string): Promise<void> {
  const exported = JSON.stringify(await exportVerifyingKey(zkeyPath));
  if (JSON.stringify(JSON.parse(await readFile(vkeyPath, 'utf8'))) !== exported) {
    throw new TacitError('SETUP_VKEY', 'verifying key is not that of the proving key', {
      expected: `the export of ${zkeyPath}`,
      got: vkeyPath,
    });
  }
}

/** Two points with one x are equal or opposite. */
function sameUpToSign(a: Uint8Array, b: Uint8Array): boolean {
  return same(a.subarray(0, a.length / 2), b.subarray(0, b.length / 2));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function delta(message: string): TacitError {
  return new TacitError('SETUP_DELTA', message, { expected: 'an independent δ' });
}
