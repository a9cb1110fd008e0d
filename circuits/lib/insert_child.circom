/*
  Places a node among its three siblings.

  own       {field}  the node
  sib[3]    {field}  its siblings, ascending, own child left out
  bit[2]    {1}      position of the node among four: bit[0] + 2·bit[1]; the CALLER makes them boolean
  child[4]  {field}  the four children in order

  With boolean bits: `both` = 1 only at position 3, `neither` = 1 only at position 0.
    position 0: own s0 s1 s2     1: s0 own s1 s2     2: s0 s1 own s2     3: s0 s1 s2 own
  The last unknown child is what is left of the sum of all four, which no permutation changes.
*/
pragma circom 2.1.6;

template InsertChild() {
    signal input own;
    signal input sib[3];
    signal input bit[2];
    signal output child[4];

    signal both <== bit[0] * bit[1];
    signal neither <== 1 - bit[0] - bit[1] + both;

    child[0] <== sib[0] + neither * (own - sib[0]);
    child[3] <== sib[2] + both * (own - sib[2]);

    // child[1] is s1, unless the position is 0 (then s0) or 1 (then own).
    signal ifFirst <== neither * (sib[0] - sib[1]);
    child[1] <== sib[1] + ifFirst + (bit[0] - both) * (own - sib[1]);
    child[2] <== own + sib[0] + sib[1] + sib[2] - child[0] - child[1] - child[3];
}
