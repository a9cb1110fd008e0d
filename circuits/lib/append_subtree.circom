/*
  U10, U11: 4^LEVELS leaves take the place of an empty subtree.

  leaf[4^LEVELS]       {field}  the new leaves
  bit[2·(16−LEVELS)]   {1}      bits of the subtree's index J, lowest first; the CALLER makes them boolean
  path[16−LEVELS][3]   {field}  siblings, level 0 = beside the subtree's root
  rootOld              {field}  root with the subtree empty
  rootNew              {field}  root with the leaves in it
*/
pragma circom 2.1.6;
include "constants.circom";
include "merkle_replace.circom";
include "subtree_root.circom";

template AppendSubtree(LEVELS) {
    var ABOVE = TREE_DEPTH() - LEVELS;
    signal input leaf[4 ** LEVELS];
    signal input bit[2 * ABOVE];
    signal input path[ABOVE][3];
    signal output rootOld;
    signal output rootNew;

    signal subtree <== SubtreeRoot(LEVELS)(leaf);
    (rootOld, rootNew) <== MerkleReplace(ABOVE)(EMPTY_SUBTREE(LEVELS), subtree, bit, path);
}
