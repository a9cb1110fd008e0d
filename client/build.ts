/**
 * From notes and intentions to a signed transfer: dummies, one-time keys, shuffling, encryption, record, signatures.
 *
 *   1 inputs    the wallet's notes; a dummy of value 0 with fresh keys in each empty place; order by a random bit
 *   2 e         from the outgoing key and everything the transfer says (protocol/onetime.ts)
 *   3 outputs   sorted, then swapped or not by a bit of e; one-time keys and ciphertext for each
 *   4 record    with nullifiers, commitments, withdrawal and fee
 *   5 sign      both inputs sign the record's message
 *   6 check     every statement natively: a transfer that would not prove is never reserved, let alone sent
 */
import { mulBase8, SUBGROUP_ORDER } from '../protocol/babyjubjub.js';
import { bytesToUint, hexToBytes } from '../protocol/bytes.js';
import { TREE_ARITY, TREE_DEPTH, ZERO_ADDRESS } from '../protocol/constants.js';
import { encryptNote } from '../protocol/encryption.js';
import type { Amount, AssetId, EvmAddress, Field, Hex, LeafIndex } from '../protocol/flavor.js';
import { commitment, nullifier, ownerHash } from '../protocol/note.js';
import {
  deriveForSender,
  type OutputIndex,
  type PlannedOutput,
  senderSecret,
  shuffleBit,
  sortOutputs,
  streamKey,
  x25519Public,
} from '../protocol/onetime.js';
import { recordHash, recordMessage, type TransferRecord } from '../protocol/record.js';
import { signMessage } from '../protocol/signature.js';
import { checkTransferWitness, type OutputNote, type SpendInput, type TransferWitness } from '../protocol/transfer.js';
import { noteSecrets } from './scan.js';
import type { StoredNote } from './state.js';
import type { Wallet } from './wallet.js';

export interface Money {
  readonly asset: AssetId;
  readonly value: Amount;
}

export interface TransferPlan {
  /** One or two notes of this wallet. */
  readonly inputs: readonly StoredNote[];
  readonly outputs: readonly [PlannedOutput, PlannedOutput];
  readonly withdrawal?: Money & { readonly recipient: EvmAddress };
  /** Value 0 for none. */
  readonly fee: Money;
}

export interface BuiltTransfer {
  /** Hash of the record. */
  readonly id: Hex;
  readonly witness: TransferWitness;
  /** The sender's X25519 secret. */
  readonly e: Uint8Array;
}

export type RandomBytes = (sizeBytes: number) => Uint8Array;

interface Input {
  readonly aPrime: bigint;
  readonly noncePrefix: Uint8Array;
  readonly spend: Omit<SpendInput, 'signature'>;
  readonly nf: Field;
}

const NO_PATH: readonly (readonly Field[])[] = Array.from({ length: TREE_DEPTH }, () => Array.from({ length: TREE_ARITY - 1 }, () => 0n));
const POSITION_BYTES = 4;
const WIDE_BYTES = 64;

/** @throws TacitError TRANSFER_T1 … TRANSFER_T9, RECORD_… when the plan does not balance or fit */
export function buildTransfer(wallet: Wallet, plan: TransferPlan, random: RandomBytes = platformRandom): BuiltTransfer {
  const first = plan.inputs[0] as StoredNote;
  const inputs = arrangeInputs(wallet, plan.inputs, random);
  const [nf1, nf2] = [inputs[0].nf, inputs[1].nf];
  const e = senderSecret(wallet.account(first.account).outgoing, { ...wallet.domain, nf1, nf2, outputs: plan.outputs });
  const E = x25519Public(e);
  const outputs = arrangeOutputs(e, E, plan.outputs);
  const record: TransferRecord = {
    nf1,
    nf2,
    cm1: outputs[0].cm,
    cm2: outputs[1].cm,
    outAsset: plan.withdrawal?.asset ?? 0,
    outValue: plan.withdrawal?.value ?? 0n,
    recipient: plan.withdrawal?.recipient ?? ZERO_ADDRESS,
    feeAsset: plan.fee.value === 0n ? 0 : plan.fee.asset,
    fee: plan.fee.value,
    ephemeral: E,
    ciphertexts: [outputs[0].ciphertext, outputs[1].ciphertext],
  };
  const M = recordMessage(record, wallet.domain);
  const sign = (input: Input): SpendInput => ({ ...input.spend, signature: signMessage(input.aPrime, input.noncePrefix, M, random(32)) });
  const witness: TransferWitness = {
    record,
    inputs: [sign(inputs[0]), sign(inputs[1])],
    outputs: [outputs[0].note, outputs[1].note],
    anchor: wallet.chain.tree.root,
  };
  checkTransferWitness(witness, wallet.domain);
  return { id: recordHash(record, wallet.domain), witness, e };
}

/**
 * The same transfer under the newest root: the anchor is not signed, so nothing else changes.
 * @param positions of the real inputs are taken from the witness; dummies keep their empty paths
 */
export function reanchor(wallet: Wallet, witness: TransferWitness): TransferWitness {
  const tree = wallet.chain.tree;
  const refresh = (input: SpendInput): SpendInput => (input.value === 0n ? input : { ...input, path: tree.path(input.position as bigint) });
  return { ...witness, inputs: [refresh(witness.inputs[0]), refresh(witness.inputs[1])], anchor: tree.root };
}

function arrangeInputs(wallet: Wallet, notes: readonly StoredNote[], random: RandomBytes): [Input, Input] {
  const first = realInput(wallet, notes[0] as StoredNote);
  const second = notes[1] === undefined ? dummyInput((notes[0] as StoredNote).asset, random) : realInput(wallet, notes[1]);
  return ((random(1)[0] as number) & 1) === 0 ? [first, second] : [second, first];
}

function realInput(wallet: Wallet, note: StoredNote): Input {
  const keys = wallet.account(note.account);
  const { APrime, aPrime, nPrime } = noteSecrets(keys, note);
  const position = BigInt(note.position);
  const spend = { APrime, nPrime, asset: note.asset, value: BigInt(note.value), position, path: wallet.chain.tree.path(position) };
  return { aPrime, noncePrefix: keys.noncePrefix, spend, nf: nullifier(nPrime, bytesToUint(hexToBytes(note.cm, 32)), position) };
}

/** Worth nothing, under keys that nobody has seen, at a place that nobody looks at. */
function dummyInput(asset: AssetId, random: RandomBytes): Input {
  const [aPrime, nPrime] = [randomScalar(random), randomScalar(random)];
  const APrime = mulBase8(aPrime);
  const position: LeafIndex = bytesToUint(random(POSITION_BYTES));
  const cm = commitment({ owner: ownerHash(APrime, mulBase8(nPrime)), asset, value: 0n });
  return {
    aPrime,
    noncePrefix: random(32),
    spend: { APrime, nPrime, asset, value: 0n, position, path: NO_PATH },
    nf: nullifier(nPrime, cm, position),
  };
}

function arrangeOutputs(e: Uint8Array, E: Uint8Array, planned: readonly [PlannedOutput, PlannedOutput]) {
  const sorted = sortOutputs(planned);
  const [first, second] = shuffleBit(e) === 0 ? sorted : [sorted[1], sorted[0]];
  return [makeOutput(e, E, first, 0), makeOutput(e, E, second, 1)] as const;
}

function makeOutput(
  e: Uint8Array,
  E: Uint8Array,
  { address, asset, value, memo }: PlannedOutput,
  k: OutputIndex,
): { note: OutputNote; cm: Field; ciphertext: Uint8Array } {
  const oneTime = deriveForSender(e, address, k, 'transfer');
  const note = { owner: oneTime.owner, asset, value };
  const cm = commitment(note);
  return { note, cm, ciphertext: encryptNote({ asset, value, memo }, streamKey(oneTime.sharedSecret, E, address.V, k, cm, 'transfer')) };
}

function randomScalar(random: RandomBytes): bigint {
  return (bytesToUint(random(WIDE_BYTES)) % (SUBGROUP_ORDER - 1n)) + 1n;
}

function platformRandom(sizeBytes: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(sizeBytes));
}
