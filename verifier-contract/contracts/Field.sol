// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// The two prime fields of BN254, and the one range check.
//
// SCALAR is the order of the groups: everything a circuit speaks of is below it.
// BASE is the field of the coordinates: only point negation needs it here.
// Source: EIP-196, "p" there is BASE and "q" is SCALAR.

uint256 constant SCALAR = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
uint256 constant BASE = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

/// A value that must be a field element is not below SCALAR.
error NotInField(uint256 got);

function requireField(uint256 x) pure {
    if (x >= SCALAR) revert NotInField(x);
}

/// Reserves `size` bytes of memory; they are NOT zeroed.
function allocate(uint256 size) pure returns (uint256 pointer) {
    assembly ("memory-safe") {
        pointer := mload(0x40)
        mstore(0x40, add(pointer, size))
    }
}
