/**
 * The scene of the gas benchmark: a fresh rollup with development keys, 128 notes paid in by real deposits, and 128
 * private transfers that spend one of them each, every one with a real proof: one of its own, made at home, and one that
 * eight of them share, made by a farm. All of it follows from a seed, so that proofs made once fit again.
 */

import { join } from 'node:path';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { Wallet } from 'ethers';
import { resolveArtifacts, type VerifiedArtifacts } from '../circuits/artifacts.js';
import { calculateWitness } from '../circuits/witness.js';
import { applyBatch } from '../ledger/applyBatch.js';
import type { LedgerState } from '../ledger/state.js';
import { mulBase8, SUBGROUP_ORDER } from '../protocol/babyjubjub.js';
import { bytesToHex, bytesToUint, concatBytes, hexToBytes, uintToBytes } from '../protocol/bytes.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { NULLIFIER_MAX, TREE_DEPTH, ZERO_ADDRESS } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { Field } from '../protocol/flavor.js';
import { makeKeyTable } from '../protocol/fold.js';
import { isValidGroth16 } from '../protocol/groth16.js';
import { commitment, nullifier, ownerHash } from '../protocol/note.js';
import { decodeProof, encodeProof, type Groth16Proof, proofFromSnarkjs } from '../protocol/proof.js';
import { type Domain, recordMessage, type TransferRecord } from '../protocol/record.js';
import type { TransferProofEntry, UpdateEntry } from '../protocol/settlement.js';
import { signMessage } from '../protocol/signature.js';
import { checkTransferWitness, type SpendInput, type TransferWitness, transferCircuitInput } from '../protocol/transfer.js';
import type { Slot } from '../protocol/update.js';
import { vkeyFromSnarkjs } from '../protocol/vkey.js';
import { Prover } from '../prover/prove.js';
import { verifyProof } from '../prover/verify.js';
import { type Anvil, startAnvil } from '../verifier-contract/anvil.js';
import { cacheDir, hashOf, readCached, writeCached } from '../verifier-contract/cache.js';
import { deployRollup } from '../verifier-contract/deploy.js';
import type { RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';

/** Raise when anything below changes what is proven. */
const SCENE_VERSION = 2;
const GAS_CIRCUITS: SceneCircuits = { circuits: ['transfer_1', 'transfer_8', 'update_8', 'update_32'], deposits: 'update_32' };
const NOTE_VALUE = 10n ** 18n;
/** Eight bytes wide in the record. */
const FEE = 10n ** 15n;

export interface SceneCircuits {
  /** Circuits that the contract gets keys for. */
  readonly circuits: readonly CircuitName[];
  /** The update that brings the deposits in. */
  readonly deposits: CircuitName;
}

export interface Scene extends SceneCircuits {
  readonly anvil: Anvil;
  readonly rollup: RollupContract;
  readonly domain: Domain;
  readonly artifacts: Readonly<Record<string, VerifiedArtifacts>>;
  readonly proofs: ProofStore;
  /** Account of the farm worker: paid for updates, and for transfer proofs that several share. */
  readonly farmProver: string;
  /** Account that settles. */
  readonly aggregator: string;
  close(): Promise<void>;
}

export interface SceneNote {
  readonly aPrime: bigint;
  readonly nPrime: bigint;
  readonly owner: Field;
  readonly cm: Field;
  readonly position: bigint;
}

/** Deterministic numbers by name. Keys made of it are worth nothing. */
function seeded(name: string, size = 32): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    keccak_256(concatBytes(new TextEncoder().encode(`tacit gas bench ${name}`), uintToBytes(i, 4))),
  );
  return concatBytes(...blocks).slice(0, size);
}
const scalar = (name: string): bigint => (bytesToUint(seeded(name, 48)) % (SUBGROUP_ORDER - 1n)) + 1n;

/** Starts a chain, deploys, and opens the store of proofs. Nothing is proven yet. */
export async function openScene(onProgress: (text: string) => void, which: SceneCircuits = GAS_CIRCUITS): Promise<Scene> {
  const artifacts: Record<string, VerifiedArtifacts> = {};
  for (const name of which.circuits) artifacts[name] = await resolveArtifacts(name);
  const keyTable = makeKeyTable(Object.values(artifacts).map(({ id, vkey }) => [id, vkeyFromSnarkjs(vkey)] as const));
  const anvil = await startAnvil({ extraArgs: ['--steps-tracing'] });
  const provider = await openRpc(anvil.rpcUrl, { pollingMs: 20 });
  const [operator, worker] = anvil.accounts as [{ address: string; privateKey: string }, { address: string }];
  const signer = new Wallet(operator.privateKey, provider);
  const shares = { transferProverBps: 5_000, updateProverBps: 3_000 };
  // Before anything else on this chain, so that the address, which proofs are bound to, is always the same.
  const rollup = await deployRollup(signer, {
    aggregator: operator.address,
    queueDelaySeconds: 3_600,
    slotFeeWei: 10n ** 12n,
    bondWei: 10n ** 15n,
    dropRewardWei: 10n ** 14n,
    shares,
    keyTable,
  });
  const domain = await rollup.domain();
  const proofs = await ProofStore.open(artifacts, domain, onProgress);
  const close = async (): Promise<void> => {
    await proofs.close();
    provider.destroy();
    await anvil.stop();
  };
  return { ...which, anvil, rollup, domain, artifacts, proofs, farmProver: worker.address, aggregator: operator.address, close };
}

/** Real proofs by name, kept in the per-user cache, a file a circuit, under the hashes of what they were made with. */
export class ProofStore {
  readonly #prover = new Prover();
  readonly #known = new Map<CircuitName, { readonly file: string; readonly proofs: Record<string, string> }>();

  private constructor(
    private readonly artifacts: Readonly<Record<string, VerifiedArtifacts>>,
    private readonly onProgress: (text: string) => void,
  ) {}

  static async open(
    artifacts: Readonly<Record<string, VerifiedArtifacts>>,
    domain: Domain,
    onProgress: (text: string) => void,
  ): Promise<ProofStore> {
    const store = new ProofStore(artifacts, onProgress);
    for (const { name, hashes } of Object.values(artifacts)) {
      const file = `${hashOf(`${SCENE_VERSION}`, `${domain.chainId}`, domain.contract, hashes.zkey, hashes.wasm).slice(0, 32)}.json`;
      const text = await readCached(join(cacheDir('bench-gas'), file));
      store.#known.set(name, { file, proofs: text === undefined ? {} : (JSON.parse(text) as Record<string, string>) });
    }
    return store;
  }

  /** The stored proof, or a new one; verified either way. */
  async get(name: string, circuit: CircuitName, input: Record<string, unknown>, publicSignals: readonly Field[]): Promise<Groth16Proof> {
    const artifact = this.artifacts[circuit] as VerifiedArtifacts;
    const { file, proofs } = this.#known.get(circuit) as { file: string; proofs: Record<string, string> };
    // Two scenes may call different statements by one name: then the later one has the statement's last public signal in it.
    const own = `${name} ${publicSignals.at(-1)?.toString(16)}`;
    const vkey = vkeyFromSnarkjs(artifact.vkey);
    for (const stored of [proofs[name], proofs[own]]) {
      const proof = stored === undefined ? undefined : decodeProof(hexToBytes(stored));
      if (proof !== undefined && isValidGroth16(vkey, publicSignals, proof)) return proof;
    }
    this.onProgress(`proving ${circuit} ${name}`);
    const witness = await calculateWitness(artifact.wasmPath, input);
    const result = await this.#prover.prove(artifact.zkeyPath, witness);
    if (result.publicSignals.some((signal, i) => BigInt(signal) !== publicSignals[i]))
      throw new TacitError('BENCH_ANSWER', `the proof ${name} states something else than the protocol`);
    verifyProof(artifact.vkey, result.publicSignals, result.proof);
    const proof = proofFromSnarkjs(result.proof);
    proofs[proofs[name] === undefined ? name : own] = bytesToHex(encodeProof(proof));
    await writeCached(cacheDir('bench-gas'), file, JSON.stringify(proofs));
    return proof;
  }

  close(): Promise<void> {
    return this.#prover.close();
  }
}

/** Note i, and where it stands once the deposits are settled: two to a slot, from the first aligned place on. */
export function sceneNote(i: number, { deposits }: Pick<SceneCircuits, 'deposits'>): SceneNote {
  const [aPrime, nPrime] = [scalar(`spend ${i}`), scalar(`nullify ${i}`)];
  const owner = ownerHash(mulBase8(aPrime), mulBase8(nPrime));
  const first = 2n * BigInt(CIRCUITS[deposits].size);
  return { aPrime, nPrime, owner, cm: commitment({ owner, asset: 0, value: NOTE_VALUE }), position: first + BigInt(i) };
}

/** One private transfer: spends note i and a dummy into two notes, paying an 8-byte fee. */
export function sceneTransfer({ domain, deposits }: Pick<Scene, 'domain' | 'deposits'>, i: number, state: LedgerState): TransferWitness {
  const note = sceneNote(i, { deposits });
  const dummy = {
    aPrime: scalar(`dummy spend ${i}`),
    nPrime: scalar(`dummy nullify ${i}`),
    position: bytesToUint(seeded(`dummy position ${i}`, 4)),
  };
  const dummyOwner = ownerHash(mulBase8(dummy.aPrime), mulBase8(dummy.nPrime));
  const dummyCm = commitment({ owner: dummyOwner, asset: 0, value: 0n });
  const pay = NOTE_VALUE / 3n;
  const outputs = [pay, NOTE_VALUE - FEE - pay].map((value, k) => ({
    owner: ownerHash(mulBase8(scalar(`payee ${i} ${k}`)), mulBase8(scalar(`payee n ${i} ${k}`))),
    asset: 0,
    value,
  }));
  const record: TransferRecord = {
    nf1: nullifier(note.nPrime, note.cm, note.position),
    nf2: nullifier(dummy.nPrime, dummyCm, dummy.position),
    cm1: commitment(outputs[0] as (typeof outputs)[0]),
    cm2: commitment(outputs[1] as (typeof outputs)[0]),
    outAsset: 0,
    outValue: 0n,
    recipient: ZERO_ADDRESS,
    feeAsset: 0,
    fee: FEE,
    ephemeral: seeded(`ephemeral ${i}`),
    ciphertexts: [seeded(`ciphertext 1 ${i}`), seeded(`ciphertext 2 ${i}`)],
  };
  if (record.nf1 >= NULLIFIER_MAX) throw new TacitError('BENCH_ANSWER', 'the seed gives an unusable nullifier');
  const M = recordMessage(record, domain);
  const sign = (aPrime: bigint, name: string) => signMessage(aPrime, seeded('nonce prefix'), M, seeded(`nonce ${name} ${i}`));
  const real: SpendInput = {
    APrime: mulBase8(note.aPrime),
    nPrime: note.nPrime,
    asset: 0,
    value: NOTE_VALUE,
    position: note.position,
    path: state.notes.path(note.position),
    signature: sign(note.aPrime, 'note'),
  };
  const empty: SpendInput = {
    APrime: mulBase8(dummy.aPrime),
    nPrime: dummy.nPrime,
    asset: 0,
    value: 0n,
    position: dummy.position,
    path: Array.from({ length: TREE_DEPTH }, () => [0n, 0n, 0n]),
    signature: sign(dummy.aPrime, 'dummy'),
  };
  const witness: TransferWitness = {
    record,
    inputs: [real, empty],
    outputs: [outputs[0] as (typeof outputs)[0], outputs[1] as (typeof outputs)[0]],
    anchor: state.noteRoot,
  };
  checkTransferWitness(witness, domain);
  return witness;
}

/**
 * Transfers `first` to `first + K - 1` with the one proof that they share, as they go into a settlement. A proof of one is
 * made at home and names nobody; a proof of eight names the farm's worker.
 */
export async function proveTransfers(scene: Scene, circuit: CircuitName, first: number, state: LedgerState): Promise<TransferProofEntry> {
  const { id, size } = CIRCUITS[circuit];
  const witnesses = Array.from({ length: size }, (_, k) => sceneTransfer(scene, first + k, state));
  const prover = size === 1 ? ZERO_ADDRESS : scene.farmProver;
  const { input, publicInputs } = transferCircuitInput(circuit, witnesses, state.noteRoot, prover, scene.domain);
  const { h, z, y } = publicInputs;
  const proof = await scene.proofs.get(`transfers ${first}`, circuit, input, [h, z, y]);
  return {
    circuitId: id,
    prover,
    anchor: { kind: 'known', root: state.noteRoot },
    h,
    proof,
    records: witnesses.map(({ record }) => record),
  };
}

/** An update with its proof, and the state after it. */
export async function proveUpdate(
  scene: Scene,
  circuit: CircuitName,
  name: string,
  state: LedgerState,
  slots: readonly Slot[],
  prover = scene.farmProver,
): Promise<{ entry: UpdateEntry; next: LedgerState }> {
  const { input, publicInputs, next } = applyBatch(state, circuit, slots, prover, scene.domain);
  const { h, z, y } = publicInputs;
  const proof = await scene.proofs.get(name, circuit, input, [h, z, y]);
  const entry = {
    circuitId: CIRCUITS[circuit].id,
    keepRoot: false,
    used: slots.length,
    prover,
    h,
    proof,
    noteRootNew: next.noteRoot,
    nullRootNew: next.nullifierRoot,
  };
  return { entry, next };
}

/** Pays in the first `count` notes. */
export async function depositNotes(scene: Scene, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await scene.rollup.deposit({
      asset: 0,
      value: NOTE_VALUE,
      owner: sceneNote(i, scene).owner,
      ephemeral: seeded(`deposit ${i}`),
      ciphertext: seeded(`deposit ciphertext ${i}`),
    });
  }
}
