// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {requireField} from "./Field.sol";

// Poseidon on chain: three small contracts that circomlibjs generates, for two, three and four inputs, and the one
// tree opening that the contract ever checks.
//
// The constructor compares their code with the hashes below (a test regenerates them), so that an auditor need not
// trust whoever deployed them.

/// The contract for `inputs` inputs has other code than the one this rollup was built for.
error PoseidonCode(uint256 inputs, bytes32 expected, bytes32 got);
/// The call failed (too little gas).
error PoseidonCall(uint256 inputs);
/// The leaf index is not below 4^16.
error LeafIndex(uint256 got);
/// The path does not lead to the stored root.
error OpeningWrong(uint256 expected, uint256 got);

abstract contract Poseidon {
    uint256 internal constant TREE_DEPTH = 16;

    bytes32 private constant CODE_2 = 0x354b26999e434f8256d168395315e1f51fc15bf49bf2e6bb58fc549bd597e7da;
    bytes32 private constant CODE_3 = 0xe247ac4f3d40602f0ac0604b0f1fe631237cbc64d3e29a5d5e45721f2d94fa81;
    bytes32 private constant CODE_4 = 0xaa8081e99244f5cd89f2e02e0c4a89ec873ac5eb5583621196c1b138c994024c;

    // poseidon(uint256[2]), poseidon(uint256[3]), poseidon(uint256[4])
    bytes4 private constant SELECTOR_2 = 0x29a5f2f6;
    bytes4 private constant SELECTOR_3 = 0x25cc70e8;
    bytes4 private constant SELECTOR_4 = 0x248f6677;

    address private immutable _poseidon2;
    address private immutable _poseidon3;
    address private immutable _poseidon4;

    constructor(address poseidon2, address poseidon3, address poseidon4) {
        _checkCode(poseidon2, 2, CODE_2);
        _checkCode(poseidon3, 3, CODE_3);
        _checkCode(poseidon4, 4, CODE_4);
        _poseidon2 = poseidon2;
        _poseidon3 = poseidon3;
        _poseidon4 = poseidon4;
    }

    /// H(a, b, c): the commitment of a note, from its owner, asset and value.
    function _commitment(uint256 owner, uint256 asset, uint256 value) internal view returns (uint256) {
        (bool ok, bytes memory out) =
            _poseidon3.staticcall(abi.encodeWithSelector(SELECTOR_3, [owner, asset, value]));
        if (!ok) revert PoseidonCall(3);
        return abi.decode(out, (uint256));
    }

    /// Reverts unless the nullifier tree with root `root` holds the leaf H(nullifier, next) at `index`.
    /// At level L the node stands at digit L of the index in base 4; its three siblings come in ascending order,
    /// itself left out. Every number hashed is below p.
    function _requireOpening(
        uint256 root,
        uint256 nullifier,
        uint256 next,
        uint256 index,
        uint256[3][16] calldata siblings
    ) internal view {
        if (index >> (2 * TREE_DEPTH) != 0) revert LeafIndex(index);
        requireField(next);
        (bool ok, bytes memory out) = _poseidon2.staticcall(abi.encodeWithSelector(SELECTOR_2, [nullifier, next]));
        if (!ok) revert PoseidonCall(2);
        uint256 node = abi.decode(out, (uint256));
        for (uint256 level; level < TREE_DEPTH; ++level) {
            uint256[4] memory children;
            uint256 own = (index >> (2 * level)) & 3;
            for (uint256 k; k < 3; ++k) {
                requireField(siblings[level][k]);
                children[k < own ? k : k + 1] = siblings[level][k];
            }
            children[own] = node;
            (ok, out) = _poseidon4.staticcall(abi.encodeWithSelector(SELECTOR_4, children));
            if (!ok) revert PoseidonCall(4);
            node = abi.decode(out, (uint256));
        }
        if (node != root) revert OpeningWrong(root, node);
    }

    function _checkCode(address pos, uint256 inputs, bytes32 expected) private view {
        if (pos.codehash != expected) revert PoseidonCode(inputs, expected, pos.codehash);
    }
}
