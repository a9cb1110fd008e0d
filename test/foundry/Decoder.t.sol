// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {NotATransferCircuit, NotAnUpdateCircuit} from "contracts/Circuits.sol";
import {NotInField, SCALAR} from "contracts/Field.sol";
import {
    AnchorCount,
    FlagsUnknown,
    HeaderUnknown,
    ProverMissing,
    SlotCount,
    SlotsUsed,
    UpdateCount
} from "contracts/Pass.sol";
import {AnchorUnknown} from "contracts/Queue.sol";
import {CalldataShape, NotSettler, NotTopLevel, OverdueFirst} from "contracts/Settlement.sol";
import {AnchorOrder, AnchorReference, AnchorUnused, LengthMismatch} from "contracts/Transfers.sol";
import {TreeFull} from "contracts/Updates.sol";
import {Patch} from "./support/Patch.sol";
import {Plan, UpdatePlan} from "./support/Plan.sol";
import {Scene} from "./support/Scene.sol";
import {IRollup} from "./support/IRollup.sol";

// Every refusal of settle's header, transfers, updates and wrapping; the records themselves are in Records.t.sol.
// Names: test_<file>_<error>_<what>, as revertBranches.ts counts them.

contract DecoderTest is Scene {
    using Patch for bytes;

    // Offsets in a settlement of one private transfer with one anchor.
    uint256 private constant ANCHOR = 9;
    uint256 private constant TRANSFER = 41;
    uint256 private constant UPDATE = 555;
    uint256 private constant LENGTH = 930;

    bytes private honest;

    function setUp() public override {
        super.setUp();
        honest = pack(transfers(1));
    }

    function refused(bytes memory data, bytes memory expected) private {
        assertRefused(trySettle(AGGREGATOR, data), expected);
    }

    function test_honest() external {
        assertEq(honest.length, LENGTH, "length");
        assertRefused(trySettle(AGGREGATOR, honest), bytes(""));
    }

    // ── Settlement.sol

    function test_Settlement_NotTopLevel_contractInBetween() external {
        vm.prank(address(this), AGGREGATOR);
        (bool ok, bytes memory reason) = address(rollup).call(abi.encodeCall(IRollup.settle, (honest)));
        assertTrue(!ok, "settled");
        assertRefused(reason, abi.encodeWithSelector(NotTopLevel.selector, address(this)));
    }

    function test_Settlement_NotTopLevel_callerWithCode() external {
        vm.etch(AGGREGATOR, hex"00");
        refused(honest, abi.encodeWithSelector(NotTopLevel.selector, AGGREGATOR));
    }

    function test_Settlement_NotSettler() external {
        assertRefused(trySettle(STRANGER, honest), abi.encodeWithSelector(NotSettler.selector, STRANGER));
    }

    function test_Settlement_CalldataShape() external {
        bytes memory call = abi.encodeCall(IRollup.settle, (honest));
        bytes[4] memory spoilt = [
            call.over(4, abi.encode(64)).into(36, new bytes(32)), // the same bytes behind another offset
            bytes.concat(call, hex"00"),
            call.over(call.length - 1, hex"01"), // the last byte is padding
            bytes.concat(call, new bytes(32))
        ];
        for (uint256 i; i < 4; ++i) assertRefused(tryCall(AGGREGATOR, 0, spoilt[i]), CalldataShape.selector);
        assertTrue(tryCall(AGGREGATOR, 0, call).length == 0, "honest");
    }

    function test_Settlement_OverdueFirst() external {
        deposit(1);
        deposit(1);
        vm.warp(block.timestamp + DELAY + 1);
        refused(honest, abi.encodeWithSelector(OverdueFirst.selector, 0, 1));
    }

    // ── Pass.sol

    function test_Pass_HeaderUnknown() external {
        refused(honest.over(0, hex"00"), abi.encodeWithSelector(HeaderUnknown.selector, 0, 0));
        refused(honest.over(0, hex"02"), abi.encodeWithSelector(HeaderUnknown.selector, 2, 0));
        refused(honest.over(1, hex"01"), abi.encodeWithSelector(HeaderUnknown.selector, 1, 1));
        refused("", abi.encodeWithSelector(HeaderUnknown.selector, 0, 0));
    }

    function test_Pass_AnchorCount() external {
        refused(honest.over(8, hex"80"), abi.encodeWithSelector(AnchorCount.selector, 128));
    }

    function test_Pass_UpdateCount() external {
        refused(honest.over(2, hex"00"), abi.encodeWithSelector(UpdateCount.selector, 0, LENGTH));
        refused(honest.over(2, hex"03"), abi.encodeWithSelector(UpdateCount.selector, 3, LENGTH));
    }

    function test_Pass_FlagsUnknown() external {
        refused(honest.over(UPDATE + 1, hex"02"), abi.encodeWithSelector(FlagsUnknown.selector, 2));
        refused(honest.over(UPDATE + 1, hex"01"), abi.encodeWithSelector(FlagsUnknown.selector, 1)); // keep, on the last
    }

    function test_Pass_SlotsUsed() external {
        refused(honest.over(UPDATE + 2, hex"00"), abi.encodeWithSelector(SlotsUsed.selector, 0, 0, 1, 8));
        refused(honest.over(UPDATE + 2, hex"09"), abi.encodeWithSelector(SlotsUsed.selector, 0, 9, 1, 8));
        refused(honest.over(UPDATE, hex"050008"), abi.encodeWithSelector(SlotsUsed.selector, 0, 8, 9, 32));
    }

    function test_Pass_ProverMissing() external {
        refused(honest.over(UPDATE + 3, new bytes(20)), abi.encodeWithSelector(ProverMissing.selector));
    }

    function test_Pass_SlotCount_moreRecordsThanRoom() external {
        bytes memory data = pack(transfers(2));
        refused(data.over(data.length - 375 + 2, hex"01"), abi.encodeWithSelector(SlotCount.selector, 1, 2));
    }

    // ── Circuits.sol

    function test_Circuits_NotATransferCircuit() external {
        for (uint8 id; id < 8; ++id) {
            if (id == TRANSFER_1 || id == TRANSFER_8) continue;
            refused(
                honest.over(TRANSFER, abi.encodePacked(id)), abi.encodeWithSelector(NotATransferCircuit.selector, id)
            );
        }
    }

    function test_Circuits_NotAnUpdateCircuit() external {
        for (uint8 id; id < 8; ++id) {
            if (id >= UPDATE_2 && id <= UPDATE_32) continue;
            refused(honest.over(UPDATE, abi.encodePacked(id)), abi.encodeWithSelector(NotAnUpdateCircuit.selector, id));
        }
    }

    // ── Transfers.sol

    function test_Transfers_AnchorOrder() external {
        Plan memory plan = transfers(2);
        uint256 known = plan.anchors[0];
        plan.anchors = new uint256[](2);
        (plan.anchors[0], plan.anchors[1]) = (known, known);
        plan.transfers[1].anchorRef = 1;
        refused(pack(plan), abi.encodeWithSelector(AnchorOrder.selector, 1));
        refused(honest.over(ANCHOR, new bytes(32)), abi.encodeWithSelector(AnchorOrder.selector, 0)); // the root 0
    }

    function test_Transfers_AnchorUnknown() external {
        Plan memory plan = transfers(1);
        plan.anchors[0] = 5;
        refused(pack(plan), abi.encodeWithSelector(AnchorUnknown.selector, 5));
    }

    function test_Transfers_AnchorUnused() external {
        uint256 genesis = rollup.noteRoot();
        settle(transfers(1));
        Plan memory plan = transfers(1);
        uint256 known = plan.anchors[0];
        plan.anchors = new uint256[](2);
        (plan.anchors[0], plan.anchors[1]) = genesis < known ? (genesis, known) : (known, genesis);
        refused(pack(plan), abi.encodeWithSelector(AnchorUnused.selector, 1));
    }

    function test_Transfers_AnchorReference() external {
        refused(honest.over(TRANSFER + 2, hex"01"), abi.encodeWithSelector(AnchorReference.selector, 1, 0));
        refused(honest.over(TRANSFER + 2, hex"80"), abi.encodeWithSelector(AnchorReference.selector, 0x80, 0));
        refused(honest.over(TRANSFER + 2, hex"ff"), abi.encodeWithSelector(AnchorReference.selector, 0xff, 0));
    }

    /// The proof whose first record opens an update may stand on the update before, not on its own.
    function test_Transfers_AnchorReference_ownUpdate() external {
        Plan memory plan = transfers(2);
        UpdatePlan[] memory updates = new UpdatePlan[](2);
        (updates[0], updates[1]) = (updateOf(UPDATE_2, 1), updateOf(UPDATE_2, 1));
        plan.updates = updates;
        plan.transfers[1].anchorRef = 0x81;
        refused(pack(plan), abi.encodeWithSelector(AnchorReference.selector, 0x81, 1));
        plan.transfers[1].anchorRef = 0x80;
        refused(pack(plan), bytes(""));
    }

    function test_Transfers_FlagsUnknown() external {
        refused(honest.over(TRANSFER + 1, hex"02"), abi.encodeWithSelector(FlagsUnknown.selector, 2));
    }

    function test_Transfers_ProverMissing() external {
        bytes memory data = honest.over(TRANSFER + 1, hex"01").into(TRANSFER + 3, new bytes(20));
        refused(data, abi.encodeWithSelector(ProverMissing.selector));
    }

    function test_Transfers_NotInField_h() external {
        refused(honest.over(TRANSFER + 3, abi.encode(SCALAR)), abi.encodeWithSelector(NotInField.selector, SCALAR));
    }

    function test_Transfers_LengthMismatch() external {
        refused(
            honest.into(UPDATE, hex"00"), abi.encodeWithSelector(LengthMismatch.selector, UPDATE + 1, UPDATE)
        );
        refused(
            honest.without(UPDATE - 1, 1), abi.encodeWithSelector(LengthMismatch.selector, UPDATE - 1, UPDATE)
        );
    }

    function test_Transfers_SlotCount_roomLeftOver() external {
        refused(honest.over(UPDATE + 2, hex"02"), abi.encodeWithSelector(SlotCount.selector, 2, 1));
    }

    // ── Updates.sol

    function test_Updates_NotInField_h() external {
        updateField(23);
    }

    function test_Updates_NotInField_noteRoot() external {
        updateField(311);
    }

    function test_Updates_NotInField_nullifierRoot() external {
        updateField(343);
    }

    function updateField(uint256 offset) private {
        refused(
            honest.over(UPDATE + offset, abi.encode(SCALAR)), abi.encodeWithSelector(NotInField.selector, SCALAR)
        );
    }

    function test_Updates_TreeFull() external {
        uint256 start = (1 << 32) - 16;
        setLeafCount(start - 15);
        honest = pack(transfers(1));
        refused(honest, bytes(""));
        assertEq(rollup.leafCount(), 1 << 32, "full");
        refused(pack(transfers(1)), abi.encodeWithSelector(TreeFull.selector, 1 << 32));
        setLeafCount(start + 1);
        refused(pack(transfers(1)), abi.encodeWithSelector(TreeFull.selector, 1 << 32));
    }
}
