// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SCALAR, NotInField, allocate} from "./Field.sol";
import {Circuits, TRANSFER_CONTEXT, RECORD_ELEMENTS, UPDATE_CONTEXT, SLOT_ELEMENTS} from "./Circuits.sol";
import {TAG_FORCED} from "./Tags.sol";
import {Tally} from "./Credits.sol";
import {Fees} from "./Fees.sol";
import {Fingerprint} from "./Fingerprint.sol";
import {Fold} from "./Fold.sol";
import {Queue, Item, ItemKind, AnchorUnknown, ForcedMismatch} from "./Queue.sol";
import {Record} from "./Record.sol";
import {Withdrawals} from "./Withdrawals.sol";

// settle(bytes): from packed calldata to new roots. Every element of every update is derived here, from verified
// records, stored forced records and deposits, in slot order; nothing else can name a nullifier or a commitment.
//
//   header    version(1)=1 · dataSource(1)=0 · U(1) updates · P(2) transfer proofs · Q(2) queue items · D(1) drops · A(1)
//   anchors   A × root(32)               strictly ascending, known, each used; A ≤ 127
//   drops     D × item(2) by(2)          item strictly ascending; by < item; both among the Q, forced, not dropped
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
// Steps: 1 open · 2 queue items · 3 transfers · 4 the overdue rule · 5 updates · 6 fold · 7 commit · 8 push.

/// The caller is not the transaction's origin, or has code.
error NotTopLevel(address caller);
/// Only the aggregator may settle now.
error NotSettler(address caller);
/// The calldata is not exactly selector, offset 32, length, bytes, zero padding.
error CalldataShape();
/// First two bytes: version and data source.
error HeaderUnknown(uint256 version, uint256 dataSource);
/// No update, or more than the calldata holds.
error UpdateCount(uint256 updates, uint256 length);
/// More than 127 anchors.
error AnchorCount(uint256 got);
/// Anchors are not strictly ascending.
error AnchorOrder(uint256 index);
/// A bit is missing for each anchor that no proof uses.
error AnchorUnused(uint256 usedMask);
/// The reference names neither an anchor of the table nor an earlier update.
error AnchorReference(uint256 anchorRef, uint256 update);
/// Unknown flag bits, or the keep flag on the last update.
error FlagsUnknown(uint256 flags);
/// A prover that must be named is the zero address.
error ProverMissing();
/// An update fills fewer or more slots than it may.
error SlotsUsed(uint256 update, uint256 used, uint256 least, uint256 most);
/// Records and queue items do not fill the slots of the updates exactly.
error SlotCount(uint256 expected, uint256 got);
/// The transfers end elsewhere than the updates begin.
error LengthMismatch(uint256 expected, uint256 got);
/// More queue items than wait.
error QueueTooShort(uint256 wanted, uint256 waiting);
/// The head is overdue: take all overdue items, or at least as many as transfers.
error OverdueFirst(uint256 taken, uint256 transfers);
/// A drop's `item` or `by` is not a live forced item in the right order.
error DropReference(uint256 item, uint256 by);
/// The two items of a drop share no nullifier.
error DropWithoutConflict(uint256 item, uint256 by);
/// Both trees are full.
error TreeFull(uint256 startIndex);

abstract contract Settlement is Queue, Fees, Withdrawals {
    uint256 private constant HEADER_BYTES = 9;
    uint256 private constant UPDATE_BYTES = 375;
    uint256 private constant SLOT_BYTES = 128;
    uint256 private constant MOST_ANCHORS = 127;
    uint256 private constant BODY = 68; // calldata offset of the bytes: selector, offset, length

    // Offsets within an update entry.
    uint256 private constant U_PROVER = 3;
    uint256 private constant U_H = 23;
    uint256 private constant U_PROOF = 55;
    uint256 private constant U_NOTE_ROOT = 311;
    uint256 private constant U_NULL_ROOT = 343;

    address public immutable aggregator;

    event Settled(
        uint256 indexed settlementIndex, uint256 noteRoot, uint256 nullRoot, uint256 leafCount, uint256 queueHead
    );

    /// The state of one pass over the calldata. Offsets are absolute in calldata (…At) or memory addresses (…Ptr).
    struct Pass {
        uint256 pos; // cursor
        uint256 updatesAt;
        uint256 updates; // U
        uint256 slotsPtr; // SLOT_BYTES a slot: nf1 nf2 cm1 cm2
        uint256 slotPtr; // the next one to open
        uint256 slotsEnd; // room for Σ used
        uint256 update; // the update that holds the last opened slot
        uint256 left; // slots it still takes
        address updateProver;
        uint256 listPtr; // preimage of a challenge
        uint256 extPtr; // preimage of ext
        uint256 foldPtr;
        uint256 itemPtr; // next fold item
        uint256 withdrawalsPtr;
        uint256 withdrawalsEnd;
        Tally transferFees;
        Tally updateFees;
        Tally aggregatorFees;
    }

    constructor(address aggregator_) {
        aggregator = aggregator_;
    }

    function _settle(bytes calldata data) internal {
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert NotTopLevel(msg.sender);
        bool overdue = isOverdue();
        if (msg.sender != aggregator && !overdue) revert NotSettler(msg.sender);
        _requireShape(data);

        (Pass memory pass, uint256 proofs, uint256 items, uint256 drops, uint256 anchors) = _open(data.length);
        uint256 anchorsAt = BODY + HEADER_BYTES;
        uint256 head = queueHead;
        pass.pos = anchorsAt + 32 * anchors + 4 * drops;
        if (items != 0) _takeQueue(pass, head, items, anchorsAt + 32 * anchors, drops);
        else if (drops != 0) revert DropReference(_u16(anchorsAt + 32 * anchors), 0);
        uint256 firstTransfer = pass.slotPtr;
        _takeTransfers(pass, proofs, anchorsAt, anchors);
        if (overdue) _requireOverdueRule(head + items, items, (pass.slotPtr - firstTransfer) / SLOT_BYTES);
        (uint256 newNoteRoot, uint256 newNullRoot, uint256 leaves) = _takeUpdates(pass);
        Fold.verify(pass.foldPtr, proofs + pass.updates, _loadKeys());
        _commit(newNoteRoot, newNullRoot, leaves, head + items);
        _flush(pass.transferFees);
        _flush(pass.updateFees);
        _flush(pass.aggregatorFees);
        _pushWithdrawals(pass.withdrawalsPtr, pass.withdrawalsEnd);
    }

    // ---------------------------------------------------------------- 1 open

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

    function _open(uint256 length)
        private
        view
        returns (Pass memory pass, uint256 proofs, uint256 items, uint256 drops, uint256 anchors)
    {
        uint256 header;
        assembly ("memory-safe") {
            header := shr(184, calldataload(BODY)) // nine bytes
        }
        if (header >> 56 != 0x0100) revert HeaderUnknown(header >> 64, (header >> 56) & 0xff);
        pass.updates = (header >> 48) & 0xff;
        proofs = (header >> 32) & 0xffff;
        items = (header >> 16) & 0xffff;
        drops = (header >> 8) & 0xff;
        anchors = header & 0xff;
        if (anchors > MOST_ANCHORS) revert AnchorCount(anchors);
        if (pass.updates == 0 || length < HEADER_BYTES + UPDATE_BYTES * pass.updates) {
            revert UpdateCount(pass.updates, length);
        }
        pass.updatesAt = BODY + length - UPDATE_BYTES * pass.updates;
        uint256 slots;
        for (uint256 i; i < pass.updates; ++i) slots += _checkUpdateHead(pass, i);
        _enterUpdate(pass, 0);
        pass.listPtr = Fingerprint.open();
        pass.extPtr = Record.openExt();
        pass.foldPtr = Fold.open(proofs + pass.updates);
        pass.itemPtr = pass.foldPtr + Fold.HEADER;
        pass.slotsPtr = allocate(SLOT_BYTES * slots);
        pass.slotPtr = pass.slotsPtr;
        pass.slotsEnd = pass.slotsPtr + SLOT_BYTES * slots;
        pass.withdrawalsPtr = allocate(WITHDRAWAL_BYTES * slots);
        pass.withdrawalsEnd = pass.withdrawalsPtr;
    }

    function _checkUpdateHead(Pass memory pass, uint256 i) private pure returns (uint256 used) {
        uint256 word;
        uint256 pos = pass.updatesAt + UPDATE_BYTES * i;
        assembly ("memory-safe") {
            word := calldataload(pos)
        }
        uint256 id = word >> 248;
        uint256 flags = (word >> 240) & 0xff;
        used = (word >> 232) & 0xff;
        if (flags > 1 || (flags == 1 && i + 1 == pass.updates)) revert FlagsUnknown(flags);
        uint256 most = Circuits.updateSize(id);
        uint256 least = Circuits.leastSlots(id);
        if (used < least || used > most) revert SlotsUsed(i, used, least, most);
        if ((word << 24) >> 96 == 0) revert ProverMissing();
    }

    function _enterUpdate(Pass memory pass, uint256 i) private pure {
        uint256 word;
        uint256 pos = pass.updatesAt + UPDATE_BYTES * i;
        assembly ("memory-safe") {
            word := calldataload(pos)
        }
        pass.update = i;
        pass.left = (word >> 232) & 0xff;
        pass.updateProver = address(uint160((word << 24) >> 96));
    }

    /// The next slot, and with it, where one is full, the next update.
    function _openSlot(Pass memory pass) private pure returns (uint256 slot) {
        unchecked {
            uint256 left = pass.left;
            slot = pass.slotPtr;
            if (left == 0) {
                if (slot == pass.slotsEnd) revert SlotCount(_slots(pass, slot), _slots(pass, slot) + 1);
                _enterUpdate(pass, pass.update + 1);
                left = pass.left;
            }
            pass.left = left - 1;
            pass.slotPtr = slot + SLOT_BYTES;
        }
    }

    /// Slots before the one at `slot`.
    function _slots(Pass memory pass, uint256 slot) private pure returns (uint256) {
        return (slot - pass.slotsPtr) / SLOT_BYTES;
    }

    // ---------------------------------------------------------------- 2 queue items

    /// Walks the next `items` queue items. The table has a word an item: 0 unless it is a live forced one, else its
    /// slot's address (64 low bits) and its update's prover (above).
    function _takeQueue(Pass memory pass, uint256 head, uint256 items, uint256 dropsAt, uint256 drops) private {
        if (head + items > queueTail) revert QueueTooShort(items, queueTail - head);
        address firstProver = pass.updateProver;
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
            } else if (dropsAt < dropsEnd && _u16(dropsAt) == i) {
                _dropHere(pass, head + i, item.word, table, i, _u16(dropsAt + 2));
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
        if (dropsAt != dropsEnd) revert DropReference(_u16(dropsAt), _u16(dropsAt + 2));
    }

    /// (0, 0, cm, 0), or the second half of the slot of the deposit before.
    function _takeDeposit(Pass memory pass, uint256 commitment, uint256 halfSlot) private pure returns (uint256) {
        if (halfSlot != 0) {
            assembly ("memory-safe") {
                mstore(add(halfSlot, 96), commitment)
            }
            return 0;
        }
        uint256 slot = _openSlot(pass);
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
        returns (uint256 x, address recipient, address prover, address refund)
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
        (uint256 x, address recipient, address prover, address refund) = _readForced(pass, index, word);
        uint256 slot = _takeRecord(pass, x, recipient, prover);
        _credit(refund, NATIVE, bondWei);
        entry = slot | (uint256(uint160(pass.updateProver)) << 64);
    }

    /// Drops item `i` because live item `by`, in an earlier slot, has one of its nullifiers. The reward goes to the
    /// prover of the update that holds that slot.
    function _dropHere(Pass memory pass, uint256 index, bytes32 word, uint256 table, uint256 i, uint256 by) private {
        (uint256 x,,, address refund) = _readForced(pass, index, word);
        if (by >= i) revert DropReference(i, by);
        uint256 entry;
        assembly ("memory-safe") {
            entry := mload(add(table, shl(5, by)))
        }
        if (entry == 0) revert DropReference(i, by);
        bool conflict;
        assembly ("memory-safe") {
            let slot := and(entry, 0xffffffffffffffff)
            let a := mload(slot)
            let b := mload(add(slot, 32))
            let c := mload(x)
            let d := mload(add(x, 32))
            conflict := or(or(eq(a, c), eq(a, d)), or(eq(b, c), eq(b, d)))
        }
        if (!conflict) revert DropWithoutConflict(i, by);
        _payDrop(index, refund, address(uint160(entry >> 64)));
    }

    // ---------------------------------------------------------------- 3 transfers

    function _takeTransfers(Pass memory pass, uint256 proofs, uint256 anchorsAt, uint256 anchors) private {
        _requireAnchors(anchorsAt, anchors);
        uint256 usedMask;
        for (uint256 i; i < proofs; ++i) usedMask |= _takeTransfer(pass, anchorsAt, anchors);
        if (usedMask != (1 << anchors) - 1) revert AnchorUnused(usedMask);
        if (pass.pos != pass.updatesAt) revert LengthMismatch(pass.updatesAt - BODY, pass.pos - BODY);
        if (pass.slotPtr != pass.slotsEnd) revert SlotCount(_slots(pass, pass.slotsEnd), _slots(pass, pass.slotPtr));
    }

    function _requireAnchors(uint256 anchorsAt, uint256 anchors) private view {
        uint256 last;
        for (uint256 i; i < anchors; ++i) {
            uint256 root = _word(anchorsAt + 32 * i);
            if (root <= last) revert AnchorOrder(i);
            if (!isKnownRoot[root]) revert AnchorUnknown(root);
            last = root;
        }
    }

    /// One proof and its K records. Returns the bit of the anchor used.
    function _takeTransfer(Pass memory pass, uint256 anchorsAt, uint256 anchors) private returns (uint256 usedBit) {
        unchecked {
            uint256 pos = pass.pos;
            uint256 head = _word(pos);
            uint256 id = head >> 248;
            uint256 flags = (head >> 240) & 0xff;
            uint256 size = Circuits.transferSize(id);
            if (flags > 1) revert FlagsUnknown(flags);
            uint256 anchor;
            (anchor, usedBit) = _anchor(pass, (head >> 232) & 0xff, anchorsAt, anchors);
            uint256 prover;
            pos += 3;
            if (flags == 1) {
                prover = (head << 24) >> 96;
                if (prover == 0) revert ProverMissing();
                pos += 20;
            }
            uint256 h = _word(pos);
            if (h >= SCALAR) revert NotInField(h);
            uint256 proofAt = pos + 32;
            pass.pos = proofAt + Fold.PROOF;
            uint256 x = pass.listPtr + Fingerprint.LIST_OFFSET;
            assembly ("memory-safe") {
                mstore(x, anchor)
                mstore(add(x, 32), prover)
            }
            x += 64;
            for (uint256 k; k < size; ++k) {
                address recipient;
                (pass.pos, recipient) = Record.read(pass.pos, x, pass.extPtr);
                _takeRecord(pass, x, recipient, address(uint160(prover)));
                x += Record.ELEMENT_BYTES;
            }
            (uint256 z, uint256 y) =
                Fingerprint.challenge(pass.listPtr, id, h, TRANSFER_CONTEXT + RECORD_ELEMENTS * size);
            pass.itemPtr = Fold.put(pass.itemPtr, id, proofAt, h, z, y);
        }
    }

    /// The root that a proof is anchored to. An update of this settlement serves only slots of later updates.
    function _anchor(Pass memory pass, uint256 ref, uint256 anchorsAt, uint256 anchors)
        private
        pure
        returns (uint256 root, uint256 usedBit)
    {
        if (ref < anchors) return (_word(anchorsAt + 32 * ref), 1 << ref);
        uint256 next = pass.left == 0 ? pass.update + 1 : pass.update; // the update of the proof's first record
        uint256 earlier = ref & 0x7f;
        if (ref < 0x80 || earlier >= next) revert AnchorReference(ref, next);
        return (_word(pass.updatesAt + UPDATE_BYTES * earlier + U_NOTE_ROOT), 0);
    }

    /// A verified record's effects: its slot, its withdrawal, its fee. `x` holds its nine elements.
    function _takeRecord(Pass memory pass, uint256 x, address recipient, address prover)
        private
        returns (uint256 slot)
    {
        slot = _openSlot(pass);
        uint256 value;
        uint256 fee;
        assembly ("memory-safe") {
            mcopy(slot, x, SLOT_BYTES)
            value := mload(add(x, 160)) // Record.OUT_VALUE
            fee := mload(add(x, 224)) // Record.FEE
        }
        if (value != 0) {
            uint256 outAsset;
            assembly ("memory-safe") {
                outAsset := mload(add(x, 128)) // Record.OUT_ASSET
            }
            pass.withdrawalsEnd = _listWithdrawal(pass.withdrawalsEnd, outAsset, recipient, value);
        }
        if (fee != 0) {
            uint256 feeAsset;
            assembly ("memory-safe") {
                feeAsset := mload(add(x, 192)) // Record.FEE_ASSET
            }
            (uint256 proving, uint256 updating, uint256 rest) = _share(fee);
            address proverPaid = prover == address(0) ? pass.updateProver : prover;
            _tally(pass.transferFees, proverPaid, feeAsset, proving);
            _tally(pass.updateFees, pass.updateProver, feeAsset, updating);
            _tally(pass.aggregatorFees, aggregator, feeAsset, rest);
        }
    }

    // ---------------------------------------------------------------- 4 the overdue rule

    function _requireOverdueRule(uint256 next, uint256 taken, uint256 transfers) private view {
        if (taken < transfers && _isOverdueAt(next)) revert OverdueFirst(taken, transfers);
    }

    // ---------------------------------------------------------------- 5 updates

    function _takeUpdates(Pass memory pass) private returns (uint256 note, uint256 nullifier, uint256 leaves) {
        note = noteRoot;
        nullifier = nullifierRoot;
        leaves = leafCount;
        uint256 slot = pass.slotsPtr;
        uint256 last = pass.updates - 1;
        for (uint256 i; i <= last; ++i) {
            uint256 pos = pass.updatesAt + UPDATE_BYTES * i;
            uint256 word = _word(pos);
            uint256 batch = 2 * Circuits.updateSize(word >> 248);
            uint256 start = (leaves + batch - 1) / batch * batch;
            leaves = start + batch;
            if (leaves > TREE_CAPACITY) revert TreeFull(start);
            (note, nullifier) = _takeUpdate(pass, pos, note, nullifier, start, slot);
            slot += SLOT_BYTES * ((word >> 232) & 0xff);
            if (i == last || (word >> 240) & 0xff == 1) isKnownRoot[note] = true;
        }
    }

    /// Writes the list of one update, derives its challenge, and puts it into the fold.
    function _takeUpdate(Pass memory pass, uint256 pos, uint256 note, uint256 nullifier, uint256 start, uint256 slot)
        private
        pure
        returns (uint256 newNote, uint256 newNullifier)
    {
        newNote = _word(pos + U_NOTE_ROOT);
        newNullifier = _word(pos + U_NULL_ROOT);
        uint256 h = _word(pos + U_H);
        if (newNote >= SCALAR) revert NotInField(newNote);
        if (newNullifier >= SCALAR) revert NotInField(newNullifier);
        if (h >= SCALAR) revert NotInField(h);
        uint256 id = _word(pos) >> 248;
        uint256 size = Circuits.updateSize(id);
        uint256 x = pass.listPtr + Fingerprint.LIST_OFFSET;
        assembly ("memory-safe") {
            mstore(x, note)
            mstore(add(x, 32), newNote)
            mstore(add(x, 64), nullifier)
            mstore(add(x, 96), newNullifier)
            mstore(add(x, 128), start)
            mstore(add(x, 160), shr(96, calldataload(add(pos, U_PROVER))))
            let used := shl(7, byte(2, calldataload(pos))) // SLOT_BYTES each
            mcopy(add(x, 192), slot, used)
            // absent slots are zero: copy from behind the calldata
            calldatacopy(add(add(x, 192), used), calldatasize(), sub(shl(7, size), used))
        }
        (uint256 z, uint256 y) = Fingerprint.challenge(pass.listPtr, id, h, UPDATE_CONTEXT + SLOT_ELEMENTS * size);
        pass.itemPtr = Fold.put(pass.itemPtr, id, pos + U_PROOF, h, z, y);
    }

    // ---------------------------------------------------------------- 7 commit

    function _commit(uint256 note, uint256 nullifier, uint256 leaves, uint256 head) private {
        noteRoot = note;
        nullifierRoot = nullifier;
        uint64 index = settlementCount;
        leafCount = uint40(leaves);
        settlementCount = index + 1;
        queueHead = uint64(head);
        emit Settled(index, note, nullifier, leaves, head);
    }

    function _word(uint256 pos) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(pos)
        }
    }

    function _u16(uint256 pos) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(240, calldataload(pos))
        }
    }
}
