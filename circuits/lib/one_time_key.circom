/*
  T1: the keys of an input note, and the owner hash they make.

  ax, ay  {field}  one-time spend key A'; constrained to lie on the curve
  nk      {251}    one-time nullifier scalar n'; constrained to 253 bits and to [0, l)
  owner   {field}  H(A'.x, A'.y, N'.x, N'.y) with N' = n'·B8

  A' may still lie outside the prime subgroup; the signature check multiplies it by the cofactor and
  rejects what is then the identity (spend_signature.circom). N' is a multiple of B8 by construction.
  n' must have one reading only: n' + l gives the same N' and another nullifier.
*/
pragma circom 2.1.6;
include "circomlib/circuits/babyjub.circom";
include "circomlib/circuits/escalarmulfix.circom";
include "hash.circom";
include "constants.circom";
include "scalar_bits.circom";

template OneTimeKey() {
    signal input ax;
    signal input ay;
    signal input nk;
    signal output owner;

    // A. A' is a curve point.
    BabyCheck()(ax, ay); // T1

    // B. n' in 253 bits, and not above l − 1.
    signal nkBit[253] <== ScalarBits()(nk); // T1

    // C. N' = n'·B8.
    component mul = EscalarMulFix(253, [BASE8(0), BASE8(1)]); // T1
    for (var i = 0; i < 253; i++) { mul.e[i] <== nkBit[i]; }

    owner <== H(4)([ax, ay, mul.out[0], mul.out[1]]); // T2
}
