// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SCALAR} from "contracts/Field.sol";
import {Forge, Secrets} from "./Forge.sol";
import {IRollup, QueueSettings, Settings} from "./IRollup.sol";
import {IPoseidon, Opening, Openings} from "./Opening.sol";
import {Pack} from "./Pack.sol";
import {Base, DropPlan, ForcedItem, Plan, TransferPlan, TransferRecord, UpdatePlan} from "./Plan.sol";
import {Test} from "./Vm.sol";

// A rollup of its own for each test, its callers, and plans of settlements to vary. Roots are arbitrary numbers:
// simulated proofs hold for any.

abstract contract Scene is Test {
    string internal constant INPUTS = ".cache/foundry/inputs.json";

    address internal constant AGGREGATOR = address(0xA661);
    address internal constant CLIENT = address(0xC11E);
    address internal constant STRANGER = address(0x57A6);
    address internal constant FARM = address(0xFA53); // proves transfers
    address internal constant UPDATER = address(0x0DDA); // proves updates
    address internal constant REFUND = address(0x4EF0);

    uint64 internal constant DELAY = 1 hours;
    uint256 internal constant SLOT_FEE = 10_000;
    uint256 internal constant BOND = 1_000_000;
    uint256 internal constant DROP_REWARD = 300_000;
    uint16 internal constant TRANSFER_BPS = 5_000;
    uint16 internal constant UPDATE_BPS = 3_000;

    uint8 internal constant TRANSFER_1 = 1;
    uint8 internal constant TRANSFER_8 = 2;
    uint8 internal constant UPDATE_2 = 3;
    uint8 internal constant UPDATE_8 = 4;
    uint8 internal constant UPDATE_32 = 5;

    IRollup internal rollup;
    Secrets internal secrets;
    string internal inputs;
    address[3] internal poseidon; // for 2, 3 and 4 inputs
    uint256 private _nonce;

    error DeploymentFailed(bytes reason);

    function setUp() public virtual {
        inputs = vm.readFile(vm.envOr("TACIT_FOUNDRY_INPUTS", INPUTS)); // mutants.ts names others
        secrets = Forge.open(vm, inputs);
        vm.warp(1_800_000_000);
        rollup = IRollup(deploy(settings(), vm.parseJsonBytes(inputs, ".keys")));
        vm.deal(CLIENT, 1 << 200);
    }

    // ── deployment

    function settings() internal returns (Settings memory s) {
        bytes[] memory code = vm.parseJsonBytesArray(inputs, ".poseidon");
        s.aggregator = AGGREGATOR;
        s.queue = QueueSettings(DELAY, uint128(SLOT_FEE), uint128(BOND), uint128(DROP_REWARD));
        s.transferProverBps = TRANSFER_BPS;
        s.updateProverBps = UPDATE_BPS;
        s.circuitsHash = keccak256("circuits");
        for (uint256 i; i < 3; ++i) poseidon[i] = create(code[i]);
        s.poseidon = poseidon;
    }

    function deploy(Settings memory s, bytes memory keys) internal returns (address) {
        return create(bytes.concat(vm.parseJsonBytes(inputs, ".rollup"), abi.encode(s, keys)));
    }

    /// One of contracts/test, by name.
    function adversary(string memory name, bytes memory args) internal returns (address) {
        return create(bytes.concat(vm.parseJsonBytes(inputs, string.concat(".code.", name)), args));
    }

    function create(bytes memory code) internal returns (address made) {
        bytes memory reason;
        (made, reason) = tryCreate(code);
        if (made == address(0)) revert DeploymentFailed(reason);
    }

    function tryCreate(bytes memory code) internal returns (address made, bytes memory reason) {
        assembly {
            made := create(0, add(code, 32), mload(code))
        }
        if (made == address(0)) {
            assembly {
                reason := mload(0x40)
                mstore(0x40, add(add(reason, 64), returndatasize()))
                mstore(reason, returndatasize())
                returndatacopy(add(reason, 32), 0, returndatasize())
            }
        }
    }

    // ── numbers

    function fresh() internal returns (uint256) {
        return uint256(keccak256(abi.encode("fresh", ++_nonce)));
    }

    function freshField() internal returns (uint256) {
        return fresh() % SCALAR;
    }

    function freshRecord() internal returns (TransferRecord memory r) {
        (r.nf1, r.nf2) = (fresh() >> 9 | 1, (fresh() >> 9 | 1) + 1);
        (r.cm1, r.cm2) = (freshField(), freshField());
        (r.ephemeral, r.ciphertext1, r.ciphertext2) = (bytes32(fresh()), bytes32(fresh()), bytes32(fresh()));
    }

    // ── plans

    function base() internal view returns (Base memory) {
        return Base(rollup.noteRoot(), rollup.nullifierRoot(), rollup.leafCount());
    }

    function transferOf(TransferRecord memory r) internal pure returns (TransferPlan memory t) {
        t.circuit = TRANSFER_1;
        t.records = new TransferRecord[](1);
        t.records[0] = r;
    }

    function updateOf(uint8 circuit, uint256 used) internal returns (UpdatePlan memory) {
        return UpdatePlan(circuit, false, uint8(used), UPDATER, freshField(), freshField());
    }

    /// `count` private transfers, each with a proof of its own, anchored to the current root, in one update(8).
    function transfers(uint256 count) internal returns (Plan memory plan) {
        plan.anchors = new uint256[](count == 0 ? 0 : 1);
        if (count > 0) plan.anchors[0] = rollup.noteRoot();
        plan.transfers = new TransferPlan[](count);
        for (uint256 i; i < count; ++i) plan.transfers[i] = transferOf(freshRecord());
        plan.updates = new UpdatePlan[](1);
        plan.updates[0] = updateOf(UPDATE_8, count);
    }

    /// Only these queue items, in one update(8).
    function queueOnly(uint16 items, uint256[4][] memory slots) internal returns (Plan memory plan) {
        plan = transfers(0);
        plan.items = items;
        plan.queueSlots = slots;
        plan.updates[0].used = uint8(slots.length);
    }

    function pack(Plan memory plan) internal view returns (bytes memory) {
        return Pack.settlement(secrets, address(rollup), plan, base());
    }

    // ── calls

    function settle(Plan memory plan) internal {
        bytes memory data = pack(plan);
        vm.prank(AGGREGATOR, AGGREGATOR);
        rollup.settle(data);
    }

    /// Settles one transfer whose update leaves a nullifier tree with this leaf in it.
    function settleOpening(uint256 nullifier, uint256 leafIndex) internal returns (Opening memory opening) {
        opening = Openings.make(IPoseidon(poseidon[0]), IPoseidon(poseidon[2]), nullifier, leafIndex);
        Plan memory plan = transfers(1);
        plan.updates[0].nullRoot = opening.root;
        settle(plan);
    }

    function dropData(uint256 index, ForcedItem memory item, bool second, Opening memory o)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory record = Pack.record(item.record);
        return abi.encodeCall(
            IRollup.drop, (index, record, item.prover, item.refund, second, o.next, o.leafIndex, o.siblings)
        );
    }

    /// What settling these bytes ends in: empty on success.
    function trySettle(address caller, bytes memory data) internal returns (bytes memory) {
        return tryCall(caller, 0, abi.encodeCall(IRollup.settle, (data)));
    }

    function tryCall(address caller, uint256 value, bytes memory data) internal returns (bytes memory reason) {
        vm.prank(caller, caller);
        (bool ok, bytes memory answer) = address(rollup).call{value: value}(data);
        if (!ok) return answer;
    }

    function deposit(uint256 value) internal returns (uint256 commitment) {
        return depositOf(0, value, freshField());
    }

    function depositOf(uint32 id, uint256 value, uint256 owner) internal returns (uint256 commitment) {
        vm.prank(CLIENT);
        uint256 index =
            rollup.deposit{value: SLOT_FEE + (id == 0 ? value : 0)}(id, value, owner, bytes32(0), bytes32(0));
        (,, bytes32 word) = rollup.queueItem(index);
        return uint256(word);
    }

    function forceData(ForcedItem memory item, uint256 anchor) internal view returns (bytes memory) {
        TransferRecord[] memory records = new TransferRecord[](1);
        records[0] = item.record;
        uint256[] memory x = Pack.transferList(address(rollup), anchor, item.prover, records);
        uint256 h = uint256(keccak256(abi.encode("h", x))) % SCALAR;
        bytes memory proof = Forge.prove(secrets, address(rollup), TRANSFER_1, h, x);
        return abi.encodeCall(
            IRollup.force, (Pack.record(item.record), item.prover, item.refund, anchor, h, proof)
        );
    }

    /// A settlement of the next `forced.length` queue items, all forced, some dropped.
    function forcedOnly(ForcedItem[] memory forced, DropPlan[] memory drops) internal returns (Plan memory plan) {
        uint256[4][] memory slots = new uint256[4][](forced.length - drops.length);
        uint256 next;
        uint256 live;
        for (uint256 i; i < forced.length; ++i) {
            if (next < drops.length && drops[next].item == i) ++next;
            else slots[live++] = Pack.slotOf(forced[i].record);
        }
        plan = queueOnly(uint16(forced.length), slots);
        (plan.forced, plan.drops) = (forced, drops);
    }

    function force(TransferRecord memory r) internal returns (ForcedItem memory item) {
        item = ForcedItem(r, FARM, REFUND);
        bytes memory reason = tryCall(CLIENT, SLOT_FEE + BOND, forceData(item, rollup.noteRoot()));
        assertEq(reason, "", "force");
    }

    // ── time travel

    /// Finds the storage slot whose low 40 bits are the leaf count, as Ledger.sol draws it, and writes another count.
    function setLeafCount(uint256 count) internal {
        for (uint256 slot; slot < 16; ++slot) {
            bytes32 before = vm.load(address(rollup), bytes32(slot));
            if (uint40(uint256(before)) != rollup.leafCount() || uint256(before) >> 232 != 0) continue;
            vm.store(address(rollup), bytes32(slot), bytes32((uint256(before) >> 40 << 40) | count));
            if (rollup.leafCount() == count) return;
            vm.store(address(rollup), bytes32(slot), before);
        }
        assertTrue(false, "no slot holds the leaf count");
    }

    // ── refusals

    /// The call was refused with exactly this error.
    function assertRefused(bytes memory reason, bytes memory expected) internal pure {
        assertEq(reason, expected, "refusal");
    }

    /// The call was refused with this error, whatever its values.
    function assertRefused(bytes memory reason, bytes4 selector) internal pure {
        bytes memory got = reason.length < 4 ? bytes("none") : abi.encodePacked(bytes4(reason));
        assertEq(got, abi.encodePacked(selector), "refusal");
    }
}
