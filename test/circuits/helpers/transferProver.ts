/**
 * A prover of transfers who may lie. It follows circuit transfer(1) step by step with whatever it is told, signs the
 * message that results, and keeps the fingerprint consistent: what then fails is the one rule that was broken.
 * `after` changes inputs once everything is signed and sealed.
 */
import { BASE8, mulBase8, type Point, SUBGROUP_ORDER } from '../../../protocol/babyjubjub.js';
import { DOM_NULLIFIER, DOM_TX } from '../../../protocol/constants.js';
import { FIELD_MODULUS } from '../../../protocol/field.js';
import { horner, sponge } from '../../../protocol/fingerprint.js';
import { H } from '../../../protocol/hash.js';
import { signMessage } from '../../../protocol/signature.js';
import { SeededBytes } from '../../protocol/walletSupport.js';
import { SparseTree } from './sparseTree.js';

export interface InputPlan {
  /** Spend scalar a'. */
  readonly spend: bigint;
  /** Nullifier scalar as it goes into the witness. */
  readonly nk: bigint;
  readonly asset: bigint;
  readonly value: bigint;
  /** Leaf index as it goes into the witness; the note is put into the tree at `treeIndex`. */
  readonly pos: bigint;
  readonly treeIndex: bigint;
  readonly inTree: boolean;
  /** Spend key in the witness where it is not a'·B8. */
  readonly key?: Point;
  /** Scalar that signs, where it is not `spend`. */
  readonly signer?: bigint;
  /** A signature that was made elsewhere, or a way to make one for the message. */
  readonly signature?: Signed | ((message: bigint) => Signed);
  /** N' where it is not n'·B8. */
  readonly shadow?: Point;
  /** Value that the commitment opens to, where it is not `value`. */
  readonly hashedValue?: bigint;
  /** The nullifier claimed, where it is not the hash's. */
  readonly nf?: bigint;
  /** Reads the nullifier from H + p instead of H. */
  readonly shifted?: boolean;
}

export interface Signed {
  readonly R8: Point;
  readonly S: bigint;
}

export interface UsePlan {
  readonly asset: bigint;
  readonly value: bigint;
  /** Value that the commitment opens to, where it is not `value`. */
  readonly hashedValue?: bigint;
}

export interface TransferPlan {
  readonly inputs: readonly [InputPlan, InputPlan];
  readonly outputs: readonly [UsePlan, UsePlan];
  readonly withdrawal: UsePlan;
  readonly fee: UsePlan;
  readonly ext?: bigint;
  /** What stands in the signed message in place of `ext`. */
  readonly signedExt?: bigint;
}

export type Signals = Record<string, unknown>;

const random = new SeededBytes('test/circuits/transferProver');
const NOTE_A = 3n;
const NOTE_B = 9n;
export const ASSET_A = 0n;
export const ASSET_B = 7n;
const LOW_248 = 2n ** 248n - 1n;
const CIRCUIT_ID = 1;

function scalar(): bigint {
  return 1n + random.below(SUBGROUP_ORDER - 1n);
}

/** 10 and 20 of asset A in; 25, 2 and 2 withdrawn, 1 fee out. */
export function honestPlan(): TransferPlan {
  const note = (value: bigint, at: bigint): InputPlan => ({
    spend: scalar(),
    nk: scalar(),
    asset: ASSET_A,
    value,
    pos: at,
    treeIndex: at,
    inTree: true,
  });
  return {
    inputs: [note(10n, NOTE_A), note(20n, NOTE_B)],
    outputs: [
      { asset: ASSET_A, value: 25n },
      { asset: ASSET_A, value: 2n },
    ],
    withdrawal: { asset: ASSET_A, value: 2n },
    fee: { asset: ASSET_A, value: 1n },
  };
}

export function withInput(plan: TransferPlan, i: 0 | 1, change: Partial<InputPlan>): TransferPlan {
  const inputs = [...plan.inputs] as [InputPlan, InputPlan];
  inputs[i] = { ...inputs[i], ...change };
  return { ...plan, inputs };
}

/** A dummy: value 0, in no tree. */
export function dummy(asset: bigint): InputPlan {
  return { spend: scalar(), nk: scalar(), asset, value: 0n, pos: random.below(2n ** 32n), treeIndex: 0n, inTree: false };
}

/** The commitment of an input as its owner claims it. */
export function commitmentOf(input: InputPlan): bigint {
  const key = input.key ?? mulBase8(input.spend);
  const shadow = input.shadow ?? mulBase8(input.nk % SUBGROUP_ORDER);
  return H(H(key.x, key.y, shadow.x, shadow.y), input.asset, input.hashedValue ?? input.value);
}

export function transferSignals(plan: TransferPlan): Signals {
  const tree = new SparseTree();
  const notes = plan.inputs.map((input) => {
    const key = input.key ?? mulBase8(input.spend);
    const cm = commitmentOf(input);
    if (input.inTree) tree.set(input.treeIndex, cm);
    const digest = H(input.nk, cm, input.pos, DOM_NULLIFIER);
    return { key, nf: input.nf ?? (input.shifted ? digest + FIELD_MODULUS : digest) & LOW_248 };
  });
  const owners = plan.outputs.map(() => random.below(FIELD_MODULUS));
  const cms = plan.outputs.map(({ asset, value, hashedValue }, k) => H(owners[k]!, asset, hashedValue ?? value));
  const ext = plan.ext ?? random.below(FIELD_MODULUS);
  const record = [notes[0]!.nf, notes[1]!.nf, ...cms, plan.withdrawal.asset, plan.withdrawal.value, plan.fee.asset, plan.fee.value, ext];
  const message = H(DOM_TX, ...record.slice(0, -1), plan.signedExt ?? ext);
  const signatures = plan.inputs.map(({ signature, signer, spend }) => {
    if (signature === undefined) return signMessage(signer ?? spend, random.bytes(32), message, random.bytes(32));
    return typeof signature === 'function' ? signature(message) : signature;
  });
  const anchor = tree.root;
  const prover = random.below(2n ** 160n);
  const inputs = plan.inputs;
  const outputs = plan.outputs;
  const signals: Signals = {
    anchor,
    prover,
    inAx: [notes.map(({ key }) => key.x)],
    inAy: [notes.map(({ key }) => key.y)],
    inNk: [inputs.map(({ nk }) => nk)],
    inAsset: [inputs.map(({ asset }) => asset)],
    inValue: [inputs.map(({ value }) => value)],
    inPos: [inputs.map(({ pos }) => pos)],
    inPath: [inputs.map(({ treeIndex }) => tree.path(treeIndex))],
    sigR8x: [signatures.map(({ R8 }) => R8.x)],
    sigR8y: [signatures.map(({ R8 }) => R8.y)],
    sigS: [signatures.map(({ S }) => S)],
    outOwner: [owners],
    outAssetId: [outputs.map(({ asset }) => asset)],
    outNoteValue: [outputs.map(({ value }) => value)],
    wAsset: [plan.withdrawal.asset],
    wValue: [plan.withdrawal.value],
    feeAsset: [plan.fee.asset],
    fee: [plan.fee.value],
    ext: [ext],
  };
  return { ...signals, ...fingerprint(CIRCUIT_ID, [anchor, prover, ...record], [anchor, prover, message]) };
}

/** h, z, y of a list, with a challenge that depends on both as the real one does. */
export function fingerprint(id: number, x: readonly bigint[], absorbed: readonly bigint[]): { h: bigint; z: bigint; y: bigint } {
  const h = sponge(id, absorbed);
  const z = sponge(id, [h, ...x]);
  return { h, z, y: horner(x, z) };
}

/** R8 = S·B8: what a key of small order would accept for any message, were it not refused. */
export function signatureWithoutKey(): { R8: Point; S: bigint } {
  const S = scalar();
  return { R8: mulBase8(S), S };
}

export const OFF_CURVE: Point = { x: BASE8.x, y: BASE8.y + 1n };
