/*
  T7–T9: money in equals money out, asset by asset, for two inputs and four uses of the money.

  inAsset[2]   {field}  assets of the inputs; no width needed (see below)
  inValue[2]   {128}    values of the inputs
  useAsset[4]  {32}     assets of output 1, output 2, the withdrawal, the fee
  useValue[4]  {128}    their values

  The sums on both sides of T8 are below 2^131, far from p, so equality in the field is equality of
  integers. An input's asset needs no bound: T9 lets value only into an asset that one of the inputs has,
  and then it equals a bounded one. A dummy (value 0) therefore feeds nothing, whatever asset it names.
*/
pragma circom 2.1.6;
include "circomlib/circuits/comparators.circom";

template Balance() {
    signal input inAsset[2];
    signal input inValue[2];
    signal input useAsset[4];
    signal input useValue[4];

    // A. Which assets agree.
    signal sameAsset <== IsEqual()([inAsset[0], inAsset[1]]); // T7
    signal uses[2][4];
    for (var i = 0; i < 2; i++) {
        for (var t = 0; t < 4; t++) { uses[i][t] <== IsEqual()([inAsset[i], useAsset[t]]); } // T7
    }

    // B. For the asset of each input: all that comes in of it goes out.
    signal used[2][4];
    signal other[2];
    for (var i = 0; i < 2; i++) {
        var out = 0;
        for (var t = 0; t < 4; t++) {
            used[i][t] <== uses[i][t] * useValue[t];
            out += used[i][t];
        }
        other[i] <== sameAsset * inValue[1 - i];
        inValue[i] + other[i] === out; // T8
    }

    // C. No value in an asset that no input has.
    signal foreign[4];
    for (var t = 0; t < 4; t++) {
        foreign[t] <== (useAsset[t] - inAsset[0]) * (useAsset[t] - inAsset[1]);
        useValue[t] * foreign[t] === 0; // T9
    }
}
