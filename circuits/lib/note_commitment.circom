/*
  T2, T6: the commitment to a note.

  owner  {field}  hash of the note's one-time keys (one_time_key.circom)
  asset  {field}  asset id; its width is the caller's matter
  value  {field}  amount in the asset's smallest unit; its width is the caller's matter
  cm     {field}
*/
pragma circom 2.1.6;
include "hash.circom";

template NoteCommitment() {
    signal input owner;
    signal input asset;
    signal input value;
    signal output cm;

    cm <== H(3)([owner, asset, value]);
}
