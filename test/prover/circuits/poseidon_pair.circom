pragma circom 2.1.0;

// Knowledge of a pair whose Poseidon hash is public: circomlib's own template, nothing of ours.
include "circomlib/circuits/poseidon.circom";

template PoseidonPair() {
    signal input left;
    signal input right;
    signal output hash;

    component poseidon = Poseidon(2);
    poseidon.inputs[0] <== left;
    poseidon.inputs[1] <== right;
    hash <== poseidon.out;
}

component main {public [right]} = PoseidonPair();
