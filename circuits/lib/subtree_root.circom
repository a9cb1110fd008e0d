/*
  Root of a full quaternary subtree.

  leaf[4^LEVELS]  {field}  the leaves, in order
  root            {field}
*/
pragma circom 2.1.6;
include "hash.circom";

template SubtreeRoot(LEVELS) {
    var count = 4 ** LEVELS;
    signal input leaf[count];
    signal output root;

    // All nodes in one row: the leaves first, then each level behind the one below it.
    var total = 0;
    for (var level = 0; level <= LEVELS; level++) { total += 4 ** level; }
    signal node[total];
    for (var i = 0; i < count; i++) { node[i] <== leaf[i]; }
    for (var i = 0; count + i < total; i++) {
        node[count + i] <== H(4)([node[4 * i], node[4 * i + 1], node[4 * i + 2], node[4 * i + 3]]);
    }
    root <== node[total - 1];
}
