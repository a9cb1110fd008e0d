// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {allocate} from "./Field.sol";

// The list of one settlement's withdrawals, made while records are read.
//
//   A link of the chain in memory (96 bytes): the next link or 0 · asset(12, top) recipient(20) · value
//   The chain begins with a word that holds its first link, and grows only where a withdrawal is met.

library Withdrawal {
    /// An empty chain.
    function open() internal pure returns (uint256 chain) {
        chain = allocate(32);
        assembly ("memory-safe") {
            mstore(chain, 0)
        }
    }

    /// Puts a link behind `last` and returns it.
    function list(uint256 last, uint256 id, address recipient, uint256 value) internal pure returns (uint256 link) {
        link = allocate(96);
        assembly ("memory-safe") {
            mstore(last, link)
            mstore(link, 0)
            mstore(add(link, 32), or(shl(160, id), recipient))
            mstore(add(link, 64), value)
        }
    }
}
