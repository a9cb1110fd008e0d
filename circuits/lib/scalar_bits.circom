/*
  T1, T5: the bits of a canonical scalar of the prime subgroup.

  in        {251}  the scalar, constrained to [0, l)
  bit[253]  {1}    its bits, lowest first

  253 bits have one reading below p, and the comparison leaves one representative modulo l.
*/
pragma circom 2.1.6;
include "circomlib/circuits/bitify.circom";
include "circomlib/circuits/compconstant.circom";
include "constants.circom";

template ScalarBits() {
    signal input in;
    signal output bit[253];

    bit <== Num2Bits(253)(in);
    component aboveLast = CompConstant(SUBGROUP_ORDER_MINUS_ONE());
    for (var i = 0; i < 253; i++) { aboveLast.in[i] <== bit[i]; }
    aboveLast.in[253] <== 0;
    aboveLast.out === 0; // T1 for n', T5 for S
}
