// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {allocate} from "./Field.sol";
import {TAG_FORCED} from "./Tags.sol";
import {Effects} from "./Effects.sol";
import {Fingerprint} from "./Fingerprint.sol";
import {Pass, PassReader, readU16} from "./Pass.sol";
import {ForcedMismatch, Item, ItemKind, Queue} from "./Queue.sol";
import {Record} from "./Record.sol";

// The first slots of a settlement: queue items, in order, each once. Two deposits that follow one another share a slot,
// dropped items between them skipped; items named in the drops fill none.

/// More queue items than wait.
error QueueTooShort(uint256 wanted, uint256 waiting);
/// A drop's `item` or `by` is not a live forced item in the right order.
error DropReference(uint256 item, uint256 by);
/// The two items of a drop share no nullifier.
error DropWithoutConflict(uint256 item, uint256 by);
/// An item before `by` is in conflict too: the drop must name it.
error DropNotFirst(uint256 item, uint256 by, uint256 first);

abstract contract QueueSlots is Queue, Effects {
    using PassReader for Pass;

    /// Walks the next `items` queue items. The table has a word an item: 0 unless it is a live forced one, else its
    /// slot's address (64 low bits) and its update's prover (above).
    function _takeQueue(Pass memory pass, uint256 head, uint256 items, uint256 dropsAt, uint256 drops) internal {
        if (head + items > queueTail) revert QueueTooShort(items, queueTail - head);
        uint256 firstProver = pass.updateProver;
        uint256 dropsEnd = dropsAt + 4 * drops;
        uint256 table = allocate(32 * items);
        uint256 halfSlot; // the slot of a deposit that still has room for another
        for (uint256 i; i < items; ++i) {
            Item storage item = queueItem[head + i];
            ItemKind kind = item.kind;
            uint256 entry;
            if (kind == ItemKind.Deposit) {
                halfSlot = _takeDeposit(pass, uint256(item.word), halfSlot);
                _tally(pass.updateFees, pass.updateProver, NATIVE, slotFeeWei);
            } else if (kind == ItemKind.Dropped) {
                _tally(pass.updateFees, firstProver, NATIVE, slotFeeWei);
            } else if (dropsAt < dropsEnd && readU16(dropsAt) == i) {
                _dropHere(pass, head + i, item.word, table, i, readU16(dropsAt + 2));
                _tally(pass.updateFees, firstProver, NATIVE, slotFeeWei);
                dropsAt += 4;
            } else {
                entry = _takeForced(pass, head + i, item.word);
                _tally(pass.updateFees, pass.updateProver, NATIVE, slotFeeWei);
                halfSlot = 0;
            }
            assembly ("memory-safe") {
                mstore(add(table, shl(5, i)), entry)
            }
            delete queueItem[head + i];
        }
        if (dropsAt != dropsEnd) revert DropReference(readU16(dropsAt), readU16(dropsAt + 2));
    }

    /// (0, 0, cm, 0), or the second half of the slot of the deposit before.
    function _takeDeposit(Pass memory pass, uint256 commitment, uint256 halfSlot) private pure returns (uint256) {
        if (halfSlot != 0) {
            assembly ("memory-safe") {
                mstore(add(halfSlot, 96), commitment)
            }
            return 0;
        }
        uint256 slot = pass.openSlot();
        assembly ("memory-safe") {
            mstore(slot, 0)
            mstore(add(slot, 32), 0)
            mstore(add(slot, 64), commitment)
            mstore(add(slot, 96), 0)
        }
        return slot;
    }

    /// Reads a forced item's data at the cursor into the list buffer and compares it with what the queue stored.
    function _readForced(Pass memory pass, uint256 index, bytes32 word)
        private
        pure
        returns (uint256 x, address recipient, uint256 prover, address refund)
    {
        uint256 start = pass.pos;
        uint256 end;
        x = pass.listPtr + Fingerprint.LIST_OFFSET;
        (end, recipient) = Record.read(start, x, pass.extPtr);
        bytes32 tag = TAG_FORCED;
        bytes32 got;
        assembly ("memory-safe") {
            prover := shr(96, calldataload(end))
            refund := shr(96, calldataload(add(end, 20)))
            end := add(end, 40)
            let buffer := mload(0x40)
            mstore(buffer, tag)
            calldatacopy(add(buffer, 32), start, sub(end, start))
            got := keccak256(buffer, add(32, sub(end, start)))
        }
        if (got != word) revert ForcedMismatch(index, word, got);
        pass.pos = end;
    }

    function _takeForced(Pass memory pass, uint256 index, bytes32 word) private returns (uint256 entry) {
        (uint256 x, address recipient, uint256 prover, address refund) = _readForced(pass, index, word);
        uint256 slot = _takeRecord(pass, x, recipient, prover);
        _credit(refund, NATIVE, bondWei);
        entry = slot | (pass.updateProver << 64);
    }

    /// Drops item `i` because live item `by`, in an earlier slot, has one of its nullifiers: the first such item, so
    /// that a settlement has one encoding. The reward goes to the prover of the update that holds that slot.
    function _dropHere(Pass memory pass, uint256 index, bytes32 word, uint256 table, uint256 i, uint256 by) private {
        (uint256 x,,, address refund) = _readForced(pass, index, word);
        if (by >= i) revert DropReference(i, by);
        uint256 entry = _entryAt(table, by);
        if (entry == 0) revert DropReference(i, by);
        if (!_conflict(entry, x)) revert DropWithoutConflict(i, by);
        for (uint256 k; k < by; ++k) {
            if (_conflict(_entryAt(table, k), x)) revert DropNotFirst(i, by, k);
        }
        _payDrop(index, refund, address(uint160(entry >> 64)));
    }

    function _entryAt(uint256 table, uint256 i) private pure returns (uint256 entry) {
        assembly ("memory-safe") {
            entry := mload(add(table, shl(5, i)))
        }
    }

    /// True when the live item of `entry` has a nullifier of the record at `x`; false for the entry 0.
    function _conflict(uint256 entry, uint256 x) private pure returns (bool conflict) {
        if (entry == 0) return false;
        assembly ("memory-safe") {
            let slot := and(entry, 0xffffffffffffffff)
            let a := mload(slot)
            let b := mload(add(slot, 32))
            let c := mload(x)
            let d := mload(add(x, 32))
            conflict := or(or(eq(a, c), eq(a, d)), or(eq(b, c), eq(b, d)))
        }
    }
}
