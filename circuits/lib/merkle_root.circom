/*
  Root of a quaternary tree from one leaf and its path.

  leaf             {field}  value of the leaf
  bit[2·DEPTH]     {1}      bits of the leaf's index, lowest first; the CALLER makes them boolean
  sib[DEPTH][3]    {field}  siblings, level 0 = beside the leaf, ascending, own child left out
  root             {field}

  Depth and arity are fixed by the template parameter, so a path of another length cannot be passed off.
*/
pragma circom 2.1.6;
include "hash.circom";
include "insert_child.circom";

template MerkleRoot(DEPTH) {
    signal input leaf;
    signal input bit[2 * DEPTH];
    signal input sib[DEPTH][3];
    signal output root;

    signal node[DEPTH + 1];
    signal child[DEPTH][4];

    node[0] <== leaf;
    for (var level = 0; level < DEPTH; level++) {
        child[level] <== InsertChild()(node[level], sib[level], [bit[2 * level], bit[2 * level + 1]]);
        node[level + 1] <== H(4)(child[level]);
    }
    root <== node[DEPTH];
}
