/**
 * A transfer as its prover needs it: two inputs, two outputs, the public record, the anchor. No spend key is in it,
 * so a prover can see and never steal; n' of the inputs is in it, see docs/threat-model.md.
 *
 * Statements, as in docs/spec/transfer.md; `checkTransferWitness` checks each natively and names the one that fails:
 *   T1  A' and R8 on the curve (here also: of prime order), n' in [1, l)
 *   T2  amounts below 2^128, asset ids below 2^32
 *   T3  an input that carries value lies under the anchor at its position
 *   T4  nullifiers are those of the inputs, and differ
 *   T5  both owners signed the record's message
 *   T6  commitments are those of the outputs
 *   T7  equality of asset ids, as used by T8
 *   T8  per input asset, what goes in is what comes out (outputs, withdrawal, fee)
 *   T9  nothing that carries value goes out in a third asset
 *   T10 the fingerprint; `transferCircuitInput` computes it
 */
import { isInSubgroup, mulBase8, type Point, SUBGROUP_ORDER } from './babyjubjub.js';
import { bytesToHex, bytesToUint, hexToBytes, uintToBytes } from './bytes.js';
import { CIRCUITS, type CircuitName } from './circuit.js';
import { AMOUNT_BITS, ASSET_BITS, TREE_ARITY, TREE_CAPACITY, TREE_DEPTH } from './constants.js';
import { TacitError } from './errors.js';
import { evmAddressToField } from './evmAddress.js';
import { fieldFromBytes, fieldToBytes, isField } from './field.js';
import { type PublicInputs, publicInputsOf, transferList, transferSponge } from './fingerprint.js';
import type { Amount, AssetId, EvmAddress, Field, LeafIndex, SubgroupScalar } from './flavor.js';
import { H } from './hash.js';
import { commitment, nullifier, ownerHash } from './note.js';
import {
  assertRecordRules,
  type Domain,
  decodeRecord,
  encodeRecord,
  recordElements,
  recordMessage,
  type TransferRecord,
} from './record.js';
import { type Signature, verifySignature } from './signature.js';

export interface SpendInput {
  /** One-time spend key A' of the note. */
  readonly APrime: Point;
  /** One-time nullifier scalar n' of the note, in [1, l). */
  readonly nPrime: SubgroupScalar;
  readonly asset: AssetId;
  /** 0 marks a dummy. */
  readonly value: Amount;
  readonly position: LeafIndex;
  /** 16 rows of 3 siblings, leaf upwards, own child left out; any values for a dummy. */
  readonly path: readonly (readonly Field[])[];
  /** Over the record's message, under A'. */
  readonly signature: Signature;
}

export interface OutputNote {
  readonly owner: Field;
  readonly asset: AssetId;
  readonly value: Amount;
}

export interface TransferWitness {
  readonly record: TransferRecord;
  readonly inputs: readonly [SpendInput, SpendInput];
  readonly outputs: readonly [OutputNote, OutputNote];
  /** Note root that both inputs lie under. */
  readonly anchor: Field;
}

/** Signals of circuits/main/transfer_K.circom, as decimal strings. */
export type TransferCircuitInput = Record<string, unknown>;

/** Longest witness text that is parsed; `encodeTransferWitness` writes about 9 000 characters, always about as many. */
export const WITNESS_MAX_CHARACTERS = 16_384;
const SIBLINGS = TREE_ARITY - 1;
const FIELD_BYTES = 32;

/**
 * Everything that the circuit will demand, and the record's own rules.
 * @throws TacitError TRANSFER_T1 … TRANSFER_T9 by the failing statement, RECORD_… for the record by itself
 */
export function checkTransferWitness(w: TransferWitness, domain: Domain): void {
  assertRecordRules(w.record);
  if (!isField(w.anchor)) fail('T3', 'the anchor is not a field element');
  const nullifiers = w.inputs.map((input, i) => checkInput(input, i, w.anchor));
  checkNullifiers(nullifiers as [Field, Field], w.record);
  const M = recordMessage(w.record, domain);
  w.inputs.forEach((input, i) => {
    if (!verifySignature(input.APrime, M, input.signature)) fail('T5', `the signature of input ${i + 1} does not match the record`);
  });
  checkOutputs(w);
  checkBalance(w);
}

/**
 * What the circuit takes, for K transfers with one anchor, and the three public inputs that result.
 * @param prover the address to be paid for the proof; zero when a client proves for itself
 * @throws TacitError LIST_LENGTH (other than K transfers), TRANSFER_ANCHOR (a witness with another anchor), EVM_ADDRESS_INVALID
 */
export function transferCircuitInput(
  circuit: CircuitName,
  ws: readonly TransferWitness[],
  anchor: Field,
  prover: EvmAddress,
  domain: Domain,
): { input: TransferCircuitInput; publicInputs: PublicInputs; x: Field[] } {
  const info = CIRCUITS[circuit];
  if (info.kind !== 'transfer' || ws.length !== info.size)
    throw new TacitError('LIST_LENGTH', `${circuit} takes another number of transfers`, {
      expected: String(info.size),
      got: String(ws.length),
    });
  if (ws.some((w) => w.anchor !== anchor)) throw new TacitError('TRANSFER_ANCHOR', 'transfers of one proof need one anchor');
  const records = ws.map((w) => w.record);
  const x = transferList(anchor, prover, records, domain);
  const h = transferSponge(
    circuit,
    anchor,
    prover,
    records.map((record) => recordMessage(record, domain)),
  );
  const publicInputs = publicInputsOf(info.id, h, x, domain);
  return { input: circuitSignals(ws, anchor, prover, publicInputs, domain), publicInputs, x };
}

/** The root that a leaf gives under a path. */
export function rootOfPath(leaf: Field, position: LeafIndex, path: readonly (readonly Field[])[]): Field {
  let node = leaf;
  let index = position as bigint;
  for (const siblings of path) {
    const children = [...siblings];
    children.splice(Number(index % BigInt(TREE_ARITY)), 0, node);
    node = H(...children);
    index /= BigInt(TREE_ARITY);
  }
  return node;
}

/** T1, T2, T3 and the nullifier of one input. */
function checkInput(input: SpendInput, i: number, anchor: Field): Field {
  const name = `input ${i + 1}`;
  if (!isInSubgroup(input.APrime) || !isInSubgroup(input.signature.R8))
    fail('T1', `a key or signature point of ${name} is not of prime order`);
  if (input.nPrime <= 0n || input.nPrime >= SUBGROUP_ORDER) fail('T1', `the nullifier scalar of ${name} is out of range`, '1 to l − 1');
  checkWidths(input.asset, input.value, name);
  if (input.position < 0n || input.position >= TREE_CAPACITY) fail('T3', `the position of ${name} is out of range`, '0 to 2^32 − 1');
  if (input.path.length !== TREE_DEPTH || input.path.some((row) => row.length !== SIBLINGS || !row.every(isField)))
    fail('T3', `the path of ${name} is malformed`, `${TREE_DEPTH} rows of ${SIBLINGS} field elements`);
  const cm = commitment({ owner: ownerHash(input.APrime, mulBase8(input.nPrime)), asset: input.asset, value: input.value });
  if (input.value !== 0n && rootOfPath(cm, input.position, input.path) !== anchor) fail('T3', `${name} does not lie under the anchor`);
  return nullifier(input.nPrime, cm, input.position);
}

function checkNullifiers(nullifiers: readonly [Field, Field], record: TransferRecord): void {
  if (nullifiers[0] !== record.nf1) fail('T4', 'nf1 is not the nullifier of input 1');
  if (nullifiers[1] !== record.nf2) fail('T4', 'nf2 is not the nullifier of input 2');
  if (record.nf1 === record.nf2) fail('T4', 'the two nullifiers are equal');
}

function checkOutputs({ outputs, record }: TransferWitness): void {
  outputs.forEach((output, k) => {
    const name = `output ${k + 1}`;
    checkWidths(output.asset, output.value, name);
    if (!isField(output.owner)) fail('T6', `the owner of ${name} is not a field element`);
    if (commitment(output) !== (k === 0 ? record.cm1 : record.cm2)) fail('T6', `cm${k + 1} is not the commitment of ${name}`);
  });
}

function checkBalance({ inputs, outputs, record }: TransferWitness): void {
  const terms = [...outputs, { asset: record.outAsset, value: record.outValue }, { asset: record.feeAsset, value: record.fee }];
  const sum = (parts: readonly { asset: AssetId; value: Amount }[], asset: AssetId) =>
    parts.reduce((total, part) => total + (part.asset === asset ? part.value : 0n), 0n);
  for (const { asset } of inputs) {
    const [paidIn, paidOut] = [sum(inputs, asset), sum(terms, asset)];
    if (paidIn !== paidOut) fail('T8', `the sums in asset ${asset} differ`, 'inputs equal to outputs, withdrawal and fee');
  }
  const stray = terms.find(({ asset, value }) => value !== 0n && inputs.every((input) => input.asset !== asset));
  if (stray !== undefined) fail('T9', `value goes out in asset ${stray.asset}, which no input has`);
}

function checkWidths(asset: AssetId, value: Amount, name: string): void {
  if (value < 0n || value >= 1n << BigInt(AMOUNT_BITS)) fail('T2', `the value of ${name} is out of range`, '0 to 2^128 − 1');
  if (!Number.isInteger(asset) || asset < 0 || asset >= 2 ** ASSET_BITS)
    fail('T2', `the asset of ${name} is out of range`, '0 to 2^32 − 1');
}

function fail(statement: string, message: string, expected?: string): never {
  throw new TacitError(`TRANSFER_${statement}`, `transfer does not hold: ${message}`, {
    docs: 'spec/transfer.md',
    ...(expected === undefined ? {} : { expected }),
  });
}

function circuitSignals(
  ws: readonly TransferWitness[],
  anchor: Field,
  prover: EvmAddress,
  { h, z, y }: PublicInputs,
  domain: Domain,
): TransferCircuitInput {
  const perInput = (pick: (input: SpendInput) => bigint | number) => ws.map((w) => w.inputs.map((input) => String(pick(input))));
  const perOutput = (pick: (output: OutputNote) => bigint | number) => ws.map((w) => w.outputs.map((output) => String(pick(output))));
  const perRecord = (at: number) => ws.map((w) => String(recordElements(w.record, domain)[at]));
  return {
    h: String(h),
    z: String(z),
    y: String(y),
    anchor: String(anchor),
    prover: String(evmAddressToField(prover, 'prover')),
    inAx: perInput((input) => input.APrime.x),
    inAy: perInput((input) => input.APrime.y),
    inNk: perInput((input) => input.nPrime),
    inAsset: perInput((input) => input.asset),
    inValue: perInput((input) => input.value),
    inPos: perInput((input) => input.position),
    inPath: ws.map((w) => w.inputs.map((input) => input.path.map((row) => row.map(String)))),
    sigR8x: perInput((input) => input.signature.R8.x),
    sigR8y: perInput((input) => input.signature.R8.y),
    sigS: perInput((input) => input.signature.S),
    outOwner: perOutput((output) => output.owner),
    outAssetId: perOutput((output) => output.asset),
    outNoteValue: perOutput((output) => output.value),
    wAsset: perRecord(4),
    wValue: perRecord(5),
    feeAsset: perRecord(6),
    fee: perRecord(7),
    ext: perRecord(8),
  };
}

/** JSON of fixed size: every number is 0x and 64 digits, so that the length says nothing about amounts. */
export function encodeTransferWitness(w: TransferWitness): string {
  return JSON.stringify({
    record: bytesToHex(encodeRecord(w.record)),
    anchor: word(w.anchor),
    inputs: w.inputs.map((input) => ({
      A: pointWords(input.APrime),
      n: word(input.nPrime),
      asset: word(input.asset),
      value: word(input.value),
      position: word(input.position),
      path: input.path.map((row) => row.map(word)),
      signature: { R8: pointWords(input.signature.R8), S: word(input.signature.S) },
    })),
    outputs: w.outputs.map((output) => ({ owner: word(output.owner), asset: word(output.asset), value: word(output.value) })),
  });
}

/**
 * Reads shapes and widths only; `checkTransferWitness` says whether it is true.
 * @throws TacitError WITNESS_FORMAT (over WITNESS_MAX_CHARACTERS too), HEX_INVALID, and as decodeRecord
 */
export function decodeTransferWitness(json: string): TransferWitness {
  if (json.length > WITNESS_MAX_CHARACTERS)
    throw new TacitError('WITNESS_FORMAT', 'witness is too long', {
      expected: `at most ${WITNESS_MAX_CHARACTERS} characters`,
      got: String(json.length),
    });
  const root = object(parse(json), ['record', 'anchor', 'inputs', 'outputs'], 'witness');
  const record = decodeRecord(hexToBytes(text(root.record, 'record')));
  return {
    record,
    anchor: unword(root.anchor),
    inputs: pair(root.inputs, 'inputs').map(readInput) as [SpendInput, SpendInput],
    outputs: pair(root.outputs, 'outputs').map(readOutput) as [OutputNote, OutputNote],
  };
}

function readInput(value: unknown): SpendInput {
  const raw = object(value, ['A', 'n', 'asset', 'value', 'position', 'path', 'signature'], 'input');
  const signature = object(raw.signature, ['R8', 'S'], 'signature');
  return {
    APrime: unpoint(raw.A),
    nPrime: unword(raw.n) as bigint,
    asset: small(raw.asset),
    value: unword(raw.value) as bigint,
    position: unword(raw.position) as bigint,
    path: list(raw.path, TREE_DEPTH, 'path').map((row) => list(row, SIBLINGS, 'path row').map(unword)),
    signature: { R8: unpoint(signature.R8), S: unword(signature.S) as bigint },
  };
}

function readOutput(value: unknown): OutputNote {
  const raw = object(value, ['owner', 'asset', 'value'], 'output');
  return { owner: unword(raw.owner), asset: small(raw.asset), value: unword(raw.value) as bigint };
}

function word(value: bigint | number): string {
  return bytesToHex(uintToBytes(value, FIELD_BYTES));
}

function pointWords(point: Point): string[] {
  return [bytesToHex(fieldToBytes(point.x)), bytesToHex(fieldToBytes(point.y))];
}

function unword(value: unknown): Field {
  const hex = text(value, 'number');
  if (hex !== hex.toLowerCase()) throw malformed('number');
  return fieldFromBytes(hexToBytes(hex, FIELD_BYTES));
}

function unpoint(value: unknown): Point {
  const [x, y] = list(value, 2, 'point').map(unword);
  return { x: x as Field, y: y as Field };
}

function small(value: unknown): AssetId {
  const wide = bytesToUint(fieldToBytes(unword(value)));
  if (wide >= 1n << BigInt(ASSET_BITS)) throw malformed('asset');
  return Number(wide);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // No cause: its message quotes what it could not read, and this is a witness.
    throw new TacitError('WITNESS_FORMAT', 'witness is not JSON');
  }
}

function object<K extends string>(value: unknown, keys: readonly K[], what: string): Record<K, unknown> {
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== [...keys].sort().join()) throw malformed(what);
  return value as Record<K, unknown>;
}

function list(value: unknown, length: number, what: string): unknown[] {
  if (!Array.isArray(value) || value.length !== length) throw malformed(what);
  return value;
}

function pair(value: unknown, what: string): unknown[] {
  return list(value, 2, what);
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw malformed(what);
  return value;
}

function malformed(what: string): TacitError {
  return new TacitError('WITNESS_FORMAT', `witness is malformed at ${what}`);
}
