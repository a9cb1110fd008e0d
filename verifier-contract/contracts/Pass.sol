// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {allocate} from "./Field.sol";
import {Circuits} from "./Circuits.sol";
import {Tally} from "./Credits.sol";
import {Fingerprint} from "./Fingerprint.sol";
import {Fold} from "./Fold.sol";
import {Record} from "./Record.sol";
import {Withdrawal} from "./Withdrawal.sol";

// The pass over a settlement's calldata: where reading stands, which update the next slot belongs to, and the memory
// that is reserved before anything is read. The layout of the calldata stands in Settlement.sol.

/// First two bytes: version and data source.
error HeaderUnknown(uint256 version, uint256 dataSource);
/// No update, or more than the calldata holds.
error UpdateCount(uint256 updates, uint256 length);
/// More than 127 anchors.
error AnchorCount(uint256 got);
/// Unknown flag bits, or the keep flag on the last update.
error FlagsUnknown(uint256 flags);
/// A prover that must be named is the zero address.
error ProverMissing();
/// An update fills fewer or more slots than it may.
error SlotsUsed(uint256 update, uint256 used, uint256 least, uint256 most);
/// Records and queue items do not fill the slots of the updates exactly.
error SlotCount(uint256 expected, uint256 got);

uint256 constant BODY = 68; // calldata offset of the bytes: selector, offset, length
uint256 constant HEADER_BYTES = 9;
uint256 constant UPDATE_BYTES = 375;
uint256 constant SLOT_BYTES = 128;
uint256 constant MOST_ANCHORS = 127;

// Offsets within an update entry.
uint256 constant U_PROVER = 3;
uint256 constant U_H = 23;
uint256 constant U_PROOF = 55;
uint256 constant U_NOTE_ROOT = 311;
uint256 constant U_NULL_ROOT = 343;

/// The state of one pass over the calldata. Offsets are absolute in calldata (…At) or memory addresses (…Ptr).
struct Pass {
    uint256 pos; // cursor
    uint256 updatesAt;
    uint256 updates; // U
    uint256 slotsPtr; // SLOT_BYTES a slot: nf1 nf2 cm1 cm2
    uint256 slotPtr; // the next one to open
    uint256 updateEnd; // where the slots of `update` end
    uint256 slotsEnd; // room for Σ used
    uint256 update; // the update that holds the last opened slot
    uint256 updateProver; // its account
    uint256 listPtr; // preimage of a challenge
    uint256 extPtr; // preimage of ext
    uint256 foldPtr;
    uint256 itemPtr; // next fold item
    uint256 withdrawalsPtr; // a chain, see Withdrawal.sol
    uint256 withdrawalsEnd;
    Tally transferFees;
    Tally updateFees;
    Tally aggregatorFees;
}

/// What the header counts.
struct Counts {
    uint256 proofs; // P
    uint256 items; // Q
    uint256 drops; // D
    uint256 anchors; // A
}

function readWord(uint256 pos) pure returns (uint256 word) {
    assembly ("memory-safe") {
        word := calldataload(pos)
    }
}

function readU16(uint256 pos) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := shr(240, calldataload(pos))
    }
}

library PassReader {
    /// Reads the header and the heads of the updates, and reserves the memory. `length` is that of the bytes.
    function open(uint256 length) internal view returns (Pass memory pass, Counts memory counts) {
        uint256 header = readWord(BODY) >> 184; // nine bytes
        if (header >> 56 != 0x0100) revert HeaderUnknown(header >> 64, (header >> 56) & 0xff);
        pass.updates = (header >> 48) & 0xff;
        counts.proofs = (header >> 32) & 0xffff;
        counts.items = (header >> 16) & 0xffff;
        counts.drops = (header >> 8) & 0xff;
        counts.anchors = header & 0xff;
        if (counts.anchors > MOST_ANCHORS) revert AnchorCount(counts.anchors);
        if (pass.updates == 0 || length < HEADER_BYTES + UPDATE_BYTES * pass.updates) {
            revert UpdateCount(pass.updates, length);
        }
        pass.updatesAt = BODY + length - UPDATE_BYTES * pass.updates;
        uint256 slots;
        for (uint256 i; i < pass.updates; ++i) slots += _checkUpdateHead(pass, i);
        pass.listPtr = Fingerprint.open();
        pass.extPtr = Record.openExt();
        pass.foldPtr = Fold.open(counts.proofs + pass.updates);
        pass.itemPtr = pass.foldPtr + Fold.HEADER;
        pass.slotsPtr = allocate(SLOT_BYTES * slots);
        pass.slotPtr = pass.slotsPtr;
        pass.slotsEnd = pass.slotsPtr + SLOT_BYTES * slots;
        _enterUpdate(pass, 0);
        pass.withdrawalsPtr = Withdrawal.open();
        pass.withdrawalsEnd = pass.withdrawalsPtr;
    }

    function _checkUpdateHead(Pass memory pass, uint256 i) private pure returns (uint256 used) {
        uint256 word = readWord(pass.updatesAt + UPDATE_BYTES * i);
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
        uint256 word = readWord(pass.updatesAt + UPDATE_BYTES * i);
        pass.update = i;
        pass.updateEnd = pass.slotPtr + SLOT_BYTES * ((word >> 232) & 0xff);
        pass.updateProver = (word << 24) >> 96;
    }

    /// The next slot, and with it, where one is full, the next update.
    function openSlot(Pass memory pass) internal pure returns (uint256 slot) {
        unchecked {
            slot = pass.slotPtr;
            if (slot == pass.updateEnd) nextUpdate(pass);
            pass.slotPtr = slot + SLOT_BYTES;
        }
    }

    function nextUpdate(Pass memory pass) internal pure {
        uint256 slot = pass.slotPtr;
        if (slot == pass.slotsEnd) revert SlotCount(slotsBefore(pass, slot), slotsBefore(pass, slot) + 1);
        _enterUpdate(pass, pass.update + 1);
    }

    /// Slots before the one at `slot`.
    function slotsBefore(Pass memory pass, uint256 slot) internal pure returns (uint256) {
        return (slot - pass.slotsPtr) / SLOT_BYTES;
    }
}
