// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// What the rollup remembers of the two trees, and its counters.
//
// One storage slot holds the four counters, from the low end:
//
//   leafCount(40) · settlementCount(64) · queueHead(64) · queueTail(64) · unused(24)

abstract contract Ledger {
    /// Depth 16, arity 4: 2^32 places in each tree.
    uint256 internal constant TREE_CAPACITY = 1 << 32;

    // Roots of the trees at the start; ledger/ computes them, a test compares.
    uint256 private constant GENESIS_NOTE_ROOT =
        9533201250583817767896570092866591469094150406835227552485691564931228351592; // all leaves 0
    uint256 private constant GENESIS_NULLIFIER_ROOT =
        13715210935207021645697333099623237595194349801263329598598767022329205350476; // leaf 0 is H(0, 2^248 - 1)

    /// Places used in both trees; the first is the genesis leaf's.
    uint40 public leafCount = 1;
    uint64 public settlementCount;
    /// The queue items in the rollup are those with an index below the head; those waiting stand in [head, tail).
    uint64 public queueHead;
    uint64 public queueTail;

    uint256 public noteRoot = GENESIS_NOTE_ROOT;
    uint256 public nullifierRoot = GENESIS_NULLIFIER_ROOT;

    /// Note roots that a transfer may be anchored to. A note once in the tree stays, so that no root grows unsound.
    mapping(uint256 root => bool known) public isKnownRoot;

    constructor() {
        isKnownRoot[GENESIS_NOTE_ROOT] = true;
    }
}
