// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {NotYourCredit, NothingToClaim} from "contracts/Credits.sol";
import {NotSettler, OverdueFirst} from "contracts/Settlement.sol";
import {NotDroppable} from "contracts/Queue.sol";
import {Dice, Dices} from "./Dice.sol";
import {IRollup} from "./IRollup.sol";
import {Model} from "./Model.sol";
import {IPoseidon, Openings} from "./Opening.sol";
import {Pack} from "./Pack.sol";
import {DropPlan, ForcedItem, Plan, TransferPlan, TransferRecord, UpdatePlan} from "./Plan.sol";

// Everything that anyone can do to a rollup, in any order: each action says beforehand how it must end, and the model
// is told what happened. Proofs are simulated, so the handler itself is honest about money and nullifiers.

contract Handler is Model {
    using Dices for Dice;

    uint256 private constant MOST_ITEMS = 6;

    bytes public lastSettlement;
    mapping(bytes32 action => uint256) public count; // how often each thing was done

    // ── money in

    function deposits(uint256 seed) external {
        Dice memory dice = Dice(seed);
        uint32 id = dice.hits(3) ? TOKEN_ID : 0;
        uint256 value = 1 + dice.roll(dice.hits(10) ? 1 << 100 : 1_000_000);
        Waiting storage w = queue.push();
        (w.time, w.assetId, w.value) = (block.timestamp, id, value);
        w.commitment = depositOf(id, value, freshField());
        ++count["deposit"];
    }

    function forces(uint256 seed) external {
        Dice memory dice = Dice(seed);
        TransferRecord memory r = anyRecord(dice);
        // now and then a rival of an item that waits, or of a transfer that is settled
        if (dice.hits(3) && queue.length > head) {
            Waiting storage rival = queue[head + dice.roll(queue.length - head)];
            if (rival.forced) r.nf2 = dice.hits(2) ? rival.item.record.nf1 : rival.item.record.nf2;
        }
        promised[r.outAsset] += r.outValue;
        promised[r.feeAsset] += r.fee;
        ForcedItem memory item = ForcedItem(r, dice.hits(2) ? FARM : address(0), REFUND);
        bytes memory call = forceData(item, knownRoots[dice.roll(knownRoots.length)]);
        assertRefused(tryCall(CLIENT, SLOT_FEE + BOND, call), bytes(""));
        Waiting storage w = queue.push();
        (w.time, w.forced, w.item) = (block.timestamp, true, item);
        ++count["force"];
    }

    // ── time, claims, drops

    function passes(uint256 seed) external {
        Dice memory dice = Dice(seed);
        vm.warp(block.timestamp + (dice.hits(3) ? dice.roll(2 * DELAY) : dice.roll(300)));
        ++count["pass"];
    }

    /// P-05, P-10: a credit leaves by claim alone: to its account at anyone's call, elsewhere at its own.
    function claims(uint256 seed) external {
        Dice memory dice = Dice(seed);
        address account = accounts[dice.roll(accounts.length)];
        uint32 id = uint32(dice.roll(2));
        address caller = accounts[dice.roll(accounts.length)];
        address to = dice.hits(2) ? account : address(0x7E57);
        uint256 amount = owed[account][id];
        bytes memory reason = tryCall(caller, 0, abi.encodeCall(IRollup.claim, (account, id, to)));
        if (to != account && caller != account) {
            assertRefused(reason, abi.encodeWithSelector(NotYourCredit.selector, account, caller));
        } else if (amount == 0) {
            assertRefused(reason, abi.encodeWithSelector(NothingToClaim.selector, account, id));
        } else if (to == wall && id == 0) {
            assertTrue(reason.length > 0, "a wall took coins");
        } else {
            assertRefused(reason, bytes(""));
            owed[account][id] = 0;
            ++count["claim"];
        }
    }

    /// P-08: a forced item goes by drop only when its nullifier is shown in the current tree.
    function drops(uint256 seed) external {
        if (head == queue.length) return;
        uint256 index = head + seed % (queue.length - head);
        bool usable = opening.root == modelNullRoot; // of the current tree
        if (usable && seed % 2 == 0) index = blockedItem(index);
        Waiting storage w = queue[index];
        if (!w.forced || w.dropped) {
            ForcedItem memory nothing;
            bytes memory reason = tryCall(STRANGER, 0, dropData(index, nothing, false, opening));
            assertRefused(reason, abi.encodeWithSelector(NotDroppable.selector, index));
            return;
        }
        bool second = w.item.record.nf2 == opening.nullifier;
        bool shown = usable && (second || w.item.record.nf1 == opening.nullifier);
        bytes memory answer = tryCall(STRANGER, 0, dropData(index, w.item, second, opening));
        assertTrue((answer.length == 0) == shown, "P-08: drop");
        if (!shown) return;
        w.dropped = true;
        owed[STRANGER][0] += DROP_REWARD;
        owed[REFUND][0] += BOND - DROP_REWARD;
        release(w.item.record);
        ++count["drop"];
    }

    /// The first waiting forced item that a spent nullifier keeps out, or `other`.
    function blockedItem(uint256 other) private view returns (uint256) {
        for (uint256 i = head; i < queue.length; ++i) {
            if (queue[i].forced && !queue[i].dropped && isSpent(queue[i].item.record)) return i;
        }
        return other;
    }

    // ── settling

    /// P-06: the aggregator at any time, others while the head is overdue; overdue items first.
    function settles(uint256 seed) external {
        Dice memory dice = Dice(seed);
        Plan memory plan = anyPlan(dice);
        if (plan.updates.length == 0) return;
        address caller = dice.hits(3) ? STRANGER : AGGREGATOR;
        bytes memory data = pack(plan);
        bytes memory reason = trySettle(caller, data);
        bool overdue = overdueFrom(head);
        uint256 records;
        for (uint256 i; i < plan.transfers.length; ++i) records += plan.transfers[i].records.length;
        if (caller != AGGREGATOR && !overdue) {
            assertRefused(reason, abi.encodeWithSelector(NotSettler.selector, caller));
        } else if (overdue && plan.items < records && overdueFrom(head + plan.items)) {
            assertRefused(reason, abi.encodeWithSelector(OverdueFirst.selector, plan.items, records));
        } else {
            assertRefused(reason, bytes(""));
            recordSettled(plan);
            lastSettlement = data;
            ++count["settle"];
            if (plan.drops.length > 0) ++count["drop in settle"];
            if (owed[wall][0] > 0) ++count["deferred"];
            if (caller != AGGREGATOR) ++count["open settle"];
        }
    }

    /// P-02, P-03: what was settled cannot be settled again: its updates begin at roots that are no more.
    function repeats(uint256) external {
        if (lastSettlement.length == 0) return;
        assertTrue(trySettle(AGGREGATOR, lastSettlement).length > 0, "P-03: settled twice");
        ++count["repeat"];
    }

    /// A settlement of what waits and of new transfers; without updates when there is nothing to settle.
    function anyPlan(Dice memory dice) public returns (Plan memory plan) {
        takeItems(plan, dice);
        takeTransfers(plan, dice);
        uint256 left = Pack.slots(plan).length;
        if (left == 0) return plan;
        UpdatePlan[] memory updates = new UpdatePlan[](left);
        uint256 made;
        for (; left > 0; ++made) {
            uint8 circuit = left > 8 && dice.hits(2) ? UPDATE_32 : dice.hits(3) ? UPDATE_2 : UPDATE_8;
            uint256 used = Pack.updateSize(circuit) < left ? Pack.updateSize(circuit) : left;
            if (circuit != UPDATE_32 && dice.hits(4)) used = 1 + dice.roll(used);
            left -= used;
            updates[made] = updateOf(circuit, used);
            updates[made].prover = dice.hits(3) ? UPDATER_2 : UPDATER;
            updates[made].keepRoot = left > 0 && dice.hits(2);
        }
        assembly {
            mstore(updates, made)
        }
        plan.updates = updates;
        chooseAnchors(plan, dice);
        showSpent(plan);
    }

    /// The next items, up to one that a spent nullifier keeps out; rivals among them are dropped.
    function takeItems(Plan memory plan, Dice memory dice) private view {
        uint256 most = queue.length - head;
        most = dice.roll(1 + (most < MOST_ITEMS ? most : MOST_ITEMS));
        plan.forced = new ForcedItem[](most);
        plan.drops = new DropPlan[](most);
        plan.queueSlots = new uint256[4][](most);
        uint256[4] memory n; // items, forced, drops, slots
        bool half;
        for (; n[0] < most; ++n[0]) {
            Waiting storage w = queue[head + n[0]];
            if (w.dropped) continue;
            if (!w.forced) {
                if (half) plan.queueSlots[n[3] - 1][3] = w.commitment;
                else plan.queueSlots[n[3]++][2] = w.commitment;
                half = !half;
                continue;
            }
            if (isSpent(w.item.record)) break;
            plan.forced[n[1]++] = w.item;
            (bool rival, uint256 by) = firstRival(plan, n[0], n[2]);
            if (rival) {
                plan.drops[n[2]++] = DropPlan(uint16(n[0]), uint16(by));
            } else {
                plan.queueSlots[n[3]++] = Pack.slotOf(w.item.record);
                half = false;
            }
        }
        plan.items = uint16(n[0]);
        (ForcedItem[] memory f, DropPlan[] memory d, uint256[4][] memory s) = (plan.forced, plan.drops, plan.queueSlots);
        assembly {
            mstore(f, mload(add(n, 32)))
            mstore(d, mload(add(n, 64)))
            mstore(s, mload(add(n, 96)))
        }
    }

    /// The first earlier item of the plan that lives and shares a nullifier with item `i`.
    function firstRival(Plan memory plan, uint256 i, uint256 dropCount) private view returns (bool, uint256) {
        for (uint256 k; k < i; ++k) {
            Waiting storage w = queue[head + k];
            bool live = w.forced && !w.dropped;
            for (uint256 d; d < dropCount; ++d) live = live && plan.drops[d].item != k;
            if (live && conflict(w.item.record, queue[head + i].item.record)) return (true, k);
        }
        return (false, 0);
    }

    function takeTransfers(Plan memory plan, Dice memory dice) private {
        plan.transfers = new TransferPlan[](dice.roll(4));
        uint256[2] memory used; // by this plan, of native coin and token
        for (uint256 i; i < plan.transfers.length; ++i) {
            TransferPlan memory t = plan.transfers[i];
            t.circuit = dice.hits(8) ? TRANSFER_8 : TRANSFER_1;
            t.prover = dice.hits(2) ? FARM : address(0);
            t.records = new TransferRecord[](t.circuit == TRANSFER_8 ? 8 : 1);
            for (uint256 k; k < t.records.length; ++k) {
                TransferRecord memory r = anyRecord(dice);
                used[r.outAsset] += r.outValue;
                used[r.feeAsset] += r.fee;
                if (used[0] > available(0) || used[1] > available(TOKEN_ID)) {
                    used[r.outAsset] -= r.outValue;
                    used[r.feeAsset] -= r.fee;
                    (r.outAsset, r.outValue, r.recipient, r.feeAsset, r.fee) = (0, 0, address(0), 0, 0);
                }
                t.records[k] = r;
            }
        }
    }

    /// A record that the notes of the model can pay for.
    function anyRecord(Dice memory dice) private returns (TransferRecord memory r) {
        r = freshRecord();
        if (dice.hits(2)) {
            uint32 id = uint32(dice.roll(2));
            r.outValue = uint128(dice.roll(available(id)));
            if (r.outValue != 0) (r.outAsset, r.recipient) = (id, dice.hits(3) ? wall : address(0x7E57));
        }
        if (dice.hits(2)) {
            uint32 id = uint32(dice.roll(2));
            uint256 free = available(id) - (r.outAsset == id ? r.outValue : 0);
            r.fee = uint96(dice.roll(free >> 96 == 0 ? free : 1 << 96));
            if (r.fee != 0) r.feeAsset = id;
        }
    }

    /// Up to two known roots, each used; now and then the root of an earlier update.
    function chooseAnchors(Plan memory plan, Dice memory dice) private view {
        uint256 proofs = plan.transfers.length;
        if (proofs == 0) return;
        uint256 a = knownRoots[dice.roll(knownRoots.length)];
        uint256 b = knownRoots[dice.roll(knownRoots.length)];
        bool two = a != b && proofs > 1;
        plan.anchors = new uint256[](two ? 2 : 1);
        plan.anchors[0] = two && b < a ? b : a;
        if (two) plan.anchors[1] = b < a ? a : b;
        if (two) plan.transfers[1].anchorRef = 1;
        // the last proof's first slot may lie in a later update than the first
        uint256 slot = plan.queueSlots.length;
        for (uint256 i; i + 1 < proofs; ++i) slot += plan.transfers[i].records.length;
        if (proofs > 2 && slot >= plan.updates[0].used && dice.hits(2)) plan.transfers[proofs - 1].anchorRef = 0x80;
    }

    /// If a spent nullifier keeps an item out after this settlement, the last root shows it.
    function showSpent(Plan memory plan) private {
        for (uint256 i = head + plan.items; i < queue.length; ++i) {
            if (!queue[i].forced || queue[i].dropped) continue;
            TransferRecord memory r = queue[i].item.record;
            uint256[4][] memory slots = Pack.slots(plan);
            for (uint256 k = 0; k < slots.length; ++k) {
                bool first = spent[r.nf1] || slots[k][0] == r.nf1 || slots[k][1] == r.nf1;
                bool second = spent[r.nf2] || slots[k][0] == r.nf2 || slots[k][1] == r.nf2;
                if (!first && !second) continue;
                opening = Openings.make(
                    IPoseidon(poseidon[0]), IPoseidon(poseidon[2]), first ? r.nf1 : r.nf2, k + 77 * modelLeafCount
                );
                plan.updates[plan.updates.length - 1].nullRoot = opening.root;
                return;
            }
        }
    }
}
