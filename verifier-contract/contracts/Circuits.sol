// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// The closed table of circuits: id, kind, size.
//
//   id  circuit      size  public list         least slots
//    1  transfer(1)   1    2 + 9·1  =  11
//    2  transfer(8)   8    2 + 9·8  =  74
//    3  update(2)     2    6 + 4·2  =  14      1   (development chains only)
//    4  update(8)     8    6 + 4·8  =  38      1
//    5  update(32)   32    6 + 4·32 = 134      9   (so that nobody fills the tree cheaply)
//
// An id is written into every challenge and every fold seed; a key is looked up by it and never chosen elsewhere.

uint256 constant TRANSFER_1 = 1;
uint256 constant TRANSFER_8 = 2;
uint256 constant UPDATE_2 = 3;
uint256 constant UPDATE_8 = 4;
uint256 constant UPDATE_32 = 5;
uint256 constant CIRCUIT_LIMIT = 6; // ids are 1 .. CIRCUIT_LIMIT - 1

uint256 constant TRANSFER_CONTEXT = 2; // anchor, prover
uint256 constant RECORD_ELEMENTS = 9;
uint256 constant UPDATE_CONTEXT = 6; // two roots old and new, startIndex, prover
uint256 constant SLOT_ELEMENTS = 4;
uint256 constant LARGEST_LIST = 134;

/// The id names no transfer circuit.
error NotATransferCircuit(uint256 id);
/// The id names no update circuit.
error NotAnUpdateCircuit(uint256 id);

library Circuits {
    function transferSize(uint256 id) internal pure returns (uint256) {
        if (id == TRANSFER_1) return 1;
        if (id == TRANSFER_8) return 8;
        revert NotATransferCircuit(id);
    }

    function updateSize(uint256 id) internal pure returns (uint256) {
        if (id == UPDATE_8) return 8;
        if (id == UPDATE_32) return 32;
        if (id == UPDATE_2) return 2;
        revert NotAnUpdateCircuit(id);
    }

    function leastSlots(uint256 id) internal pure returns (uint256) {
        return id == UPDATE_32 ? 9 : 1;
    }
}
