/*
  T5: EdDSA-Poseidon over M under the one-time key A'.

  ax, ay    {field}  A'; on the curve by one_time_key.circom
  r8x, r8y  {field}  the signature's R8; constrained here to lie on the curve
  s         {251}    the signature's S; the verifier bounds it to [0, l)
  m         {field}  message

  circomlib's verifier checks S·B8 = R8 + 8·H(R8, A', M)·A' and that 8·A' is not the identity, but takes
  both points on trust; off the curve its complete addition law proves nothing.
*/
pragma circom 2.1.6;
include "circomlib/circuits/babyjub.circom";
include "circomlib/circuits/eddsaposeidon.circom";

template SpendSignature() {
    signal input ax;
    signal input ay;
    signal input r8x;
    signal input r8y;
    signal input s;
    signal input m;

    BabyCheck()(r8x, r8y); // T1
    EdDSAPoseidonVerifier()(1, ax, ay, s, r8x, r8y, m); // T5
}
