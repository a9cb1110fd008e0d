// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SCALAR, NotInField} from "./Field.sol";
import {Circuits, RECORD_ELEMENTS, TRANSFER_CONTEXT} from "./Circuits.sol";
import {Effects} from "./Effects.sol";
import {Fingerprint} from "./Fingerprint.sol";
import {Fold} from "./Fold.sol";
import {Ledger} from "./Ledger.sol";
import {
    BODY,
    FlagsUnknown,
    Pass,
    PassReader,
    ProverMissing,
    readWord,
    SlotCount,
    U_NOTE_ROOT,
    UPDATE_BYTES
} from "./Pass.sol";
import {AnchorUnknown} from "./Queue.sol";
import {Record} from "./Record.sol";

// The transfer proofs of a settlement and their records.

/// Anchors are not strictly ascending.
error AnchorOrder(uint256 index);
/// A bit is missing for each anchor that no proof uses.
error AnchorUnused(uint256 usedMask);
/// The reference names neither an anchor of the table nor an earlier update.
error AnchorReference(uint256 anchorRef, uint256 update);
/// The transfers end elsewhere than the updates begin.
error LengthMismatch(uint256 expected, uint256 got);

abstract contract Transfers is Ledger, Effects {
    using PassReader for Pass;

    /// Reads `proofs` transfer proofs at the cursor. They end where the updates begin, and fill the slots exactly.
    function _takeTransfers(Pass memory pass, uint256 proofs, uint256 anchorsAt, uint256 anchors) internal {
        _requireAnchors(anchorsAt, anchors);
        uint256 usedMask;
        for (uint256 i; i < proofs; ++i) usedMask |= _takeTransfer(pass, anchorsAt, anchors);
        if (usedMask != (1 << anchors) - 1) revert AnchorUnused(usedMask);
        if (pass.pos != pass.updatesAt) revert LengthMismatch(pass.updatesAt - BODY, pass.pos - BODY);
        if (pass.slotPtr != pass.slotsEnd) revert SlotCount(pass.slotsBefore(pass.slotsEnd), pass.slotsBefore(pass.slotPtr));
    }

    function _requireAnchors(uint256 anchorsAt, uint256 anchors) private view {
        uint256 last;
        for (uint256 i; i < anchors; ++i) {
            uint256 root = readWord(anchorsAt + 32 * i);
            if (root <= last) revert AnchorOrder(i);
            if (!isKnownRoot[root]) revert AnchorUnknown(root);
            last = root;
        }
    }

    /// One proof and its K records. Returns the bit of the anchor used.
    function _takeTransfer(Pass memory pass, uint256 anchorsAt, uint256 anchors) private returns (uint256 usedBit) {
        unchecked {
            uint256 pos = pass.pos;
            uint256 head = readWord(pos);
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
            uint256 h = readWord(pos);
            if (h >= SCALAR) revert NotInField(h);
            uint256 proofAt = pos + 32;
            uint256 x = pass.listPtr + Fingerprint.LIST_OFFSET;
            assembly ("memory-safe") {
                mstore(x, anchor)
                mstore(add(x, 32), prover)
            }
            x += 64;
            pos = proofAt + Fold.PROOF;
            for (uint256 k; k < size; ++k) {
                address recipient;
                (pos, recipient) = Record.read(pos, x, pass.extPtr);
                _takeRecord(pass, x, recipient, prover);
                x += Record.ELEMENT_BYTES;
            }
            pass.pos = pos;
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
        if (ref < anchors) return (readWord(anchorsAt + 32 * ref), 1 << ref);
        // the update of the proof's first record
        uint256 next = pass.slotPtr == pass.updateEnd ? pass.update + 1 : pass.update;
        uint256 earlier = ref & 0x7f;
        if (ref < 0x80 || earlier >= next) revert AnchorReference(ref, next);
        return (readWord(pass.updatesAt + UPDATE_BYTES * earlier + U_NOTE_ROOT), 0);
    }
}
