/*
  U6, U8 for the k-th of the sorted nullifiers: the end of its gap, and the leaf it becomes.

  zero      {1}      z_k
  same      {1}      same_k
  s         {field}  s_k
  next      {248}    x_k, end of the gap that a fresh s_k opens
  endPrev   {field}  g_(k−1); anything where same = 0
  sameNext  {1}      same_(k+1); 0 behind the last
  sNext     {field}  s_(k+1); anything where sameNext = 0
  end       {field}  g_k
  leaf      {field}  L_k, the new leaf; 0 = empty where s_k = 0

  Carrying the end from the first of a gap to the last is what keeps a later one of the same gap from
  reaching past a nullifier that the tree already holds.
*/
pragma circom 2.1.6;
include "hash.circom";
include "constants.circom";
include "range.circom";

template Gap() {
    signal input zero;
    signal input same;
    signal input s;
    signal input next;
    signal input endPrev;
    signal input sameNext;
    signal input sNext;
    signal output end;
    signal output leaf;

    // A. s_k lies before the end of its gap.
    end <== next + same * (endPrev - next); // U6
    signal distance <== (1 - zero) * (end - s - 1);
    AssertWidth(NULLIFIER_BITS())(distance); // U6

    // B. The new leaf points at the next nullifier of the gap, or at its end.
    signal target <== end + sameNext * (sNext - end); // U8
    signal digest <== H(2)([s, target]); // U8
    leaf <== (1 - zero) * digest; // U8
}
