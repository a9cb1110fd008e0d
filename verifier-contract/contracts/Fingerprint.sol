// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// solhint-disable-next-line no-unused-import
import {SCALAR, allocate} from "./Field.sol";
import {LARGEST_LIST} from "./Circuits.sol";
import {TAG_CHALLENGE} from "./Tags.sol";

// The reader's half of the fingerprint: the list x of everything public in a statement, hashed to a challenge z and
// evaluated at it. The prover's half is h, which its circuit computes over a private copy of the same list.
//
// Layout of the memory that `challenge` hashes, in words:
//
//   0        1        2         3          4   5 …
//   TAG      chainId  contract  circuitId  h   x_0 … x_(L-1)

library Fingerprint {
    uint256 internal constant LIST_OFFSET = 160; // bytes from the start of the buffer to x_0

    /// A buffer for the longest list, with the words that never change filled in.
    function open() internal view returns (uint256 buffer) {
        buffer = allocate(LIST_OFFSET + 32 * LARGEST_LIST);
        bytes32 tag = TAG_CHALLENGE;
        assembly ("memory-safe") {
            mstore(buffer, tag)
            mstore(add(buffer, 32), chainid())
            mstore(add(buffer, 64), address())
        }
    }

    /// z = keccak(buffer) mod p and y = x_0·z^(L-1) + … + x_(L-1), for the `length` elements that stand in the buffer.
    /// The caller has checked that every element is below p and of its declared width.
    function challenge(uint256 buffer, uint256 id, uint256 h, uint256 length)
        internal
        pure
        returns (uint256 z, uint256 y)
    {
        assembly ("memory-safe") {
            mstore(add(buffer, 96), id)
            mstore(add(buffer, 128), h)
            let x := add(buffer, LIST_OFFSET)
            let end := add(x, shl(5, length))
            z := mod(keccak256(buffer, sub(end, buffer)), SCALAR)
            // The sum is reduced by the product of the next step alone: product and element are each below p, so that
            // y stays below 2p < 2^255. Six elements to a statement, in the order in which a stack wants them, and twelve
            // to a round. What twelve leaves over goes first: two in all lists but that of transfer(1), which is of eleven.
            for { let odd := add(x, shl(5, mod(length, 6))) } lt(x, odd) { x := add(x, 32) } {
                y := add(mload(x), mulmod(y, z, SCALAR))
            }
            if mod(div(length, 6), 2) {
                y := add(mload(add(x, 32)), mulmod(add(mload(x), mulmod(y, z, SCALAR)), z, SCALAR))
                y := add(mload(add(x, 96)), mulmod(add(mload(add(x, 64)), mulmod(y, z, SCALAR)), z, SCALAR))
                y := add(mload(add(x, 160)), mulmod(add(mload(add(x, 128)), mulmod(y, z, SCALAR)), z, SCALAR))
                x := add(x, 192)
            }
            for {} lt(x, end) { x := add(x, 384) } {
                y := add(mload(add(x, 32)), mulmod(add(mload(x), mulmod(y, z, SCALAR)), z, SCALAR))
                y := add(mload(add(x, 96)), mulmod(add(mload(add(x, 64)), mulmod(y, z, SCALAR)), z, SCALAR))
                y := add(mload(add(x, 160)), mulmod(add(mload(add(x, 128)), mulmod(y, z, SCALAR)), z, SCALAR))
                y := add(mload(add(x, 224)), mulmod(add(mload(add(x, 192)), mulmod(y, z, SCALAR)), z, SCALAR))
                y := add(mload(add(x, 288)), mulmod(add(mload(add(x, 256)), mulmod(y, z, SCALAR)), z, SCALAR))
                y := add(mload(add(x, 352)), mulmod(add(mload(add(x, 320)), mulmod(y, z, SCALAR)), z, SCALAR))
            }
            y := mod(y, SCALAR)
        }
    }
}
