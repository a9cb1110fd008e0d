// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AssetUnknown, WrongPayment} from "contracts/Assets.sol";
import {NotInField, SCALAR} from "contracts/Field.sol";
import {FoldInvalid} from "contracts/Fold.sol";
import {LeafIndex, OpeningWrong, PoseidonCall} from "contracts/Poseidon.sol";
import {
    AnchorUnknown,
    DepositValue,
    ForcedLength,
    ForcedMismatch,
    ForcedTwice,
    NotDroppable,
    RefundToNobody
} from "contracts/Queue.sol";
import {DropNotFirst, DropReference, DropWithoutConflict, QueueTooShort} from "contracts/QueueSlots.sol";
import {TAG_FORCED, TAG_RECORD} from "contracts/Tags.sol";
import {IRollup} from "./support/IRollup.sol";
import {Opening} from "./support/Opening.sol";
import {Pack} from "./support/Pack.sol";
import {Patch} from "./support/Patch.sol";
import {DropPlan, ForcedItem, Plan, TransferRecord} from "./support/Plan.sol";
import {Scene} from "./support/Scene.sol";

// Every refusal of the queue: deposits, forced transfers, drops, and queue items within a settlement.

contract QueueTest is Scene {
    using Patch for bytes;

    bytes private constant OK = "";
    uint256 private constant PRICE = SLOT_FEE + BOND;

    // ── Queue.sol: deposits and forcing

    function test_Queue_DepositValue() external {
        uint256[3] memory bad = [uint256(0), 1 << 128, type(uint256).max];
        for (uint256 i; i < 3; ++i) {
            bytes memory call = abi.encodeCall(IRollup.deposit, (0, bad[i], 7, bytes32(0), bytes32(0)));
            assertRefused(tryCall(CLIENT, SLOT_FEE, call), abi.encodeWithSelector(DepositValue.selector, bad[i]));
        }
    }

    function test_Field_NotInField_owner() external {
        bytes memory call = abi.encodeCall(IRollup.deposit, (0, 1, SCALAR, bytes32(0), bytes32(0)));
        assertRefused(tryCall(CLIENT, SLOT_FEE + 1, call), abi.encodeWithSelector(NotInField.selector, SCALAR));
    }

    function test_Queue_ForcedTwice() external {
        ForcedItem memory item = force(freshRecord());
        item.refund = STRANGER;
        bytes32 name = keccak256(
            abi.encodePacked(
                TAG_RECORD, block.chainid, uint256(uint160(address(rollup))), Pack.record(item.record)
            )
        );
        bytes memory expected = abi.encodeWithSelector(ForcedTwice.selector, name);
        assertRefused(tryCall(CLIENT, PRICE, forceData(item, rollup.noteRoot())), expected);
        ForcedItem[] memory forced = new ForcedItem[](1);
        (forced[0], item.refund) = (ForcedItem(item.record, item.prover, REFUND), STRANGER);
        settle(forcedOnly(forced, new DropPlan[](0)));
        assertRefused(tryCall(CLIENT, PRICE, forceData(item, rollup.noteRoot())), expected); // included: for ever
    }

    function test_Queue_AnchorUnknown() external {
        ForcedItem memory item = ForcedItem(freshRecord(), FARM, REFUND);
        assertRefused(tryCall(CLIENT, PRICE, forceData(item, 5)), abi.encodeWithSelector(AnchorUnknown.selector, 5));
    }

    function test_Queue_RefundToNobody() external {
        ForcedItem memory item = ForcedItem(freshRecord(), FARM, address(0));
        bytes memory call = forceData(item, rollup.noteRoot());
        assertRefused(tryCall(CLIENT, PRICE, call), abi.encodeWithSelector(RefundToNobody.selector));
    }

    function test_Queue_ForcedLength_proof() external {
        bytes memory call = abi.encodeCall(
            IRollup.force, (Pack.record(freshRecord()), FARM, REFUND, rollup.noteRoot(), 1, new bytes(255))
        );
        assertRefused(tryCall(CLIENT, PRICE, call), abi.encodeWithSelector(ForcedLength.selector, 256, 255));
    }

    function test_Queue_ForcedLength_record() external {
        bytes memory record = Pack.record(freshRecord());
        uint256 root = rollup.noteRoot();
        bytes memory proof = new bytes(256);
        bytes memory call = abi.encodeCall(
            IRollup.force, (bytes.concat(record, hex"00"), FARM, REFUND, root, 1, proof)
        );
        assertRefused(tryCall(CLIENT, PRICE, call), abi.encodeWithSelector(ForcedLength.selector, 223, 224));
        call = abi.encodeCall(IRollup.force, (record.part(0, 222), FARM, REFUND, root, 1, proof));
        assertRefused(tryCall(CLIENT, PRICE, call), abi.encodeWithSelector(ForcedLength.selector, 223, 222));
    }

    function test_Assets_WrongPayment_force() external {
        bytes memory call = forceData(ForcedItem(freshRecord(), FARM, REFUND), rollup.noteRoot());
        for (uint256 k; k < 2; ++k) {
            uint256 value = PRICE - 1 + 2 * k;
            assertRefused(
                tryCall(CLIENT, value, call), abi.encodeWithSelector(WrongPayment.selector, PRICE, value)
            );
        }
    }

    function test_Fold_FoldInvalid_forcedProofOfAnotherRefundOrRecord() external {
        ForcedItem memory item = ForcedItem(freshRecord(), FARM, REFUND);
        bytes memory honest = forceData(item, rollup.noteRoot());
        bytes memory prover = abi.encode(STRANGER);
        // arguments: record offset, prover, refund, anchor, h, proof offset
        assertRefused(tryCall(CLIENT, PRICE, honest.over(4 + 32, prover)), FoldInvalid.selector);
        assertRefused(tryCall(CLIENT, PRICE, honest.over(4 + 128, abi.encode(1))), FoldInvalid.selector);
        assertRefused(tryCall(CLIENT, PRICE, honest), OK);
    }

    // ── Queue.sol, Poseidon.sol: drop

    function spent() private returns (ForcedItem memory item, Opening memory opening) {
        item = force(freshRecord());
        opening = settleOpening(item.record.nf1, 0x1b1b1b1b);
    }

    function test_drop_honest() external {
        (ForcedItem memory item, Opening memory opening) = spent();
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, false, opening)), OK);
        assertEq(rollup.credits(STRANGER, 0), DROP_REWARD, "reward");
        assertEq(rollup.credits(REFUND, 0), BOND - DROP_REWARD, "refund");
        item = force(freshRecord());
        opening = settleOpening(item.record.nf2, (1 << 32) - 1);
        assertRefused(tryCall(STRANGER, 0, dropData(1, item, true, opening)), OK);
    }

    function test_Queue_NotDroppable() external {
        (ForcedItem memory item, Opening memory opening) = spent();
        deposit(1);
        bytes memory expected = abi.encodeWithSelector(NotDroppable.selector, 1);
        assertRefused(tryCall(STRANGER, 0, dropData(1, item, false, opening)), expected); // a deposit
        expected = abi.encodeWithSelector(NotDroppable.selector, 2);
        assertRefused(tryCall(STRANGER, 0, dropData(2, item, false, opening)), expected); // not queued yet
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, false, opening)), OK);
        expected = abi.encodeWithSelector(NotDroppable.selector, 0);
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, false, opening)), expected); // dropped already
    }

    function test_Queue_ForcedMismatch() external {
        (ForcedItem memory item, Opening memory opening) = spent();
        item.refund = STRANGER;
        bytes memory reason = tryCall(STRANGER, 0, dropData(0, item, false, opening));
        assertRefused(reason, ForcedMismatch.selector);
    }

    function test_Poseidon_LeafIndex() external {
        (ForcedItem memory item, Opening memory opening) = spent();
        opening.leafIndex += 1 << 32;
        bytes memory expected = abi.encodeWithSelector(LeafIndex.selector, opening.leafIndex);
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, false, opening)), expected);
    }

    function test_Poseidon_OpeningWrong() external {
        (ForcedItem memory item, Opening memory opening) = spent();
        bytes4 wrong = OpeningWrong.selector;
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, true, opening)), wrong); // the other nullifier
        opening.next += 1;
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, false, opening)), wrong);
        opening.next -= 1;
        opening.leafIndex ^= 1 << 31;
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, false, opening)), wrong);
        opening.leafIndex ^= 1 << 31;
        opening.siblings[15][2] += 1;
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, false, opening)), wrong);
    }

    function test_Field_NotInField_openingPlusModulus() external {
        (ForcedItem memory item, Opening memory opening) = spent();
        opening.siblings[3][1] += SCALAR;
        bytes memory expected = abi.encodeWithSelector(NotInField.selector, opening.siblings[3][1]);
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, false, opening)), expected);
        opening.siblings[3][1] -= SCALAR;
        opening.next += SCALAR;
        expected = abi.encodeWithSelector(NotInField.selector, opening.next);
        assertRefused(tryCall(STRANGER, 0, dropData(0, item, false, opening)), expected);
    }

    /// At whatever gas: refused whole, or done. The Poseidon contracts, their code pinned, fail for want of gas alone.
    function test_Poseidon_PoseidonCall_deposit() external {
        bytes memory call = abi.encodeCall(IRollup.deposit, (0, 1, 7, bytes32(0), bytes32(0)));
        starved(CLIENT, SLOT_FEE + 1, call, abi.encodeWithSelector(PoseidonCall.selector, 3), 30_000, 200);
    }

    function test_Poseidon_PoseidonCall_leaf() external {
        (ForcedItem memory item, Opening memory opening) = spent();
        bytes memory call = dropData(0, item, false, opening);
        starved(STRANGER, 0, call, abi.encodeWithSelector(PoseidonCall.selector, 2), 20_000, 200);
    }

    function test_Poseidon_PoseidonCall_node() external {
        (ForcedItem memory item, Opening memory opening) = spent();
        bytes memory call = dropData(0, item, false, opening);
        starved(STRANGER, 0, call, abi.encodeWithSelector(PoseidonCall.selector, 4), 60_000, 2_000);
    }

    /// Raises the gas step by step until the call ends in `expected`; on the way it must never succeed.
    function starved(
        address caller,
        uint256 value,
        bytes memory call,
        bytes memory expected,
        uint256 gas_,
        uint256 step
    ) private {
        uint256 tail = rollup.queueTail();
        for (uint256 i; i < 400; ++i) {
            vm.prank(caller, caller);
            (bool ok, bytes memory reason) = address(rollup).call{value: value, gas: gas_ + i * step}(call);
            assertTrue(!ok && rollup.queueTail() == tail, "half done");
            if (keccak256(reason) == keccak256(expected)) return;
        }
        assertTrue(false, "never starved there");
    }

    // ── QueueSlots.sol

    function test_QueueSlots_QueueTooShort() external {
        bytes memory data = pack(transfers(1)).over(5, hex"0001");
        assertRefused(trySettle(AGGREGATOR, data), abi.encodeWithSelector(QueueTooShort.selector, 1, 0));
    }

    function test_QueueSlots_ForcedMismatch() external {
        ForcedItem[] memory forced = new ForcedItem[](1);
        forced[0] = force(freshRecord());
        forced[0].prover = STRANGER;
        bytes memory reason = trySettle(AGGREGATOR, pack(forcedOnly(forced, new DropPlan[](0))));
        assertRefused(reason, ForcedMismatch.selector);
    }

    /// Items 0 and 1 stand alone; 2 shares a nullifier with both; 3 shares one with 2 alone.
    function conflicts() private returns (ForcedItem[] memory forced) {
        forced = new ForcedItem[](4);
        forced[0] = force(freshRecord());
        forced[1] = force(freshRecord());
        TransferRecord memory r = freshRecord();
        (r.nf1, r.nf2) = (forced[1].record.nf2, forced[0].record.nf1);
        forced[2] = force(r);
        TransferRecord memory last = freshRecord();
        last.nf2 = r.nf1 ^ 2;
        forced[3] = force(last);
    }

    function dropping(ForcedItem[] memory forced, uint16 item, uint16 by) private returns (bytes memory) {
        DropPlan[] memory drops = new DropPlan[](1);
        drops[0] = DropPlan(item, by);
        return trySettle(AGGREGATOR, pack(forcedOnly(forced, drops)));
    }

    function test_QueueSlots_DropReference_notBefore() external {
        ForcedItem[] memory forced = conflicts();
        assertRefused(dropping(forced, 2, 2), abi.encodeWithSelector(DropReference.selector, 2, 2));
        assertRefused(dropping(forced, 2, 3), abi.encodeWithSelector(DropReference.selector, 2, 3));
    }

    function test_QueueSlots_DropReference_byADroppedItem() external {
        ForcedItem[] memory forced = conflicts();
        DropPlan[] memory drops = new DropPlan[](2);
        (drops[0], drops[1]) = (DropPlan(2, 0), DropPlan(3, 2));
        bytes memory reason = trySettle(AGGREGATOR, pack(forcedOnly(forced, drops)));
        assertRefused(reason, abi.encodeWithSelector(DropReference.selector, 3, 2));
    }

    function test_QueueSlots_DropReference_ofADeposit() external {
        uint256 commitment = deposit(1);
        uint256[4][] memory slots = new uint256[4][](1);
        slots[0][2] = commitment;
        Plan memory plan = queueOnly(1, slots);
        plan.drops = new DropPlan[](1);
        bytes memory reason = trySettle(AGGREGATOR, pack(plan));
        assertRefused(reason, abi.encodeWithSelector(DropReference.selector, 0, 0));
    }

    function test_QueueSlots_DropWithoutConflict() external {
        bytes memory expected = abi.encodeWithSelector(DropWithoutConflict.selector, 1, 0);
        assertRefused(dropping(conflicts(), 1, 0), expected);
    }

    function test_QueueSlots_DropNotFirst() external {
        ForcedItem[] memory forced = conflicts();
        assertRefused(dropping(forced, 2, 1), abi.encodeWithSelector(DropNotFirst.selector, 2, 1, 0));
        assertRefused(dropping(forced, 2, 0), OK);
        assertEq(rollup.credits(UPDATER, 0), 4 * SLOT_FEE + DROP_REWARD, "updater");
        assertEq(rollup.credits(REFUND, 0), 4 * BOND - DROP_REWARD, "refund");
    }

    function test_Assets_AssetUnknown() external {
        bytes memory call = abi.encodeCall(IRollup.deposit, (1, 5, 7, bytes32(0), bytes32(0)));
        assertRefused(tryCall(CLIENT, SLOT_FEE, call), abi.encodeWithSelector(AssetUnknown.selector, 1));
    }

    function test_TAG_FORCED_isWhatIsStored() external {
        ForcedItem memory item = force(freshRecord());
        (,, bytes32 word) = rollup.queueItem(0);
        bytes memory preimage = abi.encodePacked(TAG_FORCED, Pack.record(item.record), item.prover, item.refund);
        assertEq(uint256(word), uint256(keccak256(preimage)), "word");
    }
}
