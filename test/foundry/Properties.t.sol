// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {NotSettler, OverdueFirst} from "contracts/Settlement.sol";
import {TreeFull} from "contracts/Updates.sol";
import {IRollup} from "./support/IRollup.sol";
import {ForcedItem, Plan, TransferRecord, UpdatePlan} from "./support/Plan.sol";
import {Scene} from "./support/Scene.sol";

// Properties of verifier-contract/PROPERTIES.md that are best said one at a time; the ids stand in the names.

contract PropertiesTest is Scene {
    bytes private constant OK = "";

    /// A user whom the aggregator ignores gets in and out again, with a stranger's help at most.
    function test_P05_exitWithoutTheAggregator() external {
        uint256 commitment = deposit(1_000);
        TransferRecord memory r = freshRecord();
        (r.outValue, r.recipient) = (900, STRANGER);
        ForcedItem memory item = force(r);
        uint256[4][] memory slots = new uint256[4][](2);
        slots[0][2] = commitment;
        slots[1] = [r.nf1, r.nf2, r.cm1, r.cm2];
        Plan memory plan = queueOnly(2, slots);
        plan.forced = new ForcedItem[](1);
        plan.forced[0] = item;
        assertRefused(trySettle(CLIENT, pack(plan)), NotSettler.selector);
        vm.warp(block.timestamp + DELAY + 1);
        assertRefused(trySettle(CLIENT, pack(plan)), OK);
        assertEq(STRANGER.balance, 900, "withdrawn");
        assertEq(rollup.credits(REFUND, 0), BOND, "bond");
    }

    /// The aggregator has one right, to settle; whatever else it or anyone calls moves nobody's credit.
    function testFuzz_P05_noRoleTakesACredit(uint8 who, address to, bytes calldata junk) external {
        deposit(10_000);
        Plan memory plan = transfers(1);
        plan.transfers[0].records[0].fee = 1_000;
        plan.transfers[0].prover = FARM;
        settle(plan);
        uint256 credit = rollup.credits(FARM, 0);
        vm.assume(to != FARM);
        address[4] memory roles = [AGGREGATOR, UPDATER, STRANGER, address(this)];
        address caller = roles[who % 4];
        tryCall(caller, 0, abi.encodeCall(IRollup.claim, (FARM, 0, to)));
        tryCall(caller, 0, junk);
        trySettle(caller, junk);
        assertEq(rollup.credits(FARM, 0), credit, "credit");
        assertEq(address(rollup).balance, 10_000 - 1_000 + SLOT_FEE + 1_000, "held");
    }

    /// Not a second earlier than the delay, and no longer than the head is overdue.
    function testFuzz_P06_opensExactlyWhenPromised(uint32 wait, uint32 second) external {
        uint256 enqueued = block.timestamp;
        uint256[4][] memory slots = new uint256[4][](1);
        slots[0][2] = deposit(5);
        uint256 later = bound(second, 0, 2 * DELAY);
        vm.warp(enqueued + later);
        uint256 last = deposit(6);
        vm.warp(enqueued + later + bound(wait, 0, 3 * DELAY));
        bool open = block.timestamp > enqueued + DELAY;
        bool lastOverdue = block.timestamp > enqueued + later + DELAY;
        assertTrue(rollup.isOverdue() == open, "isOverdue");
        bytes memory data = pack(queueOnly(1, slots));
        bytes memory expected = abi.encodeWithSelector(NotSettler.selector, STRANGER);
        assertRefused(trySettle(STRANGER, data), open ? OK : expected);
        if (!open) assertRefused(trySettle(AGGREGATOR, data), OK);
        slots[0][2] = last;
        assertRefused(trySettle(STRANGER, pack(queueOnly(1, slots))), lastOverdue ? OK : expected);
    }

    /// The edges of that, by hand.
    function test_P06_edges() external {
        deposit(5);
        vm.warp(block.timestamp + DELAY);
        assertTrue(!rollup.isOverdue(), "exactly the delay");
        assertRefused(trySettle(AGGREGATOR, pack(transfers(2))), OK);
        vm.warp(block.timestamp + 1);
        assertTrue(rollup.isOverdue(), "one second more");
        bytes memory expected = abi.encodeWithSelector(OverdueFirst.selector, 0, 2);
        assertRefused(trySettle(AGGREGATOR, pack(transfers(2))), expected);
        assertRefused(trySettle(STRANGER, pack(transfers(2))), expected);
    }

    /// startIndex = 2N·ceil(leafCount / 2N), and the count ends there + 2N: for any count and any sizes.
    function testFuzz_P07_leafCount(uint40 count, uint256 sizes) external {
        uint256 expected = bound(count, 1, 1 << 32);
        setLeafCount(expected);
        Plan memory plan = transfers(9);
        plan.updates = new UpdatePlan[](2);
        if (sizes % 2 == 0) {
            (plan.updates[0], plan.updates[1]) = (updateOf(UPDATE_2, 1), updateOf(UPDATE_8, 8));
        } else {
            plan.updates = new UpdatePlan[](1);
            plan.updates[0] = updateOf(UPDATE_32, 9);
        }
        uint256 full;
        for (uint256 i; i < plan.updates.length; ++i) {
            uint256 batch = plan.updates[i].circuit == UPDATE_2 ? 4 : plan.updates[i].circuit == UPDATE_8 ? 16 : 64;
            if (expected % batch != 0) expected += batch - expected % batch;
            expected += batch;
            if (expected > 1 << 32 && full == 0) full = expected - batch;
        }
        bytes memory reason = trySettle(AGGREGATOR, pack(plan));
        if (full != 0) {
            assertRefused(reason, abi.encodeWithSelector(TreeFull.selector, full));
        } else {
            assertRefused(reason, OK);
            assertEq(rollup.leafCount(), expected, "leaf count");
        }
    }

    /// Whoever sends a settlement gets nothing for it.
    function test_P12_nothingForTheSender() external {
        uint256[4][] memory slots = new uint256[4][](1);
        slots[0][2] = deposit(5_000);
        Plan memory plan = transfers(1);
        plan.transfers[0].records[0].fee = 1_000;
        (plan.items, plan.queueSlots, plan.updates[0].used) = (1, slots, 2);
        vm.warp(block.timestamp + DELAY + 1);
        uint256 before = STRANGER.balance;
        assertRefused(trySettle(STRANGER, pack(plan)), OK);
        assertEq(rollup.credits(STRANGER, 0), 0, "credit");
        assertEq(STRANGER.balance, before, "balance");
        assertEq(rollup.credits(UPDATER, 0) + rollup.credits(AGGREGATOR, 0), SLOT_FEE + 1_000, "those it names");
    }
}
