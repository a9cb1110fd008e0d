// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Credits} from "./Credits.sol";
import {WITHDRAWAL_BYTES} from "./Pass.sol";

// Withdrawals of one settlement: listed while records are read, pushed when everything else is done.
//
// A push gets a fixed amount of gas, and must have it: a settler who starves one reverts instead of forcing the
// fallback. A push that fails all the same becomes a credit. Return data is not copied.
//
//   List entry in memory (64 bytes): asset(12, top) recipient(20) · value(32)

/// Less gas is left than a push and what follows it may need.
error PushStarved(uint256 needed, uint256 got);

abstract contract Withdrawals is Credits {
    // Gas given to a push: a contract wallet's receive hook; a token's transfer.
    uint256 private constant NATIVE_PUSH_GAS = 40_000;
    uint256 private constant TOKEN_PUSH_GAS = 150_000;
    // What this contract needs to make the call (value transfer, new account) and to book a failure (storage, event).
    uint256 private constant PUSH_OVERHEAD_GAS = 75_000;

    event WithdrawalDeferred(address indexed recipient, uint32 indexed asset, uint256 value);

    /// Appends to the list that ends at `end` and returns its new end.
    function _listWithdrawal(uint256 end, uint256 id, address recipient, uint256 value)
        internal
        pure
        returns (uint256 next)
    {
        assembly ("memory-safe") {
            mstore(end, or(shl(160, id), recipient))
            mstore(add(end, 32), value)
            next := add(end, WITHDRAWAL_BYTES)
        }
    }

    function _pushWithdrawals(uint256 from, uint256 end) internal {
        for (; from < end; from += WITHDRAWAL_BYTES) {
            uint256 head;
            uint256 value;
            assembly ("memory-safe") {
                head := mload(from)
                value := mload(add(from, 32))
            }
            _push(uint32(head >> 160), address(uint160(head)), value);
        }
    }

    function _push(uint32 id, address recipient, uint256 value) private {
        uint256 limit = id == NATIVE ? NATIVE_PUSH_GAS : TOKEN_PUSH_GAS;
        // A call gets at most 63/64 of what is left: ask for 1/32 more than the limit.
        uint256 needed = limit + limit / 32 + PUSH_OVERHEAD_GAS;
        if (gasleft() < needed) revert PushStarved(needed, gasleft());
        if (_send(id, recipient, value, limit)) return;
        _credit(recipient, id, value);
        emit WithdrawalDeferred(recipient, id, value);
    }
}
