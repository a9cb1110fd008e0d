/*
  T4: the nullifier of a note.

  nk   {251}    one-time nullifier scalar, canonical (one_time_key.circom)
  cm   {field}  the note's commitment
  pos  {32}     index of its leaf in the note tree
  nf   {248}    low 248 bits of H(nk, cm, pos, tag)

  The bits are those of the one representative below p. Without that check H + p, which fits into 254
  bits for about a third of all hashes, would give the same note a second nullifier.
*/
pragma circom 2.1.6;
include "hash.circom";
include "constants.circom";
include "digest_bits.circom";

template Nullifier() {
    signal input nk;
    signal input cm;
    signal input pos;
    signal output nf;

    signal digest <== H(4)([nk, cm, pos, NULLIFIER_TAG()]); // T4
    signal digestBit[254] <== DigestBits()(digest); // T4

    var low = 0;
    for (var i = 0; i < NULLIFIER_BITS(); i++) { low += digestBit[i] * 2 ** i; }
    nf <== low; // T4
}
