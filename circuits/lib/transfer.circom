/*
  The circuit transfer(K): K transfers under one anchor, proven for one prover. Statements T1–T10,
  docs/spec/transfer.md. ID is the circuit's number in the fingerprint.

  public, in this order:
  h       {field}  sponge over the prover's copy: anchor, prover, M of every record
  z       {field}  the challenge
  y       {field}  x at z, x = (anchor, prover, then the nine elements of each record)

  private: anchor, prover {160}, and for each transfer the inputs of transfer_record.circom, same names,
  with the transfer's number as first index.
*/
pragma circom 2.1.6;
include "constants.circom";
include "horner.circom";
include "sponge.circom";
include "transfer_record.circom";

template Transfer(K, ID) {
    var DEPTH = TREE_DEPTH();
    signal input h;
    signal input z;
    signal input y;
    signal input anchor;
    signal input prover;
    signal input inAx[K][2];
    signal input inAy[K][2];
    signal input inNk[K][2];
    signal input inAsset[K][2];
    signal input inValue[K][2];
    signal input inPos[K][2];
    signal input inPath[K][2][DEPTH][3];
    signal input sigR8x[K][2];
    signal input sigR8y[K][2];
    signal input sigS[K][2];
    signal input outOwner[K][2];
    signal input outAssetId[K][2];
    signal input outNoteValue[K][2];
    signal input wAsset[K];
    signal input wValue[K];
    signal input feeAsset[K];
    signal input fee[K];
    signal input ext[K];

    // A. The transfers.
    signal record[K][9];
    signal message[K];
    for (var k = 0; k < K; k++) {
        (record[k], message[k]) <== TransferRecord()( // T1–T9
            anchor, inAx[k], inAy[k], inNk[k], inAsset[k], inValue[k], inPos[k], inPath[k],
            sigR8x[k], sigR8y[k], sigS[k], outOwner[k], outAssetId[k], outNoteValue[k],
            wAsset[k], wValue[k], feeAsset[k], fee[k], ext[k]
        );
    }

    // B. The fingerprint.
    component sponge = Sponge(ID, 2 + K);
    component horner = Horner(2 + 9 * K);
    sponge.in[0] <== anchor;
    sponge.in[1] <== prover;
    horner.in[0] <== anchor;
    horner.in[1] <== prover;
    for (var k = 0; k < K; k++) {
        sponge.in[2 + k] <== message[k];
        for (var i = 0; i < 9; i++) { horner.in[2 + 9 * k + i] <== record[k][i]; }
    }
    horner.z <== z;
    h === sponge.out; // T10
    y === horner.out; // T10
}
