// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SCALAR} from "contracts/Field.sol";
import {TAG_EXT} from "contracts/Tags.sol";
import {Forge, Secrets} from "./Forge.sol";
import {Base, ForcedItem, Plan, TransferPlan, TransferRecord, UpdatePlan} from "./Plan.sol";

// From a plan to the argument of settle: every list written out, every proof simulated. A readable twin of what the
// contract reads; layouts stand in contracts/Record.sol and contracts/Settlement.sol.

library Pack {
    function updateSize(uint256 circuit) internal pure returns (uint256) {
        return circuit == 3 ? 2 : circuit == 4 ? 8 : 32;
    }

    /// The one encoding of a record.
    function record(TransferRecord memory r) internal pure returns (bytes memory) {
        bool withdraws = r.outValue != 0;
        uint256 width = feeWidth(r.fee);
        uint256 flags = (withdraws ? 1 : 0) | (r.feeAsset != 0 ? 2 : 0) | width;
        bytes memory head = abi.encodePacked(
            uint8(flags), uint248(r.nf1), uint248(r.nf2), r.cm1, r.cm2, r.ephemeral, r.ciphertext1, r.ciphertext2
        );
        return abi.encodePacked(
            head,
            withdraws ? abi.encodePacked(r.outAsset, r.outValue, r.recipient) : bytes(""),
            width == 0 ? bytes("") : width == 4 ? abi.encodePacked(uint32(r.fee)) : width == 8
                ? abi.encodePacked(uint64(r.fee))
                : abi.encodePacked(r.fee),
            r.feeAsset == 0 ? bytes("") : abi.encodePacked(r.feeAsset)
        );
    }

    function feeWidth(uint256 fee) internal pure returns (uint256) {
        return fee == 0 ? 0 : fee >> 32 == 0 ? 4 : fee >> 64 == 0 ? 8 : 12;
    }

    /// Writes the nine elements of a record into x from index `at` on.
    function elements(address verifier, TransferRecord memory r, uint256[] memory x, uint256 place) internal view {
        bytes32 ext = keccak256(
            abi.encode(TAG_EXT, block.chainid, verifier, r.recipient, r.ephemeral, r.ciphertext1, r.ciphertext2)
        );
        (x[place], x[place + 1], x[place + 2], x[place + 3]) = (r.nf1, r.nf2, r.cm1, r.cm2);
        (x[place + 4], x[place + 5], x[place + 6], x[place + 7]) = (r.outAsset, r.outValue, r.feeAsset, r.fee);
        x[place + 8] = uint256(ext) % SCALAR;
    }

    function transferList(address verifier, uint256 anchor, address prover, TransferRecord[] memory records)
        internal
        view
        returns (uint256[] memory x)
    {
        x = new uint256[](2 + 9 * records.length);
        (x[0], x[1]) = (anchor, uint160(prover));
        for (uint256 k; k < records.length; ++k) elements(verifier, records[k], x, 2 + 9 * k);
    }

    /// All slots of a plan, in order.
    function slots(Plan memory plan) internal pure returns (uint256[4][] memory all) {
        uint256 count = plan.queueSlots.length;
        for (uint256 i; i < plan.transfers.length; ++i) count += plan.transfers[i].records.length;
        all = new uint256[4][](count);
        uint256 place;
        for (; place < plan.queueSlots.length; ++place) all[place] = plan.queueSlots[place];
        for (uint256 i; i < plan.transfers.length; ++i) {
            TransferRecord[] memory records = plan.transfers[i].records;
            for (uint256 k; k < records.length; ++k) all[place++] = slotOf(records[k]);
        }
    }

    function slotOf(TransferRecord memory r) internal pure returns (uint256[4] memory) {
        return [r.nf1, r.nf2, r.cm1, r.cm2];
    }

    /// Proves and packs.
    function settlement(Secrets memory secrets, address verifier, Plan memory plan, Base memory base)
        internal
        view
        returns (bytes memory data)
    {
        data = abi.encodePacked(
            uint16(0x0100),
            uint8(plan.updates.length),
            uint16(plan.transfers.length),
            plan.items,
            uint8(plan.drops.length),
            uint8(plan.anchors.length),
            plan.anchors
        );
        for (uint256 i; i < plan.drops.length; ++i) {
            data = bytes.concat(data, abi.encodePacked(plan.drops[i].item, plan.drops[i].by));
        }
        for (uint256 i; i < plan.forced.length; ++i) {
            ForcedItem memory item = plan.forced[i];
            data = bytes.concat(data, record(item.record), abi.encodePacked(item.prover, item.refund));
        }
        for (uint256 i; i < plan.transfers.length; ++i) {
            data = bytes.concat(data, _transfer(secrets, verifier, plan, plan.transfers[i]));
        }
        return bytes.concat(data, _updates(secrets, verifier, plan, base));
    }

    function _transfer(Secrets memory secrets, address verifier, Plan memory plan, TransferPlan memory t)
        private
        view
        returns (bytes memory data)
    {
        uint256 anchor = t.anchorRef < 0x80 ? plan.anchors[t.anchorRef] : plan.updates[t.anchorRef & 0x7f].noteRoot;
        uint256[] memory x = transferList(verifier, anchor, t.prover, t.records);
        uint256 h = uint256(keccak256(abi.encode("h", x))) % SCALAR;
        bool named = t.prover != address(0);
        data = abi.encodePacked(
            t.circuit,
            named ? uint8(1) : uint8(0),
            t.anchorRef,
            named ? abi.encodePacked(t.prover) : bytes(""),
            h,
            Forge.prove(secrets, verifier, t.circuit, h, x)
        );
        for (uint256 k; k < t.records.length; ++k) data = bytes.concat(data, record(t.records[k]));
    }

    function _updates(Secrets memory secrets, address verifier, Plan memory plan, Base memory base)
        private
        view
        returns (bytes memory data)
    {
        uint256[4][] memory all = slots(plan);
        uint256 taken;
        for (uint256 i; i < plan.updates.length; ++i) {
            UpdatePlan memory u = plan.updates[i];
            uint256[] memory x = _updateList(u, base, all, taken);
            uint256 h = uint256(keccak256(abi.encode("h", x))) % SCALAR;
            bytes memory proof = Forge.prove(secrets, verifier, u.circuit, h, x);
            data = bytes.concat(
                data,
                abi.encodePacked(u.circuit, u.keepRoot ? uint8(1) : uint8(0), u.used, u.prover, h, proof),
                abi.encodePacked(u.noteRoot, u.nullRoot)
            );
            taken += u.used;
            base = Base(u.noteRoot, u.nullRoot, x[4] + 2 * updateSize(u.circuit));
        }
    }

    function _updateList(UpdatePlan memory u, Base memory base, uint256[4][] memory all, uint256 taken)
        private
        pure
        returns (uint256[] memory x)
    {
        uint256 size = updateSize(u.circuit);
        uint256 batch = 2 * size;
        x = new uint256[](6 + 4 * size);
        (x[0], x[1], x[2], x[3]) = (base.noteRoot, u.noteRoot, base.nullRoot, u.nullRoot);
        (x[4], x[5]) = ((base.leafCount + batch - 1) / batch * batch, uint160(u.prover));
        for (uint256 k; k < u.used && taken + k < all.length; ++k) {
            for (uint256 e; e < 4; ++e) x[6 + 4 * k + e] = all[taken + k][e];
        }
    }
}
