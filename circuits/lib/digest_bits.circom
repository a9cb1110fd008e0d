/*
  T4, T5: the 254 bits of a hash.

  in        {field}  the hash
  bit[254]  {1}      the bits of its one representative below p, lowest first

  254 bits alone leave room for in + p, for about a third of all hashes.
*/
pragma circom 2.1.6;
include "bits_at_most.circom";

template DigestBits() {
    signal input in;
    signal output bit[254];

    bit <== BitsAtMost(254, -1)(in); // -1 is p − 1. T4 for nullifiers, T5 for challenges
}
