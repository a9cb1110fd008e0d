// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// A settlement as a test thinks of it, before it is proven and packed.

/// A transfer's public record.
struct TransferRecord {
    uint256 nf1;
    uint256 nf2;
    uint256 cm1;
    uint256 cm2;
    uint32 outAsset;
    uint128 outValue;
    address recipient;
    uint32 feeAsset;
    uint96 fee;
    bytes32 ephemeral;
    bytes32 ciphertext1;
    bytes32 ciphertext2;
}

struct ForcedItem {
    TransferRecord record;
    address prover;
    address refund;
}

struct TransferPlan {
    uint8 circuit;
    uint8 anchorRef; // index into Plan.anchors, or 0x80 + update
    address prover;
    TransferRecord[] records;
}

struct UpdatePlan {
    uint8 circuit;
    bool keepRoot;
    uint8 used;
    address prover;
    uint256 noteRoot;
    uint256 nullRoot;
}

struct DropPlan {
    uint16 item;
    uint16 by;
}

struct Plan {
    uint256[] anchors;
    uint16 items;
    DropPlan[] drops;
    ForcedItem[] forced; // one for each forced item of the queue, dropped here or not
    uint256[4][] queueSlots; // what the queue items fill
    TransferPlan[] transfers;
    UpdatePlan[] updates;
}

/// The contract's state before the settlement.
struct Base {
    uint256 noteRoot;
    uint256 nullRoot;
    uint256 leafCount;
}
