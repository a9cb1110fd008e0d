/*
  The circuit update(N): N slots of two nullifiers and two commitments enter both trees. Statements
  U1–U12, docs/spec/update.md. ID is the circuit's number in the fingerprint.

  public, in this order:
  h  {field}  sponge over the prover's copy: x, then s_0 .. s_(2N−1)
  z  {field}  the challenge
  y  {field}  x at z, x = (noteRootOld, noteRootNew, nullRootOld, nullRootNew, startIndex, prover,
              then per slot nf1, nf2, cm1, cm2)

  private, with D = 16 − log4(2N):
  prover                      {160}    who is paid for this proof
  noteRootOld, noteRootNew    {field}  root of the note tree, before and after
  nullRootOld, nullRootNew    {field}  root of the nullifier tree, before and after
  startIndex                  {33}     first leaf of the update in both trees
  nf[N][2]                    {248}    nullifiers by slot, 0 = none
  cm[N][2]                    {field}  commitments by slot, 0 = none
  s[2N]                       {248}    the nullifiers sorted, zeros first
  same[2N]                    {1}      s_k falls into the gap of s_(k−1)
  lowValue, lowNext[2N]       {248}    v_k, x_k: the low leaf of a fresh s_k; else 0
  lowIndex[2N]                {32}     its place; else 0
  lowPath[2N][16][3]          {field}  its path in the running tree; else 0
  subtreeIndex                {2D}     J, number of the subtree
  nullPath[D][3]              {field}  path of subtree J in the nullifier tree, after all low leaves
  notePath[D][3]              {field}  path of subtree J in the note tree
*/
pragma circom 2.1.6;
include "circomlib/circuits/bitify.circom";
include "append_subtree.circom";
include "constants.circom";
include "gap.circom";
include "horner.circom";
include "low_leaf.circom";
include "product_at.circom";
include "sorted_step.circom";
include "sponge.circom";

// log4 of a power of four; refuses anything else at compile time.
function log4(n) {
    var levels = 0;
    while (4 ** levels < n) { levels++; }
    assert(4 ** levels == n);
    return levels;
}

template Update(N, ID) {
    var COUNT = 2 * N;
    var LEVELS = log4(COUNT);
    var DEPTH = TREE_DEPTH();
    var ABOVE = DEPTH - LEVELS;
    signal input h;
    signal input z;
    signal input y;
    signal input prover;
    signal input noteRootOld;
    signal input noteRootNew;
    signal input nullRootOld;
    signal input nullRootNew;
    signal input startIndex;
    signal input nf[N][2];
    signal input cm[N][2];
    signal input s[COUNT];
    signal input same[COUNT];
    signal input lowValue[COUNT];
    signal input lowNext[COUNT];
    signal input lowIndex[COUNT];
    signal input lowPath[COUNT][DEPTH][3];
    signal input subtreeIndex;
    signal input nullPath[ABOVE][3];
    signal input notePath[ABOVE][3];

    // A. Order: zeros first, then strictly ascending; each nonzero one is fresh or shares a gap.
    signal zero[COUNT];
    signal fresh[COUNT];
    for (var k = 0; k < COUNT; k++) {
        (zero[k], fresh[k]) <== SortedStep()( // U1–U3
            s[k], k == 0 ? 0 : s[k - 1], same[k], k == 0 ? 0 : zero[k - 1]
        );
    }
    same[0] === 0; // U2

    // B. Low leaves, through the running root.
    signal running[COUNT + 1];
    running[0] <== nullRootOld;
    for (var k = 0; k < COUNT; k++) {
        running[k + 1] <== LowLeaf()( // U4, U5, U7
            fresh[k], s[k], lowValue[k], lowNext[k], lowIndex[k], lowPath[k], running[k]
        );
    }

    // C. Gaps and new leaves. Behind the last one: same = 0 (U2).
    signal gapEnd[COUNT];
    signal leaf[COUNT];
    for (var k = 0; k < COUNT; k++) {
        (gapEnd[k], leaf[k]) <== Gap()( // U6, U8
            zero[k], same[k], s[k], lowNext[k], k == 0 ? 0 : gapEnd[k - 1],
            k == COUNT - 1 ? 0 : same[k + 1], k == COUNT - 1 ? 0 : s[k + 1]
        );
    }

    // D. The place: an aligned subtree.
    signal placeBit[2 * ABOVE] <== Num2Bits(2 * ABOVE)(subtreeIndex); // U9
    startIndex === COUNT * subtreeIndex; // U9

    // E. Both trees: empty at that place before, the new leaves there after.
    signal nullBefore;
    signal nullAfter;
    signal noteBefore;
    signal noteAfter;
    signal cmLeaf[COUNT];
    for (var j = 0; j < N; j++) {
        cmLeaf[2 * j] <== cm[j][0];
        cmLeaf[2 * j + 1] <== cm[j][1];
    }
    (nullBefore, nullAfter) <== AppendSubtree(LEVELS)(leaf, placeBit, nullPath);
    (noteBefore, noteAfter) <== AppendSubtree(LEVELS)(cmLeaf, placeBit, notePath);
    nullBefore === running[COUNT]; // U10
    nullAfter === nullRootNew; // U10
    noteBefore === noteRootOld; // U11
    noteAfter === noteRootNew; // U11

    // F. The sorted list is the slots' list.
    signal slotNf[COUNT];
    for (var j = 0; j < N; j++) {
        slotNf[2 * j] <== nf[j][0];
        slotNf[2 * j + 1] <== nf[j][1];
    }
    signal sortedProduct <== ProductAt(COUNT)(s, z);
    signal slotProduct <== ProductAt(COUNT)(slotNf, z);
    sortedProduct === slotProduct; // U12

    // G. The fingerprint.
    var context[6] = [noteRootOld, noteRootNew, nullRootOld, nullRootNew, startIndex, prover];
    component sponge = Sponge(ID, 6 + 6 * N);
    component horner = Horner(6 + 4 * N);
    signal x[6 + 4 * N];
    for (var i = 0; i < 6; i++) { x[i] <== context[i]; }
    for (var j = 0; j < N; j++) {
        x[6 + 4 * j] <== nf[j][0];
        x[7 + 4 * j] <== nf[j][1];
        x[8 + 4 * j] <== cm[j][0];
        x[9 + 4 * j] <== cm[j][1];
    }
    for (var i = 0; i < 6 + 4 * N; i++) {
        horner.in[i] <== x[i];
        sponge.in[i] <== x[i];
    }
    for (var k = 0; k < COUNT; k++) { sponge.in[6 + 4 * N + k] <== s[k]; }
    horner.z <== z;
    h === sponge.out; // U12
    y === horner.out; // U12
}
