/*
  T1–T4 for one input: a note that exists under the anchor, or a dummy of value 0.

  anchor       {field}  note root the transfer leans on
  ax, ay       {field}  one-time spend key A'
  nk           {251}    one-time nullifier scalar n'
  asset        {field}  its asset; bounded through the balance only
  value        {128}    its value
  pos          {32}     index of its leaf
  path[16][3]  {field}  siblings, level 0 = beside the leaf
  nf           {248}    its nullifier
*/
pragma circom 2.1.6;
include "circomlib/circuits/bitify.circom";
include "constants.circom";
include "merkle_root.circom";
include "note_commitment.circom";
include "nullifier.circom";
include "one_time_key.circom";
include "range.circom";

template InputNote() {
    var DEPTH = TREE_DEPTH();
    signal input anchor;
    signal input ax;
    signal input ay;
    signal input nk;
    signal input asset;
    signal input value;
    signal input pos;
    signal input path[DEPTH][3];
    signal output nf;

    // A. Keys and commitment.
    signal owner <== OneTimeKey()(ax, ay, nk); // T1
    signal cm <== NoteCommitment()(owner, asset, value); // T2
    AssertWidth(AMOUNT_BITS())(value); // T2

    // B. Membership, for every note that carries value. One set of bits gives the position and the path.
    signal posBit[2 * DEPTH] <== Num2Bits(2 * DEPTH)(pos); // T3
    signal root <== MerkleRoot(DEPTH)(cm, posBit, path); // T3
    value * (root - anchor) === 0; // T3

    // C. Nullifier. It binds cm, and cm the value: a dummy cannot reach a real note's nullifier.
    nf <== Nullifier()(nk, cm, pos); // T4
}
