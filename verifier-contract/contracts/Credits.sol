// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Assets} from "./Assets.sol";

// What the contract owes: fee shares, bonds, drop rewards, and withdrawals that could not be pushed. Pulled by claim.
//
// A tally is one running sum in memory; while the same account earns the same asset, storage is left alone.
//
//   Tally (64 bytes): account(20, top) asset(12) · amount

/// Nothing is owed.
error NothingToClaim(address account, uint32 asset);
/// Only the account itself may have its credit sent elsewhere.
error NotYourCredit(address account, address caller);
/// The receiver or the token refused.
error ClaimRefused(address to, uint32 asset);

struct Tally {
    uint256 key;
    uint256 amount;
}

abstract contract Credits is Assets {
    mapping(address account => mapping(uint32 asset => uint256 amount)) public credits;

    event Claimed(address indexed account, uint32 indexed asset, uint256 amount, address to);

    function _credit(address account, uint32 id, uint256 amount) internal {
        credits[account][id] += amount;
    }

    function _tally(Tally memory tally, uint256 account, uint256 id, uint256 amount) internal {
        unchecked {
            uint256 key = _tallyKey(account, id);
            if (tally.key != key) {
                _flush(tally);
                tally.key = key;
            }
            tally.amount += amount; // amounts are below 2^128, and there are fewer than 2^22 in a settlement
        }
    }

    function _tallyKey(uint256 account, uint256 id) internal pure returns (uint256) {
        return account << 96 | id;
    }

    function _flush(Tally memory tally) internal {
        if (tally.amount == 0) return;
        _credit(address(uint160(tally.key >> 96)), uint32(tally.key), tally.amount);
        tally.amount = 0;
    }

    /// Pays out all that `account` has in one asset: to itself at anyone's call, elsewhere at its own.
    function _claim(address account, uint32 id, address to) internal returns (uint256 amount) {
        if (to != account && msg.sender != account) revert NotYourCredit(account, msg.sender);
        amount = credits[account][id];
        if (amount == 0) revert NothingToClaim(account, id);
        credits[account][id] = 0;
        if (!_send(id, to, amount, gasleft())) revert ClaimRefused(to, id);
        emit Claimed(account, id, amount, to);
    }
}
