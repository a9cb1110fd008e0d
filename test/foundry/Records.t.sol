// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {NotInField, SCALAR} from "contracts/Field.sol";
import {
    FeeAssetNotCanonical,
    FeeNotNarrowest,
    NullifierRange,
    NullifierTwice,
    Record,
    RecordFlags,
    WithdrawalOfNothing
} from "contracts/Record.sol";
import {Pack} from "./support/Pack.sol";
import {IRollup} from "./support/IRollup.sol";
import {Patch} from "./support/Patch.sol";
import {TransferRecord} from "./support/Plan.sol";
import {Scene} from "./support/Scene.sol";

/// Record.read on its own: calldata in, elements out.
contract RecordReader {
    function read(bytes calldata data) external view returns (uint256[9] memory x, uint256 length, address recipient) {
        uint256 start;
        uint256 end;
        assembly ("memory-safe") {
            start := data.offset
        }
        uint256 ext = Record.openExt();
        uint256 place;
        assembly ("memory-safe") {
            place := x
        }
        (end, recipient) = Record.read(start, place, ext);
        length = end - start;
    }
}

// Every refusal of a record, and the proof by fuzzing that a record has one encoding.

contract RecordsTest is Scene {
    using Patch for bytes;

    uint256 private constant NULLIFIER_LIMIT = (1 << 248) - 1;
    uint256 private constant PRIVATE_BYTES = 223;
    /// Where the record stands in a settlement of one private transfer with one anchor.
    uint256 private constant RECORD = 332;

    RecordReader private reader;
    TransferRecord private plain;
    bytes private honest;

    function setUp() public override {
        super.setUp();
        reader = new RecordReader();
        plain = freshRecord();
        honest = pack(transfers(1));
    }

    /// By the library as these tests compile it, and by the deployed contract in both places where it reads a record.
    function refused(bytes memory data, bytes memory expected) private {
        try reader.read(data) {
            assertEq(expected, "", "read");
        } catch (bytes memory reason) {
            assertRefused(reason, expected);
        }
        if (expected.length == 0) return;
        bytes memory tail = honest.part(RECORD + PRIVATE_BYTES, honest.length);
        bytes memory settled = bytes.concat(honest.part(0, RECORD), data, tail);
        assertRefused(trySettle(AGGREGATOR, settled), expected);
        bytes memory call = abi.encodeCall(
            IRollup.force, (data, address(0), REFUND, rollup.noteRoot(), 1, new bytes(256))
        );
        assertRefused(tryCall(CLIENT, SLOT_FEE + BOND, call), expected);
    }

    function test_Record_RecordFlags() external {
        for (uint256 bit = 4; bit < 8; ++bit) {
            bytes memory data = Pack.record(plain).over(0, abi.encodePacked(uint8(1 << bit)));
            refused(data, abi.encodeWithSelector(RecordFlags.selector, 1 << bit));
        }
    }

    function test_Record_NullifierRange() external {
        TransferRecord memory r = plain;
        uint256[2] memory edges = [uint256(0), NULLIFIER_LIMIT];
        for (uint256 i; i < 2; ++i) {
            (r.nf1, r.nf2) = (edges[i], 7);
            refused(Pack.record(r), abi.encodeWithSelector(NullifierRange.selector, edges[i]));
            (r.nf1, r.nf2) = (7, edges[i]);
            refused(Pack.record(r), abi.encodeWithSelector(NullifierRange.selector, edges[i]));
        }
        (r.nf1, r.nf2) = (1, NULLIFIER_LIMIT - 1);
        refused(Pack.record(r), "");
    }

    function test_Record_NullifierTwice() external {
        TransferRecord memory r = plain;
        r.nf2 = r.nf1;
        refused(Pack.record(r), abi.encodeWithSelector(NullifierTwice.selector, r.nf1));
    }

    function test_Record_NotInField() external {
        TransferRecord memory r = plain;
        r.cm1 = SCALAR;
        refused(Pack.record(r), abi.encodeWithSelector(NotInField.selector, SCALAR));
        (r.cm1, r.cm2) = (SCALAR - 1, type(uint256).max);
        refused(Pack.record(r), abi.encodeWithSelector(NotInField.selector, type(uint256).max));
    }

    function test_Record_WithdrawalOfNothing() external {
        bytes memory data = bytes.concat(Pack.record(plain).over(0, hex"01"), new bytes(40));
        refused(data, abi.encodeWithSelector(WithdrawalOfNothing.selector));
    }

    function test_Record_FeeNotNarrowest() external {
        bytes memory data = Pack.record(plain);
        refused(
            bytes.concat(data.over(0, hex"04"), new bytes(4)), abi.encodeWithSelector(FeeNotNarrowest.selector, 0, 4)
        );
        refused(
            bytes.concat(data.over(0, hex"08"), hex"00000000ffffffff"),
            abi.encodeWithSelector(FeeNotNarrowest.selector, type(uint32).max, 8)
        );
        refused(
            bytes.concat(data.over(0, hex"0c"), hex"00000000ffffffffffffffff"),
            abi.encodeWithSelector(FeeNotNarrowest.selector, type(uint64).max, 12)
        );
    }

    function test_Record_FeeAssetNotCanonical() external {
        bytes memory data = Pack.record(plain);
        bytes memory noFee = bytes.concat(data.over(0, hex"02"), hex"00000007");
        refused(noFee, abi.encodeWithSelector(FeeAssetNotCanonical.selector, 7, 0));
        bytes memory native = bytes.concat(data.over(0, hex"06"), hex"00000005", hex"00000000");
        refused(native, abi.encodeWithSelector(FeeAssetNotCanonical.selector, 0, 5));
    }

    // ── one record, one encoding

    /// Any record: reading its encoding gives its elements and its length.
    function testFuzz_readsWhatIsPacked(TransferRecord memory r) external view {
        tame(r);
        bytes memory data = Pack.record(r);
        (uint256[9] memory x, uint256 length, address recipient) = reader.read(data);
        uint256[] memory expected = new uint256[](9);
        // ext is bound to the contract that reads
        Pack.elements(address(reader), r, expected, 0);
        for (uint256 i; i < 9; ++i) assertEq(x[i], expected[i], "element");
        assertEq(length, data.length, "length");
        assertEq(recipient, r.recipient, "recipient");
    }

    /// Any bytes: refused with an error of Record.sol, or exactly what packing the elements gives.
    function testFuzz_anyBytesAreCanonicalOrRefused(bytes32 seed, uint8 flags, bool inField, bytes memory tail)
        external
        view
    {
        bytes memory data;
        for (uint256 i; i < 7; ++i) data = bytes.concat(data, keccak256(abi.encode(seed, i)));
        data = data.part(0, PRIVATE_BYTES).over(0, abi.encodePacked(flags & 31));
        if (inField) data = data.over(63, hex"00").over(95, hex"00");
        canonicalOrRefused(bytes.concat(data, tail));
    }

    /// The encoding of a record with bytes changed, cut or added: the same.
    function testFuzz_mutatedBytesAreCanonicalOrRefused(TransferRecord memory r, uint256 offset, bytes1 value, uint8 cut)
        external
        view
    {
        tame(r);
        bytes memory data = Pack.record(r);
        canonicalOrRefused(data.over(offset % data.length, abi.encodePacked(value)));
        canonicalOrRefused(data.part(0, data.length - bound(cut, 1, data.length)));
        canonicalOrRefused(bytes.concat(data, value));
        canonicalOrRefused(data.over(0, abi.encodePacked(value)));
    }

    function canonicalOrRefused(bytes memory data) private view {
        try reader.read(data) returns (uint256[9] memory x, uint256 length, address recipient) {
            // What lies behind the end is read as zero, and the caller compares lengths: pad to compare at all.
            bytes memory whole = data.length < length ? bytes.concat(data, new bytes(length - data.length)) : data;
            assertEq(Pack.record(rebuilt(x, recipient, whole)), whole.part(0, length), "one encoding");
        } catch (bytes memory reason) {
            assertTrue(isRecordError(bytes4(reason)), "a typed error");
        }
    }

    function rebuilt(uint256[9] memory x, address recipient, bytes memory data)
        private
        pure
        returns (TransferRecord memory r)
    {
        (r.nf1, r.nf2, r.cm1, r.cm2) = (x[0], x[1], x[2], x[3]);
        (r.outAsset, r.outValue, r.feeAsset, r.fee) = (uint32(x[4]), uint128(x[5]), uint32(x[6]), uint96(x[7]));
        r.recipient = recipient;
        r.ephemeral = bytes32(data.word(127));
        (r.ciphertext1, r.ciphertext2) = (bytes32(data.word(159)), bytes32(data.word(191)));
    }

    function isRecordError(bytes4 selector) private pure returns (bool) {
        return selector == RecordFlags.selector || selector == NullifierRange.selector
            || selector == NullifierTwice.selector || selector == WithdrawalOfNothing.selector
            || selector == FeeNotNarrowest.selector || selector == FeeAssetNotCanonical.selector
            || selector == NotInField.selector;
    }

    /// Into the ranges of a record.
    function tame(TransferRecord memory r) private pure {
        r.nf1 = bound(r.nf1, 1, NULLIFIER_LIMIT - 1);
        r.nf2 = bound(r.nf2, 1, NULLIFIER_LIMIT - 1);
        vm.assume(r.nf1 != r.nf2);
        (r.cm1, r.cm2) = (r.cm1 % SCALAR, r.cm2 % SCALAR);
        if (r.outValue == 0 || r.nf1 % 3 == 0) (r.outAsset, r.outValue, r.recipient) = (0, 0, address(0));
        if (r.nf1 % 4 == 1) r.fee = uint32(r.fee);
        if (r.nf1 % 4 == 2) r.fee = uint64(r.fee);
        if (r.nf1 % 4 == 3) r.fee = 0;
        if (r.fee == 0) r.feeAsset = 0;
    }
}
