/*
  T5: EdDSA-Poseidon over M under the one-time key A'.

  ax, ay    {field}  A'; on the curve by one_time_key.circom
  r8x, r8y  {field}  the signature's R8; constrained here to lie on the curve
  s         {251}    the signature's S; constrained here to [0, l)
  m         {field}  message

  S·B8 = R8 + 8·H(R8, A', M)·A'. The same equation as circomlib's EdDSAPoseidonVerifier, which takes both
  points on trust: off the curve the complete addition law that everything below rests on proves nothing.
  Multiplying A' by the cofactor first takes a part of small order out of it; what is left must not be
  the identity, or a signature would bind nobody.
*/
pragma circom 2.1.6;
include "circomlib/circuits/babyjub.circom";
include "circomlib/circuits/comparators.circom";
include "circomlib/circuits/escalarmulany.circom";
include "circomlib/circuits/escalarmulfix.circom";
include "constants.circom";
include "digest_bits.circom";
include "hash.circom";
include "scalar_bits.circom";

template SpendSignature() {
    signal input ax;
    signal input ay;
    signal input r8x;
    signal input r8y;
    signal input s;
    signal input m;

    // A. R8 is a curve point, S has one reading.
    BabyCheck()(r8x, r8y); // T1
    signal sBit[253] <== ScalarBits()(s); // T5

    // B. The challenge, in the bits of its one representative below p.
    signal digest <== H(5)([r8x, r8y, ax, ay, m]); // T5
    signal digestBit[254] <== DigestBits()(digest); // T5

    // C. 8·A', not the identity (the only multiple of 8 with x = 0).
    signal doubled[4][2];
    doubled[0] <== [ax, ay];
    for (var i = 0; i < 3; i++) { (doubled[i + 1][0], doubled[i + 1][1]) <== BabyDbl()(doubled[i][0], doubled[i][1]); }
    signal isIdentity <== IsZero()(doubled[3][0]);
    isIdentity === 0; // T5

    // D. Right-hand side.
    component challenge = EscalarMulAny(254);
    for (var i = 0; i < 254; i++) { challenge.e[i] <== digestBit[i]; }
    challenge.p <== doubled[3];
    signal right[2];
    (right[0], right[1]) <== BabyAdd()(r8x, r8y, challenge.out[0], challenge.out[1]);

    // E. Left-hand side.
    component left = EscalarMulFix(253, [BASE8(0), BASE8(1)]);
    for (var i = 0; i < 253; i++) { left.e[i] <== sBit[i]; }

    left.out[0] === right[0]; // T5
    left.out[1] === right[1]; // T5
}
