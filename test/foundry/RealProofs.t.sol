// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {NotSettler} from "contracts/Settlement.sol";
import {Dice, Dices} from "./support/Dice.sol";
import {IRollup, Settings} from "./support/IRollup.sol";
import {Scene} from "./support/Scene.sol";

// Settlements with real proofs of transfer(1) and update(2), in the one order in which they hold, among everything else
// that people do: foreign deposits, claims, time, settlements tried too early, again, or by somebody else.

contract RealProofsTest is Scene {
    using Dices for Dice;

    uint256 private constant DEPOSIT = 0;
    uint256 private constant FORCE = 1;
    uint256 private constant SETTLE = 2;
    uint256 private constant POOL_SLOT_FEE = 1e12;
    uint256 private constant POOL_BOND = 1e15;

    address private operator;
    uint256[] private kinds;
    bytes[] private calls;
    uint256[] private values;
    uint256[] private noteRoots;
    uint256[] private nullRoots;
    uint256[] private leafCounts;
    uint256[] private known;
    uint256 private lastQueueing; // the pool's last step that joins the queue
    uint256 private paidIn;
    uint256 private paidOut;

    function setUp() public override {
        super.setUp();
        string memory pool = vm.readFile(".cache/foundry/pool.json");
        operator = vm.parseJsonAddress(pool, ".operator");
        kinds = vm.parseJsonUintArray(pool, ".kinds");
        calls = vm.parseJsonBytesArray(pool, ".calls");
        values = vm.parseJsonUintArray(pool, ".values");
        noteRoots = vm.parseJsonUintArray(pool, ".noteRoots");
        nullRoots = vm.parseJsonUintArray(pool, ".nullRoots");
        leafCounts = vm.parseJsonUintArray(pool, ".leafCounts");
        for (uint256 i; i < kinds.length; ++i) if (kinds[i] != SETTLE) lastQueueing = i;
        deployWhereProofsHold(pool);
    }

    /// From the same account, in the same order, hence at the address that the proofs speak of.
    function deployWhereProofsHold(string memory pool) private {
        Settings memory s;
        bytes[] memory code = vm.parseJsonBytesArray(inputs, ".poseidon");
        (s.aggregator, s.transferProverBps, s.updateProverBps) = (operator, TRANSFER_BPS, UPDATE_BPS);
        (s.queue.delaySeconds, s.queue.slotFeeWei) = (DELAY, uint128(POOL_SLOT_FEE));
        (s.queue.bondWei, s.queue.dropRewardWei) = (uint128(POOL_BOND), uint128(POOL_BOND / 10));
        for (uint256 i; i < 3; ++i) {
            vm.prank(operator);
            s.poseidon[i] = create(code[i]);
        }
        bytes memory keys = vm.parseJsonBytes(pool, ".keys");
        bytes memory creation = bytes.concat(vm.parseJsonBytes(inputs, ".rollup"), abi.encode(s, keys));
        vm.prank(operator);
        rollup = IRollup(create(creation));
        assertEq(address(rollup), vm.parseJsonAddress(pool, ".rollup"), "address that the proofs are bound to");
        known.push(rollup.noteRoot());
    }

    /// P-01 to P-04, P-09 with nothing simulated.
    /// forge-config: default.fuzz.runs = 12
    /// forge-config: long.fuzz.runs = 400
    function testFuzz_realSettlementsAmongEverythingElse(uint256 seed) external {
        Dice memory dice = Dice(seed);
        uint256 next;
        while (next < kinds.length) {
            uint256 action = dice.roll(6);
            if (action == 0) tryWrongStep(dice, next);
            else if (action == 1) claim(dice);
            else if (action == 2) vm.warp(block.timestamp + dice.roll(DELAY));
            else if (action == 3 && next > lastQueueing) foreignDeposit(dice);
            else if (take(dice, next)) ++next;
            check();
        }
        assertEq(rollup.settlementCount(), known.length - 1, "settlements");
        for (uint256 i; i < kinds.length; ++i) assertTrue(refusedStep(i), "P-02: a step was taken twice");
    }

    /// The pool's next step, by somebody who may or may not settle.
    function take(Dice memory dice, uint256 i) private returns (bool) {
        if (kinds[i] != SETTLE) {
            assertRefused(tryCall(CLIENT, values[i], calls[i]), bytes(""));
            paidIn += values[i];
            return true;
        }
        bool stranger = dice.hits(4);
        bool open = rollup.isOverdue();
        bytes memory reason = tryCall(stranger ? STRANGER : operator, 0, calls[i]);
        if (stranger && !open) {
            assertRefused(reason, abi.encodeWithSelector(NotSettler.selector, STRANGER));
            return false;
        }
        assertRefused(reason, bytes(""));
        assertEq(rollup.noteRoot(), noteRoots[i], "P-03: note root");
        assertEq(rollup.nullifierRoot(), nullRoots[i], "P-03: nullifier root");
        assertEq(rollup.leafCount(), leafCounts[i], "P-07: leaf count");
        known.push(noteRoots[i]);
        return true;
    }

    /// A settlement that is not due, or was settled: its proofs speak of another state.
    function tryWrongStep(Dice memory dice, uint256 next) private {
        uint256 i = dice.roll(kinds.length);
        // the next settlement may be due already, while the queue still grows behind what it takes
        uint256 due = next;
        while (due < kinds.length && kinds[due] != SETTLE) ++due;
        if (kinds[i] == SETTLE && i != due) assertTrue(refusedStep(i), "P-03: out of order");
    }

    /// Deposits may be repeated by whoever pays for them; forced records and settlements may not.
    function refusedStep(uint256 i) private returns (bool) {
        return kinds[i] == DEPOSIT || tryCall(kinds[i] == FORCE ? CLIENT : operator, values[i], calls[i]).length > 0;
    }

    function foreignDeposit(Dice memory dice) private {
        uint256 value = 1 + dice.roll(1 ether);
        vm.prank(CLIENT);
        rollup.deposit{value: value + POOL_SLOT_FEE}(0, value, dice.roll(1 << 250), bytes32(0), bytes32(0));
        paidIn += value + POOL_SLOT_FEE;
    }

    function claim(Dice memory dice) private {
        address account = dice.hits(2) ? operator : known.length % 2 == 0 ? CLIENT : STRANGER;
        uint256 credit = rollup.credits(account, 0);
        bytes memory reason = tryCall(STRANGER, 0, abi.encodeCall(IRollup.claim, (account, 0, account)));
        assertTrue((reason.length == 0) == (credit > 0), "P-10: claim");
        paidOut += credit;
    }

    function check() private view {
        assertEq(address(rollup).balance, paidIn - paidOut, "P-01: money held");
        for (uint256 i; i < known.length; ++i) assertTrue(rollup.isKnownRoot(known[i]), "P-09: a root forgotten");
    }
}
