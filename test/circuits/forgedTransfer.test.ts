/**
 * T1–T10 with forged witnesses. For each statement a liar keeps everything else: hints, hashes, signatures and
 * fingerprint fit the lie. The edited witness file then breaks the constraints of that statement and no other, so
 * the statement alone stops the attack, and no proof made from the file verifies.
 */
import { bn254 } from '@noble/curves/bn254.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wtnsOf } from '../../circuits/wtns.js';
import { BASE8, mulBase8, type Point, SUBGROUP_ORDER } from '../../protocol/babyjubjub.js';
import { DOM_NULLIFIER } from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { H } from '../../protocol/hash.js';
import { ForgedProofs, LONG } from './helpers/forgedProofs.js';
import { LIE, STRANGE_SHADOW } from './helpers/levers.js';
import { type Liar, loadLiar } from './helpers/liar.js';
import {
  ASSET_A,
  ASSET_B,
  commitmentOf,
  dummy,
  honestPlan,
  type InputPlan,
  type Signals,
  type Signed,
  signatureWithoutKey,
  type TransferPlan,
  transferSignals,
  withInput,
} from './helpers/transferProver.js';

/** Bits of l, and of the scalars in the circuit. */
const SCALAR_BITS = 251n;
const NOTHING = { asset: ASSET_A, value: 0n };
let liar: Liar;
let proofs: ForgedProofs;
beforeAll(async () => {
  liar = await loadLiar('transfer_1');
  proofs = new ForgedProofs(liar.circuit.artifacts);
});
afterAll(() => proofs.close());

interface Forgery {
  /** Id and what was tried → how it was stopped, as the attack table prints it. */
  readonly name: string;
  readonly signals: (base: TransferPlan) => Signals;
  /** Wires edited after the calculation, by name from main. */
  readonly edit?: Readonly<Record<string, bigint>>;
  /** Every broken constraint has a signal whose name matches. */
  readonly place: RegExp;
  /** Proven in every run; the others in the long one. */
  readonly proven?: true;
}

/** The honest plan with its first input changed, and more where the sums have to fit. */
const first = (base: TransferPlan, change: Partial<InputPlan>, rest: Partial<TransferPlan> = {}): Signals =>
  transferSignals({ ...withInput(base, 0, change), ...rest });
const but = (base: TransferPlan, change: Partial<TransferPlan>): Signals => transferSignals({ ...base, ...change });
const outputs = (one: bigint, two: bigint, asset = ASSET_A) =>
  [
    { asset, value: one },
    { asset, value: two },
  ] as const;

/** Off the curve, and its double is twice the honest key: T5 holds for it. */
function offCurveTwin(spend: bigint): { key: Point; signature: (message: bigint) => Signed } {
  const { Fr } = bn254.fields;
  const { x, y } = mulBase8(spend);
  // a·x'^4 + (y² − a·x²)·x'² − x²·y² = 0 has the roots x² and −y²/a; the second, with x'·y' = x·y, leaves the curve.
  const otherX = Fr.mul(y, Fr.sqrt(Fr.neg(Fr.inv(168700n))));
  const key = { x: otherX, y: Fr.div(Fr.mul(x, y), otherX) };
  return { key, signature: signWith(spend, key) };
}

/** EdDSA under `key` with the scalar of a point that has the same multiple by eight. */
function signWith(spend: bigint, key: Point, nonce = 99n, shift = 0n): (message: bigint) => Signed {
  return (message) => {
    const R8 = mulBase8(nonce);
    const challenge = H(R8.x, R8.y, key.x, key.y, message) + shift;
    return { R8, S: (nonce + 8n * challenge * spend) % SUBGROUP_ORDER };
  };
}

/** A signature whose S leaves room for S + l in the bits of a scalar. */
function lowSignature(spend: bigint): (message: bigint) => Signed {
  return (message) => {
    let nonce = 1n;
    let signed = signWith(spend, mulBase8(spend), nonce)(message);
    while (signed.S + SUBGROUP_ORDER >= 2n ** SCALAR_BITS) signed = signWith(spend, mulBase8(spend), ++nonce)(message);
    return signed;
  };
}

/** Whether the liar reads this digest as digest + p. */
const isShifted = (digest: bigint): boolean => digest < 2n ** 251n && (digest & 255n) === LIE.shiftedByte;

function shiftedNullifier(base: TransferPlan): Signals {
  const [note] = base.inputs;
  const cm = commitmentOf(note);
  let pos = 100n;
  while (!isShifted(H(note.nk, cm, pos, DOM_NULLIFIER))) pos++;
  return first(base, { pos, treeIndex: pos, shifted: true });
}

function shiftedChallenge(base: TransferPlan): Signals {
  const [{ spend }] = base.inputs;
  const key = mulBase8(spend);
  const signature = (message: bigint): Signed => {
    let nonce = 1n;
    for (let R8 = BASE8; !isShifted(H(R8.x, R8.y, key.x, key.y, message)); R8 = mulBase8(nonce)) nonce++;
    return signWith(spend, key, nonce, FIELD_MODULUS)(message);
  };
  return first(base, { signature });
}

const forgeries: Forgery[] = [
  {
    name: 'A9: T1: a spend key off the curve, whose double lies on it and signs well → the curve equation of A′ breaks',
    signals: (base) => first(base, offCurveTwin(base.inputs[0].spend)),
    place: /OneTimeKey\.BabyCheck/,
  },
  {
    name: 'A2: T1: n′ + l for a second nullifier → the comparison with l − 1 breaks',
    // A scalar that leaves room for n' + l in the circuit's bits.
    signals: (base) => first(base, { nk: (base.inputs[0].nk >> 4n) + SUBGROUP_ORDER }),
    place: /OneTimeKey\.ScalarBits\.BitsAtMost\.equal/,
  },
  {
    name: 'A2: T1: n′ + 2^251 for a second nullifier → the sum of 251 bits breaks',
    signals: (base) => first(base, { nk: base.inputs[0].nk + 2n ** SCALAR_BITS, shadow: mulBase8(base.inputs[0].nk) }),
    place: /OneTimeKey\.(nkBit|ScalarBits|mul)/,
  },
  {
    name: 'A2: T1: a scalar of one’s own beside another’s N′ → the multiplication of B8 breaks',
    signals: (base) => first(base, { nk: LIE.strangeScalar, shadow: STRANGE_SHADOW }),
    place: /OneTimeKey\.mul\.adders/,
  },
  {
    name: 'A5: T2: an input of 2^128 → its sum of 128 bits breaks',
    signals: (base) => first(base, { value: 2n ** 128n }, { outputs: outputs(2n ** 128n - 1n, 18n) }),
    place: /InputNote\[0\]\.AssertWidth/,
  },
  {
    name: 'A5: T2: an output of p − 973 that makes the sums fit → its sum of 128 bits breaks',
    signals: (base) => but(base, { outputs: outputs(1000n, FIELD_MODULUS - 973n) }),
    place: /AssertWidth\[1\]/,
  },
  {
    name: 'A6: T2: an output in asset 2^32 → its sum of 32 bits breaks',
    signals: (base) => {
      const wide = 2n ** 32n;
      const uses = { outputs: [{ asset: wide, value: 30n }, NOTHING] as const, withdrawal: NOTHING, fee: NOTHING };
      return first(withInput(base, 1, { asset: wide }), { asset: wide }, uses);
    },
    place: /AssertWidth\[0\]/,
  },
  {
    name: 'A5: T2: a note of 10 opened as one of 1,000,003 → the hash of the input’s commitment breaks',
    signals: (base) =>
      first(base, { value: LIE.claimedValue, hashedValue: LIE.realValue }, { outputs: outputs(LIE.claimedValue + 15n, 2n) }),
    place: /InputNote\[0\]\.NoteCommitment\.H/,
    proven: true,
  },
  {
    name: 'A4: T3: a note that is in no tree → value · (root − anchor) breaks',
    signals: (base) => first(base, { inTree: false }),
    place: /InputNote\[0\]\.root/,
  },
  {
    name: 'A2: T3: a position of 33 bits for a second nullifier → its sum of 32 bits breaks',
    signals: (base) => first(base, { pos: 2n ** 32n + 3n }),
    place: /posBit/,
  },
  {
    name: 'A2: T3: position bits 3 and −1 with the right sum → the bits’ own equation breaks',
    signals: (base) => first(withInput(base, 1, { ...dummy(ASSET_A), pos: LIE.splitIndex }), { value: 30n }),
    place: /InputNote\[1\]\.posBit\[[01]\]/,
  },
  {
    name: 'A2: T4: the low bits of H + p for a second nullifier → the comparison of the bits with p breaks',
    signals: shiftedNullifier,
    place: /Nullifier\.DigestBits\.BitsAtMost\.equal/,
    proven: true,
  },
  {
    name: 'A3: T4: one note as both inputs → the inverse of nf1 − nf2 breaks',
    signals: (base) => but(base, { inputs: [base.inputs[0], base.inputs[0]], outputs: outputs(15n, 2n) }),
    place: /nfDifferenceInverse/,
  },
  {
    name: 'A4: T4: a dummy under the nullifier of somebody’s note, to burn it → the sum of the nullifier’s bits breaks',
    signals: (base) => {
      const thief = { ...dummy(ASSET_A), pos: LIE.thiefPosition, nf: LIE.stolenNullifier };
      return first(withInput(base, 1, thief), { value: 30n });
    },
    place: /InputNote\[1\]\.Nullifier/,
  },
  {
    name: 'A7: T5: the signature of a stranger → the signature equation breaks',
    signals: (base) => first(base, { signer: 99n }),
    place: /SpendSignature\[0\]\.right/,
  },
  {
    name: 'A7: T5: a recipient exchanged under the owners’ signatures → the hash of the message breaks',
    signals: (base) => but(base, { ext: LIE.alteredExt, signedExt: LIE.signedExt }),
    place: /TransferRecord\[0\]\.H\./,
  },
  {
    name: 'A12: T5: S + l → the comparison of S with l − 1 breaks',
    signals: (base) => {
      const signals = first(base, { signature: lowSignature(base.inputs[0].spend) });
      const [one, two] = (signals.sigS as bigint[][])[0] as [bigint, bigint];
      return { ...signals, sigS: [[one + SUBGROUP_ORDER, two]] };
    },
    place: /SpendSignature\[0\]\.ScalarBits\.BitsAtMost\.equal/,
  },
  {
    name: 'A12: T5: a challenge read as H + p → the comparison of the bits with p breaks',
    signals: shiftedChallenge,
    place: /SpendSignature\[0\]\.DigestBits\.BitsAtMost\.equal/,
  },
  {
    name: 'A9: T5: the identity as a spend key, for which anyone signs → the test of 8·A′ breaks',
    signals: (base) => first(base, { key: { x: 0n, y: 1n }, signature: signatureWithoutKey() }),
    place: /SpendSignature\[0\]\.IsZero/,
  },
  {
    name: 'A5: T6: an output of 3 committed as 999,999,999 → the hash of the output’s commitment breaks',
    signals: (base) => {
      const [one, two] = outputs(24n, LIE.declaredValue);
      return but(base, { outputs: [one, { ...two, hashedValue: LIE.mintedValue }] });
    },
    place: /NoteCommitment\[1\]\.H/,
  },
  {
    name: 'A6: T7: 1,000 of asset B said not to be of the asset of input 2 → the test of equality breaks',
    signals: (base) =>
      but(withInput(base, 1, { asset: ASSET_B }), { outputs: outputs(1000n, 20n, ASSET_B), withdrawal: { asset: ASSET_A, value: 9n } }),
    edit: { 'Balance.uses[1][0]': 0n, 'Balance.used[1][0]': 0n },
    place: /Balance\.uses\[1\]\[0\]/,
  },
  {
    name: 'A6: T7: two inputs of one asset said to differ, so that only one is counted → the test of equality breaks',
    signals: (base) => but(withInput(base, 1, { value: 10n }), { outputs: outputs(5n, 2n) }),
    edit: { 'Balance.sameAsset': 0n },
    place: /Balance\.sameAsset/,
  },
  {
    name: 'A5: T8: one unit more out than in → the sum of the asset breaks',
    signals: (base) => but(base, { outputs: outputs(26n, 2n) }),
    place: /Balance\.used\[\d\]\[3\]/,
    proven: true,
  },
  {
    name: 'A4: T8: value out in the asset that only a dummy names → the sum of that asset breaks',
    signals: (base) => {
      const uses = [outputs(27n, 0n)[0], { asset: ASSET_B, value: 1n }] as const;
      return first(withInput(base, 1, dummy(ASSET_B)), { value: 30n }, { outputs: uses });
    },
    place: /Balance\.used\[1\]\[3\]/,
  },
  {
    name: 'A6: T9: a fee in an asset that no input has → the product of the foreign asset breaks',
    signals: (base) => but(base, { outputs: outputs(26n, 2n), fee: { asset: ASSET_B, value: 1000n } }),
    place: /Balance\.foreign\[3\]/,
  },
  {
    name: 'A7: T10: y of a list with another fee → the polynomial’s last sum breaks',
    signals: (base) => {
      const signals = transferSignals(base);
      const z = signals.z as bigint;
      // One more on the fee, the last but one of the list, moves y by z.
      return { ...signals, y: ((signals.y as bigint) + z) % FIELD_MODULUS };
    },
    place: /horner\.sum/,
  },
  {
    name: 'A12: T10: h of another list than x, with another prover → the sponge breaks',
    signals: (base) => {
      const signals = transferSignals(base);
      return { ...signals, h: (signals.h as bigint) + 1n };
    },
    place: /sponge\.absorb/,
  },
];

describe('T1–T10: a forged witness breaks the statement it lies about and no other', () => {
  it.each(forgeries.map((forgery) => [forgery.name, forgery] as const))('%s', async (_, { signals, edit = {}, place, proven }) => {
    const forged = await liar.forge(signals(honestPlan()));
    for (const [signal, value] of Object.entries(edit)) forged[liar.wire(signal)] = value;
    const broken = liar.brokenBy(forged);
    expect(broken.length).toBeGreaterThan(0);
    for (const names of broken)
      expect(
        names.some((signal) => place.test(signal)),
        names.slice(0, 9).join(' '),
      ).toBe(true);
    if (proven || LONG) expect(await proofs.verdict(wtnsOf(forged))).toBe('PROOF_INVALID');
  });
  it('A2, A3, A4, A5, A6, A7, A9, A12 honest: the same plan without a lie breaks nothing, and its proof verifies', async () => {
    const honest = await liar.forge(transferSignals(honestPlan()));
    expect(liar.brokenBy(honest)).toEqual([]);
    expect(await proofs.verdict(wtnsOf(honest))).toBe('verified');
  });
});
