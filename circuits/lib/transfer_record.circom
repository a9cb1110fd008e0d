/*
  T1–T9 for one transfer: two inputs, two outputs, a withdrawal, a fee.

  anchor                        {field}  note root the inputs lean on
  inAx, inAy[2]                 {field}  one-time spend keys of the inputs
  inNk[2]                       {251}    their nullifier scalars
  inAsset[2]                    {field}  their assets
  inValue[2]                    {128}    their values
  inPos[2]                      {32}     their leaf indices
  inPath[2][16][3]              {field}  their paths
  sigR8x, sigR8y[2]             {field}  R8 of the two signatures
  sigS[2]                       {251}    S of the two signatures
  outOwner[2]                   {field}  owner hashes of the outputs
  outAssetId[2]                 {32}     their assets
  outNoteValue[2]               {128}    their values
  wAsset {32}, wValue {128}     withdrawal; widths by the types of whoever reads the record
  feeAsset {32}, fee {96}       fee; widths likewise
  ext                           {field}  hash of what the circuit does not look into; signed only
  record[9]                     {field}  nf1, nf2, cm1, cm2, wAsset, wValue, feeAsset, fee, ext
  message                       {field}  M, what both owners sign
*/
pragma circom 2.1.6;
include "hash.circom";
include "balance.circom";
include "constants.circom";
include "input_note.circom";
include "note_commitment.circom";
include "range.circom";
include "spend_signature.circom";

template TransferRecord() {
    var DEPTH = TREE_DEPTH();
    signal input anchor;
    signal input inAx[2];
    signal input inAy[2];
    signal input inNk[2];
    signal input inAsset[2];
    signal input inValue[2];
    signal input inPos[2];
    signal input inPath[2][DEPTH][3];
    signal input sigR8x[2];
    signal input sigR8y[2];
    signal input sigS[2];
    signal input outOwner[2];
    signal input outAssetId[2];
    signal input outNoteValue[2];
    signal input wAsset;
    signal input wValue;
    signal input feeAsset;
    signal input fee;
    signal input ext;
    signal output record[9];
    signal output message;

    // A. Inputs and their nullifiers.
    signal nf[2];
    for (var i = 0; i < 2; i++) {
        nf[i] <== InputNote()( // T1–T4
            anchor, inAx[i], inAy[i], inNk[i], inAsset[i], inValue[i], inPos[i], inPath[i]
        );
    }
    // Determined by the line after it: the inverse exists exactly when the two differ.
    signal nfDifferenceInverse <-- nf[0] == nf[1] ? 0 : 1 / (nf[0] - nf[1]);
    (nf[0] - nf[1]) * nfDifferenceInverse === 1; // T4

    // B. Outputs.
    signal cm[2];
    for (var k = 0; k < 2; k++) {
        AssertWidth(ASSET_BITS())(outAssetId[k]); // T2
        AssertWidth(AMOUNT_BITS())(outNoteValue[k]); // T2
        cm[k] <== NoteCommitment()(outOwner[k], outAssetId[k], outNoteValue[k]); // T6
    }

    // C. The public record, and the message over it.
    record <== [nf[0], nf[1], cm[0], cm[1], wAsset, wValue, feeAsset, fee, ext];
    message <== H(10)( // T5
        [DOM_TX(), nf[0], nf[1], cm[0], cm[1], wAsset, wValue, feeAsset, fee, ext]
    );

    // D. Both owners signed it, a dummy's too.
    for (var i = 0; i < 2; i++) {
        SpendSignature()(inAx[i], inAy[i], sigR8x[i], sigR8y[i], sigS[i], message); // T5
    }

    // E. Money.
    Balance()( // T7–T9
        inAsset,
        inValue,
        [outAssetId[0], outAssetId[1], wAsset, feeAsset],
        [outNoteValue[0], outNoteValue[1], wValue, fee]
    );
}
