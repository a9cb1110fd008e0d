/*
  U4, U5, U7 for the k-th of the sorted nullifiers: the leaf below a fresh one is in the running root and
  is made to point at it.

  fresh        {1}      whether any of it applies
  s            {field}  s_k
  value        {248}    v_k, value of the low leaf
  next         {248}    x_k, what the low leaf points at
  index        {32}     its place in the tree
  path[16][3]  {field}  its path in the running tree, level 0 = beside the leaf
  rootIn       {field}  R_k
  rootOut      {field}  R_(k+1)

  value and next need no range of their own: where fresh = 1 they are what the tree holds, and every
  leaf of the tree was written with both below 2^248.
*/
pragma circom 2.1.6;
include "circomlib/circuits/bitify.circom";
include "hash.circom";
include "constants.circom";
include "merkle_replace.circom";
include "range.circom";

template LowLeaf() {
    var DEPTH = TREE_DEPTH();
    signal input fresh;
    signal input s;
    signal input value;
    signal input next;
    signal input index;
    signal input path[DEPTH][3];
    signal input rootIn;
    signal output rootOut;

    // A. Both states of the leaf, along one path.
    signal indexBit[2 * DEPTH] <== Num2Bits(2 * DEPTH)(index); // U4
    signal leafOld <== H(2)([value, next]); // U4
    signal leafNew <== H(2)([value, s]); // U7
    signal rootOld;
    signal rootNew;
    (rootOld, rootNew) <== MerkleReplace(DEPTH)(leafOld, leafNew, indexBit, path); // U4, U7

    // B. It was there, and lies below s.
    fresh * (rootOld - rootIn) === 0; // U4
    signal distance <== fresh * (s - value - 1);
    AssertWidth(NULLIFIER_BITS())(distance); // U5

    // C. Move the root on, or leave it.
    rootOut <== rootIn + fresh * (rootNew - rootIn); // U7
}
