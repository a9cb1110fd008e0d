/*
  T10, U12: the hash of a circuit's private copy of its lists.

  in[LENGTH]  {field}  elements, in order
  out         {field}

  st_0 = H(DOM_SPONGE, ID, LENGTH), then st <- H(st, next 15 elements), the last block padded with zeros.
  The padding is unambiguous because the length is hashed first.
*/
pragma circom 2.1.6;
include "hash.circom";
include "constants.circom";

template Sponge(ID, LENGTH) {
    signal input in[LENGTH];
    signal output out;

    var rate = 15;
    var blocks = (LENGTH + rate - 1) \ rate;
    signal state[blocks + 1];
    component absorb[blocks];

    state[0] <== H(3)([DOM_SPONGE(), ID, LENGTH]);
    for (var b = 0; b < blocks; b++) {
        absorb[b] = H(rate + 1);
        absorb[b].in[0] <== state[b];
        for (var i = 0; i < rate; i++) {
            if (b * rate + i < LENGTH) {
                absorb[b].in[i + 1] <== in[b * rate + i];
            } else {
                absorb[b].in[i + 1] <== 0;
            }
        }
        state[b + 1] <== absorb[b].out;
    }
    out <== state[blocks];
}
