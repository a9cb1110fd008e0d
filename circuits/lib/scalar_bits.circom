/*
  T1, T5: the bits of a canonical scalar of the prime subgroup.

  in        {251}  the scalar, constrained to [0, l)
  bit[253]  {1}    its bits, lowest first; the two highest are 0

  l − 1 has 251 bits, and the comparison leaves one representative modulo l.
*/
pragma circom 2.1.6;
include "bits_at_most.circom";
include "constants.circom";

template ScalarBits() {
    signal input in;
    signal output bit[253];

    signal low[251] <== BitsAtMost(251, SUBGROUP_ORDER_MINUS_ONE())(in); // T1 for n', T5 for S
    for (var i = 0; i < 251; i++) { bit[i] <== low[i]; }
    bit[251] <== 0;
    bit[252] <== 0;
}
