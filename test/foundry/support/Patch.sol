// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// Bytes, spoilt: the originals are left as they are.

library Patch {
    /// The bytes with `piece` written over them from `offset` on.
    function over(bytes memory data, uint256 offset, bytes memory piece) internal pure returns (bytes memory out) {
        out = bytes.concat(data);
        for (uint256 i; i < piece.length; ++i) out[offset + i] = piece[i];
    }

    /// The bytes with `piece` put in at `offset`.
    function into(bytes memory data, uint256 offset, bytes memory piece) internal pure returns (bytes memory) {
        return bytes.concat(part(data, 0, offset), piece, part(data, offset, data.length));
    }

    /// The bytes without `count` of them at `offset`.
    function without(bytes memory data, uint256 offset, uint256 count) internal pure returns (bytes memory) {
        return bytes.concat(part(data, 0, offset), part(data, offset + count, data.length));
    }

    function part(bytes memory data, uint256 from, uint256 to) internal pure returns (bytes memory out) {
        out = new bytes(to - from);
        for (uint256 i; i < out.length; ++i) out[i] = data[from + i];
    }

    /// The 32 bytes at `offset`, as a number.
    function word(bytes memory data, uint256 offset) internal pure returns (uint256 value) {
        assembly {
            value := mload(add(add(data, 32), offset))
        }
    }
}
