// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Opening} from "./Opening.sol";
import {ForcedItem, Plan, TransferPlan, TransferRecord, UpdatePlan} from "./Plan.sol";
import {Scene} from "./Scene.sol";

// What the rollup should know and owe, kept beside it in the plainest way: every sum that the contract never forms.

abstract contract Model is Scene {
    struct Waiting {
        uint256 time;
        bool forced;
        bool dropped;
        uint256 commitment; // of a deposit
        uint32 assetId;
        uint256 value;
        ForcedItem item; // of a forced transfer
    }

    uint32 internal constant TOKEN_ID = 1;
    address internal constant UPDATER_2 = address(0x0DD2);

    Waiting[] internal queue; // all ever queued
    uint256 internal head;
    uint256[] public knownRoots;
    uint256 public modelNoteRoot;
    uint256 public modelNullRoot;
    uint256 public modelLeafCount = 1;
    uint256 public modelSettlements;
    address internal token;
    address internal wall; // refuses native coin

    mapping(uint32 assetId => uint256) public notes; // unspent, in the rollup
    mapping(uint32 assetId => uint256) public promised; // of them, to withdrawals and fees of forced transfers that wait
    mapping(address account => mapping(uint32 assetId => uint256)) public owed;
    mapping(uint256 nullifier => bool) public spent;
    Opening internal opening; // of a spent nullifier that keeps a waiting item out, if its root is the current one
    address[] internal accounts;

    function setUp() public virtual override {
        super.setUp();
        token = adversary("SilentToken", "");
        wall = adversary("RefusingRecipient", "");
        rollup.registerAsset(token);
        (bool ok,) = token.call(abi.encodeWithSignature("mint(address,uint256)", CLIENT, 1 << 128));
        assertTrue(ok, "mint");
        accounts = [AGGREGATOR, FARM, UPDATER, UPDATER_2, REFUND, STRANGER, CLIENT, wall];
        (modelNoteRoot, modelNullRoot) = (rollup.noteRoot(), rollup.nullifierRoot());
        knownRoots.push(modelNoteRoot);
    }

    // ── what must be true at any time; the ids stand in verifier-contract/PROPERTIES.md

    /// P-01: money held = unspent notes + waiting deposits + credits + (native) slot fees and bonds of waiting items.
    function checkMoney() external view {
        for (uint32 id; id <= TOKEN_ID; ++id) {
            uint256 due = notes[id];
            for (uint256 i; i < accounts.length; ++i) {
                uint256 credit = rollup.credits(accounts[i], id);
                assertEq(credit, owed[accounts[i]][id], "P-01: credit");
                due += credit;
            }
            for (uint256 i = head; i < queue.length; ++i) due += held(queue[i], id);
            assertEq(balance(id, address(rollup)), due, "P-01: money held");
        }
    }

    /// P-03, P-07, P-09: roots and leaf count are those of the accepted updates; known roots stay known.
    function checkRoots() external view {
        assertEq(rollup.noteRoot(), modelNoteRoot, "P-03: note root");
        assertEq(rollup.nullifierRoot(), modelNullRoot, "P-03: nullifier root");
        assertEq(rollup.leafCount(), modelLeafCount, "P-07: leaf count");
        assertEq(rollup.settlementCount(), modelSettlements, "P-03: settlements");
        for (uint256 i; i < knownRoots.length; ++i) assertTrue(rollup.isKnownRoot(knownRoots[i]), "P-09: a root forgotten");
        assertTrue(!rollup.isKnownRoot(0) && !rollup.isKnownRoot(modelNullRoot), "P-09: a root nobody proved");
    }

    /// P-04, P-08: the queue holds what was put in, in order; items leave at the head, once.
    function checkQueue() external view {
        assertEq(rollup.queueHead(), head, "P-04: head");
        assertEq(rollup.queueTail(), queue.length, "P-04: tail");
        for (uint256 i; i < queue.length; ++i) {
            Waiting storage w = queue[i];
            (uint64 time, uint8 kind, bytes32 word) = rollup.queueItem(i);
            if (i < head) {
                assertEq(uint256(word) | kind | time, 0, "P-04: taken once");
                continue;
            }
            assertEq(kind, w.dropped ? 3 : w.forced ? 2 : 1, "P-08: kind");
            assertEq(time, w.time, "P-04: time");
            if (!w.forced) assertEq(uint256(word), w.commitment, "P-04: commitment");
        }
    }

    /// P-06: the promise of open settlement, judged by the model's own clock.
    function checkOverdue() external view {
        assertTrue(rollup.isOverdue() == overdueFrom(head), "P-06: overdue");
    }

    // ── small readings

    function overdueFrom(uint256 index) internal view returns (bool) {
        return index < queue.length && block.timestamp > queue[index].time + DELAY;
    }

    /// What the contract holds for one waiting item.
    function held(Waiting storage w, uint32 id) private view returns (uint256 due) {
        if (id == 0) due = SLOT_FEE + (w.forced && !w.dropped ? BOND : 0);
        if (!w.forced && w.assetId == id) due += w.value;
    }

    function balance(uint32 id, address account) internal view returns (uint256) {
        if (id == 0) return account.balance;
        (, bytes memory answer) = token.staticcall(abi.encodeWithSignature("balanceOf(address)", account));
        return abi.decode(answer, (uint256));
    }

    function available(uint32 id) internal view returns (uint256) {
        return notes[id] - promised[id];
    }

    function isSpent(TransferRecord memory r) internal view returns (bool) {
        return spent[r.nf1] || spent[r.nf2];
    }

    function conflict(TransferRecord memory a, TransferRecord memory b) internal pure returns (bool) {
        return a.nf1 == b.nf1 || a.nf1 == b.nf2 || a.nf2 == b.nf1 || a.nf2 == b.nf2;
    }

    // ── what a settlement does, told again

    function recordSettled(Plan memory plan) internal {
        uint256 slot = takeQueue(plan);
        for (uint256 i; i < plan.transfers.length; ++i) {
            TransferPlan memory t = plan.transfers[i];
            for (uint256 k; k < t.records.length; ++k) {
                takeRecord(plan, t.records[k], t.prover, updateOfSlot(plan, slot++), false);
            }
        }
        for (uint256 i; i < plan.updates.length; ++i) {
            UpdatePlan memory u = plan.updates[i];
            uint256 batch = u.circuit == UPDATE_2 ? 4 : u.circuit == UPDATE_8 ? 16 : 64;
            while (modelLeafCount % batch != 0) ++modelLeafCount;
            modelLeafCount += batch;
            (modelNoteRoot, modelNullRoot) = (u.noteRoot, u.nullRoot);
            if (u.keepRoot || i + 1 == plan.updates.length) knownRoots.push(u.noteRoot);
        }
        ++modelSettlements;
    }

    function takeQueue(Plan memory plan) private returns (uint256 slot) {
        address first = plan.updates[0].prover;
        bool half;
        uint256 nextDrop;
        for (uint256 i; i < plan.items; ++i) {
            Waiting storage w = queue[head + i];
            if (w.dropped) {
                owed[first][0] += SLOT_FEE;
            } else if (!w.forced) {
                if (!half) ++slot;
                half = !half;
                owed[updateOfSlot(plan, slot - 1)][0] += SLOT_FEE;
                notes[w.assetId] += w.value;
            } else if (nextDrop < plan.drops.length && plan.drops[nextDrop].item == i) {
                owed[first][0] += SLOT_FEE;
                owed[updateOfSlot(plan, slotOfItem(plan, plan.drops[nextDrop++].by))][0] += DROP_REWARD;
                owed[w.item.refund][0] += BOND - DROP_REWARD;
                release(w.item.record);
            } else {
                half = false;
                address prover = updateOfSlot(plan, slot++);
                owed[prover][0] += SLOT_FEE;
                owed[w.item.refund][0] += BOND;
                takeRecord(plan, w.item.record, w.item.prover, prover, true);
            }
        }
        head += plan.items;
    }

    function takeRecord(Plan memory, TransferRecord memory r, address prover, address updater, bool forced) private {
        assertTrue(!isSpent(r), "P-02: a nullifier accepted twice");
        spent[r.nf1] = spent[r.nf2] = true;
        if (forced) release(r);
        notes[r.outAsset] -= r.outValue;
        notes[r.feeAsset] -= r.fee;
        if (r.outValue != 0 && r.outAsset == 0 && r.recipient == wall) owed[wall][0] += r.outValue;
        uint256 proving = uint256(r.fee) * TRANSFER_BPS / 10_000;
        uint256 updating = uint256(r.fee) * UPDATE_BPS / 10_000;
        owed[prover == address(0) ? updater : prover][r.feeAsset] += proving;
        owed[updater][r.feeAsset] += updating;
        owed[AGGREGATOR][r.feeAsset] += r.fee - proving - updating;
    }

    function release(TransferRecord memory r) internal {
        promised[r.outAsset] -= r.outValue;
        promised[r.feeAsset] -= r.fee;
    }

    function updateOfSlot(Plan memory plan, uint256 slot) private pure returns (address) {
        for (uint256 i; i < plan.updates.length; ++i) {
            if (slot < plan.updates[i].used) return plan.updates[i].prover;
            slot -= plan.updates[i].used;
        }
        revert("no update holds the slot");
    }

    /// The slot of a forced item that lives through the settlement.
    function slotOfItem(Plan memory plan, uint256 item) private view returns (uint256 slot) {
        bool half;
        uint256 nextDrop;
        for (uint256 i; i < item; ++i) {
            Waiting storage w = queue[head + i];
            if (w.dropped) continue;
            if (nextDrop < plan.drops.length && plan.drops[nextDrop].item == i) {
                ++nextDrop;
                continue;
            }
            if (w.forced || !half) ++slot;
            half = !w.forced && !half;
        }
    }
}
