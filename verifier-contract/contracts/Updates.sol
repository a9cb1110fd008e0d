// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SCALAR, NotInField} from "./Field.sol";
import {Circuits, SLOT_ELEMENTS, UPDATE_CONTEXT} from "./Circuits.sol";
import {Fingerprint} from "./Fingerprint.sol";
import {Fold} from "./Fold.sol";
import {Ledger} from "./Ledger.sol";
// solhint-disable-next-line no-unused-import
import {Pass, readWord, SLOT_BYTES, U_H, U_NOTE_ROOT, U_NULL_ROOT, U_PROOF, U_PROVER, UPDATE_BYTES} from "./Pass.sol";

// The updates of a settlement. Calldata gives only what each proof claims to reach; the list that it is checked against
// is written here, from the roots so far, the index, the prover and the slots.

/// Both trees are full.
error TreeFull(uint256 startIndex);

abstract contract Updates is Ledger {
    /// The roots and the leaf count after all updates; roots to be kept become known.
    function _takeUpdates(Pass memory pass) internal returns (uint256 note, uint256 nullifier, uint256 leaves) {
        note = noteRoot;
        nullifier = nullifierRoot;
        leaves = leafCount;
        uint256 slot = pass.slotsPtr;
        uint256 last = pass.updates - 1;
        for (uint256 i; i <= last; ++i) {
            uint256 pos = pass.updatesAt + UPDATE_BYTES * i;
            uint256 word = readWord(pos);
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
        newNote = readWord(pos + U_NOTE_ROOT);
        newNullifier = readWord(pos + U_NULL_ROOT);
        uint256 h = readWord(pos + U_H);
        if (newNote >= SCALAR) revert NotInField(newNote);
        if (newNullifier >= SCALAR) revert NotInField(newNullifier);
        if (h >= SCALAR) revert NotInField(h);
        uint256 id = readWord(pos) >> 248;
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
}
