// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Credits} from "./Credits.sol";

// Withdrawals of one settlement, listed while records are read (Withdrawal.sol), are pushed when everything else is done.
//
// A push gets a fixed amount of gas, and must have it: a settler who starves one reverts instead of forcing the
// fallback. A push that fails all the same becomes a credit. Return data is not copied.

/// Less gas is left than a push and what follows it may need.
error PushStarved(uint256 needed, uint256 got);

abstract contract Withdrawals is Credits {
    // Gas given to a push: a contract wallet's receive hook; a token's transfer.
    uint256 private constant NATIVE_PUSH_GAS = 40_000;
    uint256 private constant TOKEN_PUSH_GAS = 150_000;
    // What this contract needs to make the call (value transfer, new account) and to book a failure (storage, event).
    uint256 private constant PUSH_OVERHEAD_GAS = 75_000;

    event WithdrawalDeferred(address indexed recipient, uint32 indexed asset, uint256 value);

    function _pushWithdrawals(uint256 chain) internal {
        while (true) {
            uint256 head;
            uint256 value;
            assembly ("memory-safe") {
                chain := mload(chain)
                head := mload(add(chain, 32))
                value := mload(add(chain, 64))
            }
            if (chain == 0) return;
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
