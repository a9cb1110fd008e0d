// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Effects} from "./Effects.sol";
import {Fees} from "./Fees.sol";
import {KeyTable} from "./KeyTable.sol";
import {Lock} from "./Lock.sol";
import {Poseidon} from "./Poseidon.sol";
import {Queue, QueueConfig} from "./Queue.sol";
import {Settlement} from "./Settlement.sol";

// The rollup: what anyone may call, each under the one lock. It has no owner, and nothing in it can be changed after
// deployment: keys, shares, delays and fees are immutable. Needs an EVM of Cancun or later.
//
//   Settlement ─ QueueSlots ─ Queue ─ Ledger · Credits (Assets) · KeyTable · Poseidon
//              ─ Transfers
//              ─ Updates
//                Effects ─ Fees · Withdrawals (Credits)

struct RollupConfig {
    address aggregator;
    QueueConfig queue;
    uint16 transferProverBps;
    uint16 updateProverBps;
    address[3] poseidon; // for 2, 3 and 4 inputs
    bytes32 circuitsHash; // of the manifest of circuits and keys
}

contract Rollup is Lock, Settlement {
    /// The block that holds this contract's creation: history is read from here.
    uint256 public immutable deploymentBlock = block.number;
    bytes32 public immutable circuitsHash;

    constructor(RollupConfig memory config, bytes memory blob)
        KeyTable(blob)
        Poseidon(config.poseidon[0], config.poseidon[1], config.poseidon[2])
        Queue(config.queue)
        Fees(config.transferProverBps, config.updateProverBps)
        Effects(config.aggregator)
    {
        circuitsHash = config.circuitsHash;
    }

    /// Gives an ERC-20 its id.
    function registerAsset(address token) external locked returns (uint32 id) {
        return _register(token);
    }

    /// Takes `value` of an asset and the slot fee; the note (owner, asset, value) joins the queue.
    /// `ephemeral` and `ciphertext` are for the receiver's eyes and are only emitted.
    function deposit(uint32 id, uint256 value, uint256 owner, bytes32 ephemeral, bytes32 ciphertext)
        external
        payable
        locked
        returns (uint256 queueIndex)
    {
        return _deposit(id, value, owner, ephemeral, ciphertext);
    }

    /// Queues a transfer past the aggregator: one transfer(1) proof, a bond, a slot fee. The bond is credited to
    /// `refund` when the item is included.
    function force(
        bytes calldata record,
        address prover,
        address refund,
        uint256 anchor,
        uint256 h,
        bytes calldata proof
    ) external payable locked returns (uint256 queueIndex) {
        return _force(record, prover, refund, anchor, h, proof);
    }

    /// Takes a forced item out of the queue by showing one of its nullifiers (the second, if `second`) in the
    /// nullifier tree: the leaf H(nullifier, next) at `leafIndex`. The caller is credited the reward.
    function drop(
        uint256 queueIndex,
        bytes calldata record,
        address prover,
        address refund,
        bool second,
        uint256 next,
        uint256 leafIndex,
        uint256[3][16] calldata siblings
    ) external locked {
        _drop(queueIndex, record, prover, refund, second, next, leafIndex, siblings);
    }

    /// See Settlement.sol.
    function settle(bytes calldata data) external locked {
        _settle(data);
    }

    /// Pays out a credit: to the account at anyone's call, elsewhere at its own.
    function claim(address account, uint32 id, address to) external locked returns (uint256 amount) {
        return _claim(account, id, to);
    }
}
