/*
  Constants that both circuits share. Each one also exists in TypeScript (protocol/) and the test
  `test/circuits/constants.test.ts` compares or re-derives it; nothing here is a free choice of one file.
*/
pragma circom 2.1.6;

// Domain tag of a transfer's signed message M.
function DOM_TX() { return 2; }

// Domain tag of the fingerprint's sponge.
function DOM_SPONGE() { return 3; }

// Trailing input of the nullifier hash H(n', cm, position, 1).
function NULLIFIER_TAG() { return 1; }

// Levels of the note tree and of the nullifier tree; four children a node, 2 index bits a level.
function TREE_DEPTH() { return 16; }

// Width of a nullifier, and of every value of the nullifier tree.
function NULLIFIER_BITS() { return 248; }

// Width of an amount, in the asset's smallest unit.
function AMOUNT_BITS() { return 128; }

// Width of an asset id.
function ASSET_BITS() { return 32; }

// Order of the prime subgroup of Baby Jubjub, minus one: the largest canonical scalar.
function SUBGROUP_ORDER_MINUS_ONE() {
    return 2736030358979909402780800718157159386076813972158567259200215660948447373040;
}

// Base point of the prime subgroup (circomlib's Base8), coordinate i.
function BASE8(i) {
    return i == 0
        ? 5299619240641551281634865583518297030282874472190772894086521144482721001553
        : 16950150798460657717958625567821834550301663161624707787222815936182638968203;
}

// Root of a full subtree of 4^level empty leaves: E_0 = 0, E_(i+1) = H(E_i, E_i, E_i, E_i).
function EMPTY_SUBTREE(level) {
    if (level == 1) { return 2351654555892372227640888372176282444150254868378439619268573230312091195718; }
    if (level == 2) { return 13867732332339151465497925642082178974038372652152621168903203076445231043372; }
    if (level == 3) { return 12482638920258770416445069396084160696706909713694235655126678204295434816978; }
    assert(level == 0);
    return 0;
}
