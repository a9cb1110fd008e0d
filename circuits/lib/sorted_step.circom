/*
  U1–U3 for the k-th of the sorted nullifiers.

  s         {field}  s_k
  sPrev     {field}  s_(k−1); 0 for the first
  same      {1}      1: s_k falls into the gap of s_(k−1)
  zeroPrev  {1}      z_(k−1); for the first, where same is 0 anyway, 0
  zero      {1}      z_k = [s_k = 0]
  fresh     {1}      1: s_k opens a gap of its own

  U1 bounds each step, not s_k itself: 2N steps of 2^248 pass p at N = 32. That s_k is below 2^248 comes
  from the gap's end (gap.circom); docs/spec/update.md carries the induction.
*/
pragma circom 2.1.6;
include "circomlib/circuits/comparators.circom";
include "constants.circom";
include "range.circom";

template SortedStep() {
    signal input s;
    signal input sPrev;
    signal input same;
    signal input zeroPrev;
    signal output zero;
    signal output fresh;

    zero <== IsZero()(s); // U1
    AssertWidth(NULLIFIER_BITS())(s - sPrev - 1 + zero); // U1

    same * (same - 1) === 0; // U2
    same * zero === 0; // U2
    same * zeroPrev === 0; // U2

    fresh <== 1 - zero - same; // U3, boolean by U2
}
