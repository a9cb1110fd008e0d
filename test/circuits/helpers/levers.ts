/**
 * Where a lying calculator may lie: one lever for each value that the circuits assign by `<==`. Statements that are
 * plain equations (`===`) need none, because the liar's program does not check them.
 *
 * A lever is pulled by a telltale value in the data, so that one program serves every lie and honest data gives the
 * honest witness. Replacements stay on their line and declare components under names that sort as the compiler's do:
 * the numbering of signals must not change (liar.test.ts compares).
 */
import { BASE8 } from '../../../protocol/babyjubjub.js';
import { FIELD_MODULUS } from '../../../protocol/field.js';

export interface Lever {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Telltale values; those of update are nullifiers between the leaves of treesWithTwo. */
export const LIE = {
  /** T3, U4, U9: an index whose two lowest "bits" are 3 and −1. */
  splitIndex: 181n,
  /** T4, T5: a digest below 2^251 with this low byte is read as digest + p. */
  shiftedByte: 77n,
  /** T4: an input at this position is said to have this nullifier, somebody else's. */
  thiefPosition: 777001n,
  stolenNullifier: 123456789n,
  /** T1: the scalar whose multiple of B8 is said to be STRANGE_SHADOW. */
  strangeScalar: 424242n,
  /** T2: an input said to be worth this opens a commitment to `realValue`. */
  claimedValue: 1000003n,
  realValue: 10n,
  /** T6: an output that balances with this value is committed with `mintedValue`. */
  declaredValue: 3n,
  mintedValue: 999999999n,
  /** T5: a record with `alteredExt` under signatures over `signedExt`. */
  alteredExt: 5551n,
  signedExt: 5552n,
  /** U1: a nullifier said to be zero. */
  calledZero: 151n,
  /** U3: a nullifier said to need no low leaf. */
  lowless: 152n,
  /** U4: a low leaf said to end here, which ends at 200 in the tree. */
  claimedNext: 251n,
  /** U5: a nullifier at or below the low leaf it is put above. */
  belowLow: 101n,
  /** U6: one past the end of its gap; one that shares a gap and brings an end of its own. */
  pastEnd: 201n,
  lostEnd: 301n,
  /** U7: the root is not moved on; the low leaf is written as it was. */
  keptRoot: 153n,
  keptLeaf: 154n,
  /** U8: the new leaf skips the next of its gap; the new leaf is not written. */
  skipping: 155n,
  unwritten: 156n,
} as const;

/** N' that the liar claims for `strangeScalar`. */
export const STRANGE_SHADOW = BASE8;

const LOW_HALF = 2n ** 128n - 1n;
const P_LOW = FIELD_MODULUS & LOW_HALF;
const P_HIGH = FIELD_MODULUS >> 128n;
const SHIFTED_LOW = `((in & ${LOW_HALF}) + ${P_LOW})`;
const SHIFTED_BIT = `(i < 128 ? (${SHIFTED_LOW} >> i) & 1 : (((in >> 128) + ${P_HIGH} + (${SHIFTED_LOW} >> 128)) >> (i < 128 ? 0 : i - 128)) & 1)`;

export const LEVERS: readonly Lever[] = [
  {
    file: 'bitify.circom',
    from: 'out[i] <-- (in >> i) & 1;',
    to: `out[i] <-- ((in >> i) & 1) + ((n <= 32 && in == ${LIE.splitIndex}) ? (i == 0 ? 2 : (i == 1 ? -1 : 0)) : 0);`,
  },
  {
    file: 'bits_at_most.circom',
    from: 'bit[i] <-- (in >> i) & 1;',
    to: `bit[i] <-- (COUNT == 254 && (in >> 251) == 0 && (in & 255) == ${LIE.shiftedByte}) ? ${SHIFTED_BIT} : (in >> i) & 1;`,
  },
  { file: 'comparators.circom', from: 'out <== -in*inv +1;', to: `out <-- in == ${LIE.calledZero} ? 1 : -in*inv +1;` },
  {
    file: 'escalarmulfix.circom',
    from: 'adders[nsegments-2].xout ==> out[0];',
    to:
      'var scalar = 0; for (i = 0; i < n; i++) { scalar += e[i] * 2 ** i; } ' +
      `out[0] <-- scalar == ${LIE.strangeScalar} ? ${BASE8.x} : adders[nsegments-2].xout;`,
  },
  {
    file: 'escalarmulfix.circom',
    from: 'adders[nsegments-2].yout ==> out[1];',
    to: `out[1] <-- scalar == ${LIE.strangeScalar} ? ${BASE8.y} : adders[nsegments-2].yout;`,
  },
  {
    file: 'note_commitment.circom',
    from: 'cm <== H(3)([owner, asset, value]);',
    to:
      'component H_0 = H(3); H_0.in[0] <== owner; H_0.in[1] <== asset; ' +
      `H_0.in[2] <-- value == ${LIE.claimedValue} ? ${LIE.realValue} : (value == ${LIE.declaredValue} ? ${LIE.mintedValue} : value); cm <== H_0.out;`,
  },
  {
    file: 'nullifier.circom',
    from: 'nf <== low;',
    to: `nf <-- pos == ${LIE.thiefPosition} ? ${LIE.stolenNullifier} : low;`,
  },
  {
    file: 'transfer_record.circom',
    from: 'message <== H(10)( // T5\n        [DOM_TX(), nf[0], nf[1], cm[0], cm[1], wAsset, wValue, feeAsset, fee, ext]\n    );',
    to:
      'component H_0 = H(10); H_0.in[0] <== DOM_TX(); for (var i = 0; i < 8; i++) { H_0.in[i + 1] <== record[i]; }\n\n' +
      `H_0.in[9] <-- ext == ${LIE.alteredExt} ? ${LIE.signedExt} : ext; message <== H_0.out;`,
  },
  {
    file: 'low_leaf.circom',
    from: 'signal leafOld <== H(2)([value, next]);',
    to: `component H_0 = H(2); H_0.in[0] <== value; H_0.in[1] <-- next == ${LIE.claimedNext} ? 200 : next; signal leafOld <== H_0.out;`,
  },
  {
    file: 'low_leaf.circom',
    from: 'signal leafNew <== H(2)([value, s]);',
    to: `component H_1 = H(2); H_1.in[0] <== value; H_1.in[1] <-- s == ${LIE.keptLeaf} ? next : s; signal leafNew <== H_1.out;`,
  },
  {
    file: 'low_leaf.circom',
    from: 'signal distance <== fresh * (s - value - 1);',
    to: `signal distance <-- s == ${LIE.belowLow} ? 0 : fresh * (s - value - 1);`,
  },
  {
    file: 'low_leaf.circom',
    from: 'rootOut <== rootIn + fresh * (rootNew - rootIn);',
    to: `rootOut <-- s == ${LIE.keptRoot} ? rootIn : rootIn + fresh * (rootNew - rootIn);`,
  },
  {
    file: 'gap.circom',
    from: 'end <== next + same * (endPrev - next);',
    to: `end <-- s == ${LIE.lostEnd} ? next : next + same * (endPrev - next);`,
  },
  {
    file: 'gap.circom',
    from: 'signal distance <== (1 - zero) * (end - s - 1);',
    to: `signal distance <-- s == ${LIE.pastEnd} ? 0 : (1 - zero) * (end - s - 1);`,
  },
  {
    file: 'gap.circom',
    from: 'signal target <== end + sameNext * (sNext - end);',
    to: `signal target <-- s == ${LIE.skipping} ? end : end + sameNext * (sNext - end);`,
  },
  {
    file: 'gap.circom',
    from: 'leaf <== (1 - zero) * digest;',
    to: `leaf <-- s == ${LIE.unwritten} ? 0 : (1 - zero) * digest;`,
  },
  {
    file: 'sorted_step.circom',
    from: 'fresh <== 1 - zero - same;',
    to: `fresh <-- s == ${LIE.lowless} ? 0 : 1 - zero - same;`,
  },
];
