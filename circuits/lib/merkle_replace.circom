/*
  Two roots of one place: the tree with `leafOld` there and the tree with `leafNew` there, same siblings.

  leafOld, leafNew {field}  the two values
  bit[2·DEPTH]     {1}      bits of the place's index, lowest first; the CALLER makes them boolean
  sib[DEPTH][3]    {field}  siblings, level 0 = beside the place, ascending, own child left out
  rootOld, rootNew {field}

  The new node differs from the old one in one child only, so its children are the old ones plus the
  difference at that child: three products instead of a second selection.
*/
pragma circom 2.1.6;
include "hash.circom";
include "insert_child.circom";

// child[i] of the new node = childOld[i] + [position = i]·(new − old); bits boolean by the caller.
template ShiftChild() {
    signal input childOld[4];
    signal input difference;
    signal input bit[2];
    signal output childNew[4];

    signal odd <== bit[0] * difference;
    signal high <== bit[1] * difference;
    signal both <== bit[1] * odd;

    childNew[0] <== childOld[0] + difference - odd - high + both;
    childNew[1] <== childOld[1] + odd - both;
    childNew[2] <== childOld[2] + high - both;
    childNew[3] <== childOld[3] + both;
}

template MerkleReplace(DEPTH) {
    signal input leafOld;
    signal input leafNew;
    signal input bit[2 * DEPTH];
    signal input sib[DEPTH][3];
    signal output rootOld;
    signal output rootNew;

    signal nodeOld[DEPTH + 1];
    signal nodeNew[DEPTH + 1];
    signal childOld[DEPTH][4];
    signal childNew[DEPTH][4];

    nodeOld[0] <== leafOld;
    nodeNew[0] <== leafNew;
    for (var level = 0; level < DEPTH; level++) {
        childOld[level] <== InsertChild()(nodeOld[level], sib[level], [bit[2 * level], bit[2 * level + 1]]);
        childNew[level] <== ShiftChild()(
            childOld[level],
            nodeNew[level] - nodeOld[level],
            [bit[2 * level], bit[2 * level + 1]]
        );
        nodeOld[level + 1] <== H(4)(childOld[level]);
        nodeNew[level + 1] <== H(4)(childNew[level]);
    }
    rootOld <== nodeOld[DEPTH];
    rootNew <== nodeNew[DEPTH];
}
