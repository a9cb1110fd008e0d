/**
 * Strict verification in snarkjs' JSON shapes, for files and for a worker's own proofs.
 *
 * snarkjs' own verifier accepts too few public inputs and, under a key without a contribution, forged proofs. This one
 * refuses: another count of inputs, inputs that are not canonical numbers below p, points off the curve or outside the
 * subgroup, and keys with δ = ±γ or δ = ± the generator of G2. The checks themselves stand in protocol/groth16.ts and, fast, in
 * engine/verify.ts.
 */
import { TacitError } from '../protocol/errors.js';
import { proofFromSnarkjs } from '../protocol/proof.js';
import { type VerifyingKey, vkeyFromSnarkjs } from '../protocol/vkey.js';
import { verifyGroth16 } from './engine/verify.js';

/**
 * Keys that were checked, by the object they were read from: a worker verifies with the same one again and again.
 * A verification key's JSON must not be changed after its first use.
 */
const readKeys = new WeakMap<object, VerifyingKey>();

/**
 * @param vkey verification_key.json, parsed
 * @param publicSignals public.json, parsed: decimal strings
 * @param proof proof.json, parsed
 * @throws TacitError PUBLIC_SIGNALS_SHAPE, VKEY_SHAPE, PROOF_SHAPE, PROOF_COORDINATE, PUBLIC_COUNT, FIELD_RANGE,
 * POINT_OFF_CURVE, POINT_OUTSIDE_SUBGROUP, KEY_INSECURE, PROOF_INVALID
 */
export function verifyProof(vkey: unknown, publicSignals: unknown, proof: unknown): void {
  verifyGroth16(readKey(vkey), readSignals(publicSignals), proofFromSnarkjs(proof));
}

/** Codes that say "checked, and wrong"; every other failure is an input that could not be read. */
const VERDICTS: ReadonlySet<string> = new Set([
  'PROOF_INVALID',
  'PUBLIC_COUNT',
  'FIELD_RANGE',
  'POINT_OFF_CURVE',
  'POINT_OUTSIDE_SUBGROUP',
  'PROOF_COORDINATE',
  'KEY_INSECURE',
]);

/** True where the error says that a proof or key is bad, false where it says that a file is not one. */
export function isVerdict(error: unknown): error is TacitError {
  return error instanceof TacitError && VERDICTS.has(error.code);
}

function readKey(json: unknown): VerifyingKey {
  if (typeof json !== 'object' || json === null) return vkeyFromSnarkjs(json);
  const known = readKeys.get(json);
  if (known !== undefined) return known;
  const key = vkeyFromSnarkjs(json);
  readKeys.set(json, key);
  return key;
}

function readSignals(json: unknown): bigint[] {
  if (!Array.isArray(json))
    throw new TacitError('PUBLIC_SIGNALS_SHAPE', 'public signals are not a list', { expected: 'a list of decimal strings' });
  return json.map((text, i) => {
    if (typeof text !== 'string' || !/^(0|[1-9][0-9]*)$/.test(text)) {
      throw new TacitError('PUBLIC_SIGNALS_SHAPE', `public signal ${i} is not a number`, {
        expected: 'a decimal string without sign or leading zeros',
      });
    }
    return BigInt(text);
  });
}
