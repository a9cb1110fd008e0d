// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {allocate} from "./Field.sol";
import {CIRCUIT_LIMIT, TRANSFER_1, TRANSFER_8, UPDATE_2} from "./Circuits.sol";

// The verifying keys: one immutable blob in a data contract, checked once, in the constructor.
//
//   α(64) · β(128) · γ(128) · n(1) · n × [ circuitId(1) · δ(128) · IC0 IC1 IC2 IC3 (4 × 64) ]
//
// Points as in EIP-197 (G2: c1 before c0); ids strictly ascending; transfer(1) and at least one update present.
// Checked: every point is on its group and not infinity (the precompiles say so); δ's differ pairwise, from γ and
// from the generator of G2, up to sign. On one curve, equal x means equal up to sign, so x is all that is compared:
// an equal or negated δ would let one circuit's proof borrow another's columns, δ = ±γ lets anyone forge, δ = ±G2 is
// a key that nobody contributed to. The published development α and update(2) are refused off development chains.

/// The blob's length does not fit its count, or the count is out of range.
error KeyBlobLength(uint256 expected, uint256 got);
/// Circuit ids are not strictly ascending within the table.
error KeyOrder(uint256 id);
/// transfer(1), or any update circuit, is missing.
error KeySetIncomplete();
/// A point of the blob, by byte offset, is off its curve or subgroup, or is infinity.
error KeyPoint(uint256 offset);
/// The β or δ at this offset equals, up to sign, a point it must differ from: β, γ, another δ, or the G2 generator.
error KeyDelta(uint256 offset);
/// Keys made from the published development secret, or a development circuit, on a chain that is not for development.
error DevelopmentKeys(uint256 chainId);
/// The data contract could not be created.
error KeyStoreFailed();

abstract contract KeyTable {
    // x of the published development α; the secret behind it is in circuits/, for everyone to read.
    uint256 internal constant DEVELOPMENT_ALPHA_X =
        13035682441778925428350557272924470301763467914946702458250103853013084715649;

    // x of the generator of G2 (EIP-197), c1 then c0.
    uint256 private constant G2_X1 = 11559732032986387107991004021392285783925812861821192530917403151452391805634;
    uint256 private constant G2_X0 = 10857046999023057135944570762232829481370756359578518086990519993285655852781;

    uint256 private constant BETA = 64;
    uint256 private constant GAMMA = 192;
    uint256 private constant COUNT = 320;
    uint256 private constant ENTRIES = 321;
    uint256 private constant ENTRY = 385;

    /// keccak of the blob.
    bytes32 public immutable keysHash;
    address private immutable _store;
    uint256 private immutable _size;

    constructor(bytes memory blob) {
        _checkKeys(blob);
        keysHash = keccak256(blob);
        _size = blob.length;
        _store = _deploy(blob);
    }

    /// The blob, in memory.
    function _loadKeys() internal view returns (uint256 keys) {
        uint256 size = _size;
        address store = _store;
        keys = allocate(size + 31);
        assembly ("memory-safe") {
            extcodecopy(store, keys, 1, size)
        }
    }

    /// The blob as bytes, for auditors and clients.
    function keyBlob() external view returns (bytes memory blob) {
        blob = new bytes(_size);
        address store = _store;
        uint256 size = _size;
        assembly ("memory-safe") {
            extcodecopy(store, add(blob, 32), 1, size)
        }
    }

    /// Code of the data contract: STOP (so that nobody can run it), then the blob. Its constructor, 12 bytes:
    /// PUSH4 size · DUP1 · PUSH1 12 · PUSH0 · CODECOPY · PUSH0 · RETURN.
    function _deploy(bytes memory blob) private returns (address store) {
        bytes memory code = abi.encodePacked(hex"63", uint32(blob.length + 1), hex"80600c5f395ff3", hex"00", blob);
        assembly ("memory-safe") {
            store := create(0, add(code, 32), mload(code))
        }
        if (store == address(0)) revert KeyStoreFailed();
    }

    function _checkKeys(bytes memory blob) private view {
        if (blob.length < ENTRIES) revert KeyBlobLength(ENTRIES, blob.length);
        uint256 count = uint8(blob[COUNT]);
        if (blob.length != ENTRIES + count * ENTRY) revert KeyBlobLength(ENTRIES + count * ENTRY, blob.length);
        bool development = block.chainid == 31337 || block.chainid == 1337;
        if (_word(blob, 0) == DEVELOPMENT_ALPHA_X && !development) revert DevelopmentKeys(block.chainid);
        _checkG1(blob, 0);
        _checkG2(blob, BETA);
        _checkG2(blob, GAMMA);
        // With β = γ = G2, as in an untouched powers-of-tau file, A = α + vkx, B = γ, C = infinity proves anything.
        _checkDiffer(blob, BETA, GAMMA);
        _checkNotGenerator(blob, BETA);
        uint256 last;
        bool transfers;
        for (uint256 i; i < count; ++i) {
            uint256 pos = ENTRIES + i * ENTRY;
            uint256 id = uint8(blob[pos]);
            if (id <= last || id >= CIRCUIT_LIMIT) revert KeyOrder(id);
            if (id == UPDATE_2 && !development) revert DevelopmentKeys(block.chainid);
            if (id == TRANSFER_1) transfers = true;
            last = id;
            _checkDelta(blob, pos + 1, i);
            for (uint256 k; k < 4; ++k) _checkG1(blob, pos + 129 + 64 * k);
        }
        if (!transfers || last <= TRANSFER_8) revert KeySetIncomplete();
    }

    function _checkDelta(bytes memory blob, uint256 pos, uint256 earlier) private view {
        _checkG2(blob, pos);
        _checkNotGenerator(blob, pos);
        _checkDiffer(blob, pos, BETA);
        _checkDiffer(blob, pos, GAMMA);
        for (uint256 i; i < earlier; ++i) _checkDiffer(blob, pos, ENTRIES + i * ENTRY + 1);
    }

    function _checkNotGenerator(bytes memory blob, uint256 pos) private pure {
        if (_word(blob, pos) == G2_X1 && _word(blob, pos + 32) == G2_X0) revert KeyDelta(pos);
    }

    function _checkDiffer(bytes memory blob, uint256 a, uint256 b) private pure {
        if (_word(blob, a) == _word(blob, b) && _word(blob, a + 32) == _word(blob, b + 32)) revert KeyDelta(a);
    }

    /// On the curve and not infinity: P + infinity must succeed.
    function _checkG1(bytes memory blob, uint256 pos) private view {
        bool ok;
        assembly ("memory-safe") {
            let input := mload(0x40)
            let point := add(add(blob, 32), pos)
            mcopy(input, point, 64)
            mstore(add(input, 64), 0)
            mstore(add(input, 96), 0)
            ok := staticcall(gas(), 6, input, 128, input, 64)
            ok := and(ok, iszero(iszero(or(mload(point), mload(add(point, 32))))))
        }
        if (!ok) revert KeyPoint(pos);
    }

    /// On the twist, in the subgroup, not infinity: e(infinity, Q) must succeed.
    function _checkG2(bytes memory blob, uint256 pos) private view {
        bool ok;
        assembly ("memory-safe") {
            let input := mload(0x40)
            let point := add(add(blob, 32), pos)
            mstore(input, 0)
            mstore(add(input, 32), 0)
            mcopy(add(input, 64), point, 128)
            ok := staticcall(gas(), 8, input, 192, input, 32)
            ok := and(ok, iszero(iszero(or(mload(point), mload(add(point, 32))))))
        }
        if (!ok) revert KeyPoint(pos);
    }

    function _word(bytes memory blob, uint256 pos) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(blob, 32), pos))
        }
    }
}
