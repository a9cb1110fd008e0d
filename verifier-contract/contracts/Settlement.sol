// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Fold} from "./Fold.sol";
import {BODY, Counts, HEADER_BYTES, Pass, PassReader, SLOT_BYTES} from "./Pass.sol";
import {QueueSlots} from "./QueueSlots.sol";
import {Transfers} from "./Transfers.sol";
import {Updates} from "./Updates.sol";

// settle(bytes): from packed calldata to new roots. Every element of every update is derived here, from verified
// records, stored forced records and deposits, in slot order; nothing else can name a nullifier or a commitment.
//
//   header    version(1)=1 · dataSource(1)=0 · U(1) updates · P(2) transfer proofs · Q(2) queue items · D(1) drops · A(1)
//   anchors   A × root(32)               strictly ascending, known, each used; A ≤ 127
//   drops     D × item(2) by(2)          item strictly ascending, a live forced one of the Q; by the first live one with a
//                                        nullifier of it; by < item
//   forced    per live forced item of the Q: record · prover(20) · refund(20)
//   transfers P × circuitId(1) · flags(1) · anchorRef(1) · [prover(20)] · h(32) · proof(256) · K records
//   updates   U × circuitId(1) · flags(1) · used(1) · prover(20) · h(32) · proof(256) · noteRootNew(32) · nullRootNew(32)
//
// transfer flags: bit 0 a prover is named (≠ 0). anchorRef: < A an entry of the table, 0x80 | i noteRootNew of update i.
// update flags: bit 0 keep noteRootNew as a known root (0 on the last update, which is always kept).
// All integers big-endian; one encoding; exact length, and the ABI wrapping is exact too.
//
// Slots: the queue items, two deposits that follow one another (dropped items between them skipped) sharing a slot;
// then the records. Update i takes the next used_i slots.
//
// Steps: 1 open (Pass.sol) · 2 queue items (QueueSlots.sol) · 3 transfers (Transfers.sol) · 4 the overdue rule ·
// 5 updates (Updates.sol) · 6 fold (Fold.sol) · 7 commit · 8 push (Withdrawals.sol).

/// The caller is not the transaction's origin, or has code.
error NotTopLevel(address caller);
/// Only the aggregator may settle now.
error NotSettler(address caller);
/// The calldata is not exactly selector, offset 32, length, bytes, zero padding.
error CalldataShape();
/// The head is overdue: take all overdue items, or at least as many as transfers.
error OverdueFirst(uint256 taken, uint256 transfers);

abstract contract Settlement is QueueSlots, Transfers, Updates {
    event Settled(
        uint256 indexed settlementIndex, uint256 noteRoot, uint256 nullRoot, uint256 leafCount, uint256 queueHead
    );

    function _settle(bytes calldata data) internal {
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert NotTopLevel(msg.sender);
        bool overdue = isOverdue();
        if (msg.sender != aggregator && !overdue) revert NotSettler(msg.sender);
        _requireShape(data);

        (Pass memory pass, Counts memory counts) = PassReader.open(data.length);
        uint256 anchorsAt = BODY + HEADER_BYTES;
        uint256 dropsAt = anchorsAt + 32 * counts.anchors;
        uint256 items = counts.items;
        uint256 head = queueHead;
        pass.pos = dropsAt + 4 * counts.drops;
        _takeQueue(pass, head, items, dropsAt, counts.drops);
        uint256 firstTransfer = pass.slotPtr;
        _takeTransfers(pass, counts.proofs, anchorsAt, counts.anchors);
        if (overdue) _requireOverdueRule(head + items, items, (pass.slotPtr - firstTransfer) / SLOT_BYTES);
        (uint256 newNoteRoot, uint256 newNullRoot, uint256 leaves) = _takeUpdates(pass);
        Fold.verify(pass.foldPtr, counts.proofs + pass.updates, _loadKeys());
        _commit(newNoteRoot, newNullRoot, leaves, head + items);
        _flush(pass.transferFees);
        _flush(pass.updateFees);
        _flush(pass.aggregatorFees);
        _pushWithdrawals(pass.withdrawalsPtr);
    }

    /// selector · 32 · length · bytes · zeros up to a whole word, and nothing after.
    function _requireShape(bytes calldata data) private pure {
        bool exact;
        assembly ("memory-safe") {
            let length := data.length
            let padded := and(add(length, 31), not(31))
            let rest := and(length, 31)
            exact := and(eq(calldataload(4), 32), eq(calldatasize(), add(BODY, padded)))
            if rest {
                // the last word, its first `rest` bytes shifted out
                exact := and(exact, iszero(shl(shl(3, rest), calldataload(add(sub(BODY, 32), padded)))))
            }
        }
        if (!exact) revert CalldataShape();
    }

    function _requireOverdueRule(uint256 next, uint256 taken, uint256 transfers) private view {
        if (taken < transfers && _isOverdueAt(next)) revert OverdueFirst(taken, transfers);
    }

    function _commit(uint256 note, uint256 nullifier, uint256 leaves, uint256 head) private {
        noteRoot = note;
        nullifierRoot = nullifier;
        uint64 index = settlementCount;
        leafCount = uint40(leaves);
        settlementCount = index + 1;
        queueHead = uint64(head);
        emit Settled(index, note, nullifier, leaves, head);
    }
}
