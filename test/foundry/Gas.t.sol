// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRollup} from "./support/IRollup.sol";
import {Opening} from "./support/Opening.sol";
import {DropPlan, ForcedItem, Plan, TransferPlan, TransferRecord} from "./support/Plan.sol";
import {Scene} from "./support/Scene.sol";

// Gas of every call as a transaction of its own (isolated: calldata and cold storage counted). The figures are
// committed in gas.json; a difference fails (gas.ts). Source of the figures in documents is `npm run bench -- gas`.

/// forge-config: default.isolate = true
/// forge-config: long.isolate = true
contract GasTest is Scene {
    /// Calls, demands success, and notes the gas.
    function measure(string memory name, address caller, uint256 value, bytes memory call) private {
        vm.prank(caller, caller);
        (bool ok, bytes memory reason) = address(rollup).call{value: value}(call);
        vm.snapshotGasLastCall("rollup", name);
        assertTrue(ok, "refused");
        assertEq(reason.length % 32, 0, "answer");
    }

    function measureSettle(string memory name, Plan memory plan) private {
        measure(name, AGGREGATOR, 0, abi.encodeCall(IRollup.settle, (pack(plan))));
    }

    function test_deposit() external {
        bytes memory call = abi.encodeCall(IRollup.deposit, (0, 1 ether, 7, bytes32(uint256(1)), bytes32(uint256(2))));
        deposit(1);
        measure("deposit", CLIENT, SLOT_FEE + 1 ether, call);
    }

    function test_depositToken() external {
        address token = adversary("SilentToken", "");
        rollup.registerAsset(token);
        (bool minted,) = token.call(abi.encodeWithSignature("mint(address,uint256)", CLIENT, 10));
        assertTrue(minted, "minted");
        depositOf(1, 5, 7);
        bytes memory call = abi.encodeCall(IRollup.deposit, (1, 4, 7, bytes32(uint256(1)), bytes32(uint256(2))));
        measure("deposit token", CLIENT, SLOT_FEE, call);
    }

    function test_force() external {
        ForcedItem memory item = ForcedItem(freshRecord(), FARM, REFUND);
        measure("force", CLIENT, SLOT_FEE + BOND, forceData(item, rollup.noteRoot()));
    }

    function test_drop() external {
        ForcedItem memory item = force(freshRecord());
        Opening memory opening = settleOpening(item.record.nf1, 77);
        measure("drop", STRANGER, 0, dropData(0, item, false, opening));
    }

    function test_claim() external {
        deposit(1_000);
        Plan memory plan = transfers(1);
        plan.transfers[0].records[0].fee = 1_000;
        settle(plan);
        measure("claim", STRANGER, 0, abi.encodeCall(IRollup.claim, (UPDATER, 0, UPDATER)));
    }

    function test_settle1() external {
        settle(transfers(1));
        measureSettle("settle 1 transfer", transfers(1));
    }

    function test_settle8() external {
        settle(transfers(1));
        measureSettle("settle 8 transfers", transfers(8));
    }

    function test_settle16() external {
        settle(transfers(1));
        Plan memory plan = transfers(16);
        plan.updates[0] = updateOf(UPDATE_32, 16);
        measureSettle("settle 16 transfers", plan);
    }

    /// Two proofs of eight transfers each, as a farm makes them, each transfer with a fee.
    function test_settle16OfTheFarm() external {
        settle(transfers(1));
        Plan memory plan = transfers(2);
        for (uint256 i; i < 2; ++i) {
            TransferPlan memory t = plan.transfers[i];
            (t.circuit, t.prover, t.records) = (TRANSFER_8, FARM, new TransferRecord[](8));
            for (uint256 k; k < 8; ++k) {
                t.records[k] = freshRecord();
                t.records[k].fee = 1e15;
            }
        }
        plan.updates[0] = updateOf(UPDATE_32, 16);
        measureSettle("settle 16 farm-proved transfers with fees", plan);
    }

    function test_settleWithdrawal() external {
        deposit(1_000);
        settle(transfers(1));
        Plan memory plan = transfers(1);
        plan.transfers[0].records[0].outValue = 700;
        plan.transfers[0].records[0].recipient = STRANGER;
        measureSettle("settle 1 withdrawal", plan);
    }

    function test_settleQueue() external {
        settle(transfers(1));
        uint256[4][] memory slots = new uint256[4][](3);
        for (uint256 i; i < 4; ++i) slots[i / 2][2 + i % 2] = deposit(5);
        ForcedItem[] memory forced = new ForcedItem[](2);
        forced[0] = force(freshRecord());
        TransferRecord memory loser = freshRecord();
        loser.nf2 = forced[0].record.nf1;
        forced[1] = force(loser);
        (slots[2][0], slots[2][1]) = (forced[0].record.nf1, forced[0].record.nf2);
        (slots[2][2], slots[2][3]) = (forced[0].record.cm1, forced[0].record.cm2);
        Plan memory plan = queueOnly(6, slots);
        plan.forced = forced;
        plan.drops = new DropPlan[](1);
        plan.drops[0] = DropPlan(5, 4);
        measureSettle("settle 4 deposits, 1 forced, 1 dropped", plan);
    }
}
