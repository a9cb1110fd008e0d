/**
 * Transfers of nothing, made to fill a proof or to try a prover: two dummy inputs, two outputs of value 0 that nobody owns, no fee.
 * To the chain they look like any private transfer that pays no fee. Keys are random and forgotten: there is nothing to spend.
 */
import { mulBase8, SUBGROUP_ORDER } from './babyjubjub.js';
import { bytesToUint } from './bytes.js';
import { TREE_ARITY, TREE_DEPTH, ZERO_ADDRESS } from './constants.js';
import type { Field, LeafIndex } from './flavor.js';
import { commitment, nullifier, ownerHash } from './note.js';
import { x25519Public } from './onetime.js';
import { type Domain, recordMessage, type TransferRecord } from './record.js';
import type { RandomBytes } from './seal.js';
import { signMessage } from './signature.js';
import type { OutputNote, SpendInput, TransferWitness } from './transfer.js';

const SECRET_BYTES = 32;
/** Reduced modulo the group's order, so many bytes leave no bias worth the name. */
const WIDE_BYTES = 64;
const POSITION_BYTES = 4;
const NO_PATH = Array.from({ length: TREE_DEPTH }, () => Array.from({ length: TREE_ARITY - 1 }, () => 0n));

interface Dummy {
  readonly aPrime: bigint;
  readonly spend: Omit<SpendInput, 'signature'>;
  readonly nf: Field;
}

/** A witness that holds under any anchor: dummies lie nowhere. */
export function paddingWitness(anchor: Field, domain: Domain, random: RandomBytes): TransferWitness {
  const [first, second] = [dummy(random), dummy(random)];
  const outputs: [OutputNote, OutputNote] = [emptyNote(random), emptyNote(random)];
  const record: TransferRecord = {
    nf1: first.nf,
    nf2: second.nf,
    cm1: commitment(outputs[0]),
    cm2: commitment(outputs[1]),
    outAsset: 0,
    outValue: 0n,
    recipient: ZERO_ADDRESS,
    feeAsset: 0,
    fee: 0n,
    ephemeral: x25519Public(random(SECRET_BYTES)),
    ciphertexts: [random(SECRET_BYTES), random(SECRET_BYTES)],
  };
  const M = recordMessage(record, domain);
  const sign = ({ aPrime, spend }: Dummy): SpendInput => ({
    ...spend,
    signature: signMessage(aPrime, random(SECRET_BYTES), M, random(SECRET_BYTES)),
  });
  return { record, inputs: [sign(first), sign(second)], outputs, anchor };
}

function dummy(random: RandomBytes): Dummy {
  const [aPrime, nPrime] = [scalar(random), scalar(random)];
  const APrime = mulBase8(aPrime);
  const position: LeafIndex = bytesToUint(random(POSITION_BYTES));
  const cm = commitment({ owner: ownerHash(APrime, mulBase8(nPrime)), asset: 0, value: 0n });
  return { aPrime, spend: { APrime, nPrime, asset: 0, value: 0n, position, path: NO_PATH }, nf: nullifier(nPrime, cm, position) };
}

function emptyNote(random: RandomBytes): OutputNote {
  return { owner: ownerHash(mulBase8(scalar(random)), mulBase8(scalar(random))), asset: 0, value: 0n };
}

function scalar(random: RandomBytes): bigint {
  return (bytesToUint(random(WIDE_BYTES)) % (SUBGROUP_ORDER - 1n)) + 1n;
}
