// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// solhint-disable-next-line no-unused-import
import {SCALAR, BASE, allocate} from "./Field.sol";
import {CIRCUIT_LIMIT} from "./Circuits.sol";
import {TAG_FOLD} from "./Tags.sol";

// Many Groth16 proofs under a few verifying keys, checked with one call of the pairing precompile:
//
//   Π e(r_i·A_i, B_i) · e(-Σ r_i·α, β) · e(-Σ r_i·vkx_i, γ) · Π_c e(-Σ_{i in c} r_i·C_i, δ_c) = 1
//
// Layout of the memory that becomes the seed, and that the check reads again:
//
//   TAG_FOLD(32) · m(32) · m × [ circuitId(32) · proof(256) · h(32) · z(32) · y(32) ]
//
//   proof, in the order of EIP-197: A.x A.y · B.x.c1 B.x.c0 B.y.c1 B.y.c0 · C.x C.y
//   r_0 = 1; r_i = low 128 bits of keccak(keccak(all of it) · i)
//
// Steps: 1 weigh every proof but the first, which weighs 1 (r·A, r·C, and the sums of r, r·h, r·z, r·y of its
// circuit) · 2 close every circuit (vkx, C) · 3 α, β and γ · 4 the pairing. The precompiles refuse coordinates out of
// range and points off the curve or, in G2, off the subgroup; a refused or starved call reverts. The argument and its
// bound: docs/spec/fold.md.

/// A precompile refused its input: a coordinate out of range or a point off its group (or too little gas).
error ProofMalformed();
/// The product of pairings is not one: at least one proof is wrong.
error FoldInvalid();
/// A proof's circuit has no key in this contract.
error KeyMissing(uint256 id);

library Fold {
    uint256 internal constant HEADER = 64;
    uint256 internal constant ITEM = 384; // bytes an item takes in the seed
    uint256 internal constant PROOF = 256;
    uint256 private constant PAIR = 192; // bytes of one (G1, G2) in the pairing's input

    // One row of sums per circuit: C(64) · room for the next r·C(64) · Σr · Σr·h · Σr·z · Σr·y
    uint256 private constant ROW = 256;

    // The key blob: α(64) β(128) γ(128) n(1) n × [id(1) δ(128) IC(4 × 64)]
    uint256 private constant KEY_BETA = 64;
    uint256 private constant KEY_GAMMA = 192;
    uint256 private constant KEY_COUNT = 320;
    uint256 private constant KEY_ENTRIES = 321;
    uint256 private constant KEY_ENTRY = 385;

    /// Memory for `m` items, tag and count filled in.
    function open(uint256 m) internal pure returns (uint256 items) {
        items = allocate(HEADER + ITEM * m);
        bytes32 tag = TAG_FOLD;
        assembly ("memory-safe") {
            mstore(items, tag)
            mstore(add(items, 32), m)
        }
    }

    /// Writes one item at `item`, its proof copied from calldata offset `proofAt`, and returns the place of the next.
    function put(uint256 item, uint256 id, uint256 proofAt, uint256 h, uint256 z, uint256 y)
        internal
        pure
        returns (uint256 next)
    {
        assembly ("memory-safe") {
            mstore(item, id)
            calldatacopy(add(item, 32), proofAt, PROOF)
            mstore(add(item, 288), h)
            mstore(add(item, 320), z)
            mstore(add(item, 352), y)
            next := add(item, ITEM)
        }
    }

    /// Reverts unless all `m` proofs at `items` hold under the key blob at memory `keys`.
    function verify(uint256 items, uint256 m, uint256 keys) internal view {
        uint256 sums = _openSums();
        uint256 pairs = allocate(PAIR * (m + CIRCUIT_LIMIT + 1));
        _weigh(items, m, sums, pairs);
        uint256 vkx = allocate(160); // sum(64) · next term(64) · its scalar(32)
        (uint256 pair, uint256 total) = _closeCircuits(sums, keys, pairs + PAIR * m, vkx);
        pair = _closeShared(keys, pair, vkx, total);
        bool answered;
        bool sound;
        assembly ("memory-safe") {
            answered := staticcall(gas(), 8, pairs, sub(pair, pairs), 0, 32)
            answered := and(answered, eq(returndatasize(), 32))
            sound := mload(0)
        }
        if (!answered) revert ProofMalformed();
        if (!sound) revert FoldInvalid();
    }

    function _openSums() private pure returns (uint256 sums) {
        sums = allocate(ROW * CIRCUIT_LIMIT);
        assembly ("memory-safe") {
            calldatacopy(sums, calldatasize(), mul(ROW, CIRCUIT_LIMIT)) // past the end: zeros
        }
    }

    /// Step 1. Pair i becomes (r_i·A_i, B_i); the row of its circuit takes r_i·C_i and the four sums.
    function _weigh(uint256 items, uint256 m, uint256 sums, uint256 pairs) private view {
        bool ok = true;
        assembly ("memory-safe") {
            mstore(0, keccak256(items, add(HEADER, mul(ITEM, m))))
            let item := add(items, HEADER)
            // The first proof: A and B, side by side, as they are (the pairing checks both); C added to the empty row,
            // which checks it: a later negation would hide a y that is out of range.
            mcopy(pairs, add(item, 32), PAIR)
            let row := add(sums, mul(ROW, mload(item)))
            mcopy(add(row, 64), add(item, 224), 64)
            ok := staticcall(gas(), 6, row, 128, row, 64)
            mstore(add(row, 128), 1)
            mcopy(add(row, 160), add(item, 288), 96) // h, z, y, each below the order
            // A refused call has burnt nearly all gas: stop at once, so that enough is left to say so.
            for { let i := 1 } and(ok, lt(i, m)) { i := add(i, 1) } {
                item := add(item, ITEM)
                pairs := add(pairs, PAIR)
                mstore(32, i)
                let r := and(keccak256(0, 64), 0xffffffffffffffffffffffffffffffff)
                row := add(sums, mul(ROW, mload(item)))
                // r·A in place: A and r where the pair will stand, B over r afterwards
                mcopy(pairs, add(item, 32), 64)
                mstore(add(pairs, 64), r)
                ok := and(ok, staticcall(gas(), 7, pairs, 96, pairs, 64))
                mcopy(add(pairs, 64), add(item, 96), 128)
                // r·C: C in the row's room, r in the word behind it (that of Σr, written again right after)
                let sumR := add(mload(add(row, 128)), r)
                mcopy(add(row, 64), add(item, 224), 64)
                mstore(add(row, 128), r)
                ok := and(ok, staticcall(gas(), 7, add(row, 64), 96, add(row, 64), 64))
                ok := and(ok, staticcall(gas(), 6, row, 128, row, 64))
                mstore(add(row, 128), sumR) // fewer than 2^17 numbers below 2^128: no reduction needed
                mstore(add(row, 160), addmod(mload(add(row, 160)), mulmod(r, mload(add(item, 288)), SCALAR), SCALAR))
                mstore(add(row, 192), addmod(mload(add(row, 192)), mulmod(r, mload(add(item, 320)), SCALAR), SCALAR))
                mstore(add(row, 224), addmod(mload(add(row, 224)), mulmod(r, mload(add(item, 352)), SCALAR), SCALAR))
            }
        }
        if (!ok) revert ProofMalformed();
    }

    /// Step 2. For every circuit used: vkx += Σr·IC0 + Σrh·IC1 + Σrz·IC2 + Σry·IC3, and the pair (-ΣrC, δ).
    /// `total` is the sum of all r. A row whose Σr is zero was not used (r is zero with probability 2^-128: then the
    /// proof it belongs to weighs nothing, which the bound counts).
    function _closeCircuits(uint256 sums, uint256 keys, uint256 pair, uint256 vkx)
        private
        view
        returns (uint256 nextPair, uint256 total)
    {
        bool ok = true;
        assembly ("memory-safe") {
            mstore(vkx, 0)
            mstore(add(vkx, 32), 0)
        }
        for (uint256 id = 1; id < CIRCUIT_LIMIT; ++id) {
            uint256 row = sums + ROW * id;
            uint256 sumR;
            assembly ("memory-safe") {
                sumR := mload(add(row, 128))
            }
            if (sumR == 0) continue;
            uint256 entry = _entry(keys, id);
            total = addmod(total, sumR, SCALAR);
            assembly ("memory-safe") {
                for { let k := 0 } lt(k, 4) { k := add(k, 1) } {
                    mcopy(add(vkx, 64), add(add(entry, 129), shl(6, k)), 64)
                    mstore(add(vkx, 128), mload(add(add(row, 128), shl(5, k))))
                    ok := and(ok, staticcall(gas(), 7, add(vkx, 64), 96, add(vkx, 64), 64))
                    ok := and(ok, staticcall(gas(), 6, vkx, 128, vkx, 64))
                }
                mstore(pair, mload(row))
                mstore(add(pair, 32), mod(sub(BASE, mload(add(row, 32))), BASE))
                mcopy(add(pair, 64), add(entry, 1), 128)
                pair := add(pair, PAIR)
            }
        }
        if (!ok) revert ProofMalformed();
        nextPair = pair;
    }

    /// Step 3. The pairs (-Σr·α, β) and (-vkx, γ).
    function _closeShared(uint256 keys, uint256 pair, uint256 vkx, uint256 total)
        private
        view
        returns (uint256 nextPair)
    {
        bool ok;
        assembly ("memory-safe") {
            mcopy(pair, keys, 64)
            mstore(add(pair, 64), total)
            ok := staticcall(gas(), 7, pair, 96, pair, 64)
            mstore(add(pair, 32), mod(sub(BASE, mload(add(pair, 32))), BASE))
            mcopy(add(pair, 64), add(keys, KEY_BETA), 128)
            pair := add(pair, PAIR)
            mstore(pair, mload(vkx))
            mstore(add(pair, 32), mod(sub(BASE, mload(add(vkx, 32))), BASE))
            mcopy(add(pair, 64), add(keys, KEY_GAMMA), 128)
            nextPair := add(pair, PAIR)
        }
        if (!ok) revert ProofMalformed();
    }

    /// The memory address of the entry of circuit `id` in the key blob.
    function _entry(uint256 keys, uint256 id) private pure returns (uint256 entry) {
        uint256 count;
        assembly ("memory-safe") {
            count := byte(0, mload(add(keys, KEY_COUNT)))
        }
        entry = keys + KEY_ENTRIES;
        for (uint256 i; i < count; ++i) {
            uint256 got;
            assembly ("memory-safe") {
                got := byte(0, mload(entry))
            }
            if (got == id) return entry;
            entry += KEY_ENTRY;
        }
        revert KeyMissing(id);
    }
}
