// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {requireField} from "./Field.sol";
import {TRANSFER_1, TRANSFER_CONTEXT, RECORD_ELEMENTS} from "./Circuits.sol";
import {TAG_FORCED} from "./Tags.sol";
import {Credits} from "./Credits.sol";
import {Fingerprint} from "./Fingerprint.sol";
import {Fold} from "./Fold.sol";
import {KeyTable} from "./KeyTable.sol";
import {Ledger} from "./Ledger.sol";
import {Poseidon} from "./Poseidon.sol";
import {Record} from "./Record.sol";

// The queue: deposits and forced transfers in one FIFO, entering the rollup in order, once.
//
//   Item (two storage slots): enqueuedAt(8) · kind(1)  |  word(32)
//     deposit   word = commitment
//     forced    word = keccak(TAG_FORCED · record · prover · refund)
//     dropped   as forced; it keeps its place and its time, and fills no slot
//
// The head is overdue when it has waited longer than the delay. A dropped item counts with its time: judging the
// head then never needs a walk, and an aggregator that serves the queue passes it long before.
// All items are taken at most in a settlement; see Settlement.sol for what an overdue head demands of it.

/// The value is zero or does not fit 128 bits.
error DepositValue(uint256 value);
/// The same record is or was in the queue.
error ForcedTwice(bytes32 recordHash);
/// The anchor is not a known note root.
error AnchorUnknown(uint256 root);
/// The bytes after the record, or the proof, have the wrong length.
error ForcedLength(uint256 expected, uint256 got);
/// The refund goes to nobody.
error RefundToNobody();
/// The item is not a waiting forced transfer.
error NotDroppable(uint256 index);
/// Record, prover and refund are not those of the item.
error ForcedMismatch(uint256 index, bytes32 expected, bytes32 got);
/// The bond must cover the reward for a drop.
error BondBelowReward(uint256 bondWei, uint256 rewardWei);

enum ItemKind {
    None,
    Deposit,
    Forced,
    Dropped
}

struct Item {
    uint64 enqueuedAt;
    ItemKind kind;
    bytes32 word;
}

struct QueueConfig {
    uint64 delaySeconds;
    uint128 slotFeeWei;
    uint128 bondWei;
    uint128 dropRewardWei;
}

abstract contract Queue is Ledger, Credits, KeyTable, Poseidon {
    uint64 public immutable queueDelaySeconds;
    uint256 public immutable slotFeeWei;
    uint256 public immutable bondWei;
    uint256 public immutable dropRewardWei;

    mapping(uint256 index => Item item) public queueItem;
    mapping(bytes32 recordHash => bool seen) public isForced;

    event Deposit(
        uint256 indexed queueIndex,
        uint32 indexed asset,
        uint256 value,
        uint256 owner,
        uint256 commitment,
        bytes32 ephemeral,
        bytes32 ciphertext
    );
    /// Statement and proof too: whoever called, the logs alone show that the item was let in rightly.
    event Forced(
        uint256 indexed queueIndex,
        bytes record,
        address prover,
        address refund,
        uint256 anchor,
        uint256 h,
        bytes proof
    );
    /// `rewarded` was credited the drop reward.
    event Dropped(uint256 indexed queueIndex, address rewarded);

    constructor(QueueConfig memory config) {
        if (config.dropRewardWei > config.bondWei) revert BondBelowReward(config.bondWei, config.dropRewardWei);
        queueDelaySeconds = config.delaySeconds;
        slotFeeWei = config.slotFeeWei;
        bondWei = config.bondWei;
        dropRewardWei = config.dropRewardWei;
    }

    /// True while the head of the queue has waited longer than the delay.
    function isOverdue() public view returns (bool) {
        return _isOverdueAt(queueHead);
    }

    function _isOverdueAt(uint256 index) internal view returns (bool) {
        return index < queueTail && block.timestamp > uint256(queueItem[index].enqueuedAt) + queueDelaySeconds;
    }

    function _deposit(uint32 id, uint256 value, uint256 owner, bytes32 ephemeral, bytes32 ciphertext)
        internal
        returns (uint256 index)
    {
        if (value == 0 || value >> 128 != 0) revert DepositValue(value);
        requireField(owner);
        _take(id, value, slotFeeWei);
        uint256 commitment = _commitment(owner, id, value);
        index = _enqueue(ItemKind.Deposit, bytes32(commitment));
        emit Deposit(index, id, value, owner, commitment, ephemeral, ciphertext);
    }

    function _force(
        bytes calldata record,
        address prover,
        address refund,
        uint256 anchor,
        uint256 h,
        bytes calldata proof
    ) internal returns (uint256 index) {
        _take(NATIVE, bondWei, slotFeeWei);
        if (refund == address(0)) revert RefundToNobody();
        bytes32 recordHash = Record.hash(record);
        if (isForced[recordHash]) revert ForcedTwice(recordHash);
        if (!isKnownRoot[anchor]) revert AnchorUnknown(anchor);
        requireField(h);
        _verifyOne(record, prover, anchor, h, proof);
        isForced[recordHash] = true;
        index = _enqueue(ItemKind.Forced, keccak256(abi.encodePacked(TAG_FORCED, record, prover, refund)));
        emit Forced(index, record, prover, refund, anchor, h, proof);
    }

    /// The fold of one transfer(1) proof.
    function _verifyOne(bytes calldata record, address prover, uint256 anchor, uint256 h, bytes calldata proof)
        private
        view
    {
        if (proof.length != Fold.PROOF) revert ForcedLength(Fold.PROOF, proof.length);
        uint256 buffer = Fingerprint.open();
        uint256 x = buffer + Fingerprint.LIST_OFFSET;
        uint256 start;
        uint256 proofAt;
        assembly ("memory-safe") {
            start := record.offset
            proofAt := proof.offset
            mstore(x, anchor)
            mstore(add(x, 32), prover)
        }
        (uint256 end,) = Record.read(start, x + 64, Record.openExt());
        if (end != start + record.length) revert ForcedLength(end - start, record.length);
        (uint256 z, uint256 y) = Fingerprint.challenge(buffer, TRANSFER_1, h, TRANSFER_CONTEXT + RECORD_ELEMENTS);
        uint256 items = Fold.open(1);
        Fold.put(items + Fold.HEADER, TRANSFER_1, proofAt, h, z, y);
        Fold.verify(items, 1, _loadKeys());
    }

    function _drop(
        uint256 index,
        bytes calldata record,
        address prover,
        address refund,
        bool second,
        uint256 next,
        uint256 leafIndex,
        uint256[3][16] calldata siblings
    ) internal {
        Item storage item = queueItem[index];
        if (index < queueHead || index >= queueTail || item.kind != ItemKind.Forced) revert NotDroppable(index);
        bytes32 word = keccak256(abi.encodePacked(TAG_FORCED, record, prover, refund));
        if (word != item.word) revert ForcedMismatch(index, item.word, word);
        uint256 nullifier = uint256(uint248(bytes31(second ? record[32:63] : record[1:32])));
        _requireOpening(nullifierRoot, nullifier, next, leafIndex, siblings);
        item.kind = ItemKind.Dropped;
        _payDrop(index, refund, msg.sender);
    }

    /// The bond of a dropped item: a fixed reward, the rest back.
    function _payDrop(uint256 index, address refund, address rewarded) internal {
        _credit(rewarded, NATIVE, dropRewardWei);
        _credit(refund, NATIVE, bondWei - dropRewardWei);
        emit Dropped(index, rewarded);
    }

    function _enqueue(ItemKind kind, bytes32 word) private returns (uint256 index) {
        index = queueTail++;
        queueItem[index] = Item(uint64(block.timestamp), kind, word);
    }
}
