/*
  in  {field}  value to bound

  No output: satisfiable exactly when 0 <= in < 2^WIDTH as an integer. Sound for WIDTH <= 253, where the
  sum of the bits cannot reach p and so has one reading.
*/
pragma circom 2.1.6;
include "circomlib/circuits/bitify.circom";

template AssertWidth(WIDTH) {
    assert(WIDTH <= 253);
    signal input in;
    _ <== Num2Bits(WIDTH)(in);
}
