/*
  H: Poseidon over BN254 with circomlib's parameters, one permutation for each count of inputs.

  in[COUNT]  {field}  1 to 16 inputs
  out        {field}

  The same function as circomlib's Poseidon(COUNT), with its constants and its schedule (sparse matrices in
  the partial rounds); test/circuits/hash.test.ts compares the two for every count in use. Only the writing
  differs: linear steps stay in variables, so that only the S-boxes need signals. The
  compiler then works the linear algebra out once a template and not once for every use, which makes it
  about three times faster; the constraints that remain are the S-boxes', three each, in both.

  Every signal is set by `<==` from earlier ones: `out` is a function of `in`.
*/
pragma circom 2.1.6;
include "circomlib/circuits/poseidon_constants.circom";

template H(COUNT) {
    assert(COUNT >= 1 && COUNT <= 16);
    signal input in[COUNT];
    signal output out;

    var FULL = 8; // rounds with an S-box on every element, half of them first, half last
    var PARTIAL_BY_COUNT[16] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];
    var PARTIAL = PARTIAL_BY_COUNT[COUNT - 1];
    var WIDTH = COUNT + 1;
    var ROUND[WIDTH * FULL + PARTIAL] = POSEIDON_C(WIDTH);
    var DENSE[WIDTH][WIDTH] = POSEIDON_M(WIDTH);
    var BRIDGE[WIDTH][WIDTH] = POSEIDON_P(WIDTH);
    var SPARSE[PARTIAL * (2 * WIDTH - 1)] = POSEIDON_S(WIDTH);

    // The S-box x^5 of every step: x², x⁴, x⁵.
    signal square[FULL][WIDTH];
    signal fourth[FULL][WIDTH];
    signal fifth[FULL][WIDTH];
    signal partialSquare[PARTIAL];
    signal partialFourth[PARTIAL];
    signal partialFifth[PARTIAL];
    var state[WIDTH];
    var mixed[WIDTH];

    // A. Capacity 0, the inputs, the first round constants.
    state[0] = ROUND[0];
    for (var j = 1; j < WIDTH; j++) { state[j] = in[j - 1] + ROUND[j]; }

    // B. First half of the full rounds; the last of them leads into the sparse form.
    for (var r = 0; r < FULL / 2; r++) {
        for (var j = 0; j < WIDTH; j++) {
            square[r][j] <== state[j] * state[j];
            fourth[r][j] <== square[r][j] * square[r][j];
            fifth[r][j] <== fourth[r][j] * state[j];
            state[j] = fifth[r][j] + ROUND[(r + 1) * WIDTH + j];
        }
        for (var i = 0; i < WIDTH; i++) {
            mixed[i] = 0;
            for (var j = 0; j < WIDTH; j++) {
                mixed[i] += (r < FULL / 2 - 1 ? DENSE[j][i] : BRIDGE[j][i]) * state[j];
            }
        }
        state = mixed;
    }

    // C. Partial rounds: one S-box, then a matrix that is dense in its first row and column only.
    for (var r = 0; r < PARTIAL; r++) {
        partialSquare[r] <== state[0] * state[0];
        partialFourth[r] <== partialSquare[r] * partialSquare[r];
        partialFifth[r] <== partialFourth[r] * state[0];
        state[0] = partialFifth[r] + ROUND[(FULL / 2 + 1) * WIDTH + r];
        var row = (2 * WIDTH - 1) * r;
        mixed[0] = 0;
        for (var j = 0; j < WIDTH; j++) { mixed[0] += SPARSE[row + j] * state[j]; }
        for (var j = 1; j < WIDTH; j++) { mixed[j] = state[j] + SPARSE[row + WIDTH + j - 1] * state[0]; }
        state = mixed;
    }

    // D. Second half of the full rounds; the last has no constants, and one output is wanted.
    for (var r = FULL / 2; r < FULL; r++) {
        for (var j = 0; j < WIDTH; j++) {
            square[r][j] <== state[j] * state[j];
            fourth[r][j] <== square[r][j] * square[r][j];
            fifth[r][j] <== fourth[r][j] * state[j];
            state[j] = fifth[r][j];
            if (r < FULL - 1) { state[j] += ROUND[(r + 1) * WIDTH + PARTIAL + j]; }
        }
        for (var i = 0; i < WIDTH; i++) {
            mixed[i] = 0;
            for (var j = 0; j < WIDTH; j++) { mixed[i] += DENSE[j][i] * state[j]; }
        }
        state = mixed;
    }
    out <== state[0];
}
