// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// A nullifier tree that holds one leaf of the test's choice, at a place of the test's choice: made from the path
// upwards, with Poseidon from the contracts that circomlibjs generates.

struct Opening {
    uint256 nullifier;
    uint256 next;
    uint256 leafIndex;
    uint256[3][16] siblings;
    uint256 root;
}

interface IPoseidon {
    function poseidon(uint256[2] calldata input) external pure returns (uint256);
    function poseidon(uint256[4] calldata input) external pure returns (uint256);
}

library Openings {
    function make(IPoseidon poseidon2, IPoseidon poseidon4, uint256 nullifier, uint256 leafIndex)
        internal
        pure
        returns (Opening memory o)
    {
        (o.nullifier, o.next, o.leafIndex) = (nullifier, nullifier + 1, leafIndex);
        o.root = poseidon2.poseidon([nullifier, o.next]);
        for (uint256 level; level < 16; ++level) {
            uint256 own = (leafIndex >> (2 * level)) & 3;
            uint256[4] memory children;
            for (uint256 k; k < 3; ++k) {
                o.siblings[level][k] = 100 * level + k;
                children[k < own ? k : k + 1] = o.siblings[level][k];
            }
            children[own] = o.root;
            o.root = poseidon4.poseidon(children);
        }
    }
}
