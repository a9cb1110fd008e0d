// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SCALAR, NotInField, allocate} from "./Field.sol";
import {TAG_EXT, TAG_RECORD} from "./Tags.sol";

// A transfer's public record: from its one packed encoding in calldata to the nine elements that its proof speaks of.
//
//   offset  bytes  field
//        0      1  flags: bit 0 withdrawal · bit 1 fee asset · bits 2-3 fee width as 0, 4, 8, 12 bytes · rest 0
//        1     31  nf1          0 < nf < 2^248 - 1
//       32     31  nf2          ≠ nf1
//       63     32  cm1          < p
//       95     32  cm2          < p
//      127     32  E            \
//      159     32  ciphertext 1  > opaque, bound through ext
//      191     32  ciphertext 2 /
//      223      4  outAsset     \
//      227     16  outValue      > only with bit 0; then outValue > 0
//      243     20  recipient    /
//        +   0-12  fee          the narrowest width that holds it
//        +      4  feeAsset     only with bit 1; then fee > 0 and feeAsset > 0
//
// All integers big-endian. A record has exactly one encoding; anything else reverts.
// Elements, in order: nf1, nf2, cm1, cm2, outAsset, outValue, feeAsset, fee, ext.

/// Bits 4-7 of the flags are set.
error RecordFlags(uint256 flags);
/// A nullifier is zero or the reserved largest value.
error NullifierRange(uint256 nullifier);
/// Both nullifiers of a record are the same.
error NullifierTwice(uint256 nullifier);
/// The withdrawal bit is set and the value is zero.
error WithdrawalOfNothing();
/// The fee would fit a narrower field.
error FeeNotNarrowest(uint256 fee, uint256 width);
/// The fee asset is spelt out though it is zero, or though there is no fee.
error FeeAssetNotCanonical(uint256 feeAsset, uint256 fee);

library Record {
    uint256 internal constant ELEMENT_BYTES = 32 * 9;
    uint256 internal constant NULLIFIER_LIMIT = (1 << 248) - 1;

    // Offsets of elements in the nine words that `read` fills.
    uint256 internal constant OUT_ASSET = 128;
    uint256 internal constant OUT_VALUE = 160;
    uint256 internal constant FEE_ASSET = 192;
    uint256 internal constant FEE = 224;
    uint256 internal constant EXT = 256;

    /// Memory for the preimage of ext: TAG · chainId · contract · recipient · E · ct1 · ct2, the first three filled in.
    function openExt() internal view returns (uint256 ext) {
        ext = allocate(7 * 32);
        bytes32 tag = TAG_EXT;
        assembly ("memory-safe") {
            mstore(ext, tag)
            mstore(add(ext, 32), chainid())
            mstore(add(ext, 64), address())
        }
    }

    /// Reads the record that starts at calldata offset `pos` into nine words at memory `x`.
    /// `next` is the offset after it; the caller compares the final offset with the length, so reads past the end
    /// (zeros) are caught there. All checks of the fixed part are one test; `_explain` says which of them failed.
    function read(uint256 pos, uint256 x, uint256 ext) internal pure returns (uint256 next, address recipient) {
        uint256 flags;
        bool good;
        assembly ("memory-safe") {
            flags := byte(0, calldataload(pos))
            let nf1 := shr(8, calldataload(add(pos, 1)))
            let nf2 := shr(8, calldataload(add(pos, 32)))
            let cm1 := calldataload(add(pos, 63))
            let cm2 := calldataload(add(pos, 95))
            mstore(x, nf1)
            mstore(add(x, 32), nf2)
            mstore(add(x, 64), cm1)
            mstore(add(x, 96), cm2)
            // nf - 1 wraps to the top for 0; the reserved value is NULLIFIER_LIMIT itself
            good := and(lt(sub(nf1, 1), sub(NULLIFIER_LIMIT, 1)), lt(sub(nf2, 1), sub(NULLIFIER_LIMIT, 1)))
            good := and(and(good, and(lt(cm1, SCALAR), lt(cm2, SCALAR))), gt(lt(flags, 16), eq(nf1, nf2)))
            calldatacopy(add(x, OUT_ASSET), calldatasize(), 96) // from behind the calldata: no withdrawal, native coin
            next := add(pos, 223)
        }
        if (!good) _explain(flags, x);
        if (flags & 1 != 0) (next, recipient) = _readWithdrawal(next, x);
        uint256 width = flags & 12; // bits 2-3 hold width / 4, that is: the width in place
        uint256 fee;
        bool wide;
        assembly ("memory-safe") {
            let word := calldataload(next)
            fee := shr(sub(256, shl(3, width)), word) // a shift by 256 (width 0) gives 0
            mstore(add(x, FEE), fee)
            next := add(next, width)
            wide := gt(width, mul(12, shr(224, word))) // the top four bytes of a fee as narrow as can be are not zero
        }
        if (wide) revert FeeNotNarrowest(fee, width);
        if (flags & 2 != 0) next = _readFeeAsset(next, x, fee);
        assembly ("memory-safe") {
            mstore(add(ext, 96), recipient)
            calldatacopy(add(ext, 128), add(pos, 127), 96)
            mstore(add(x, EXT), mod(keccak256(ext, 224), SCALAR))
        }
    }

    /// Reverts with the reason why the fixed part, whose elements stand at `x`, was refused.
    function _explain(uint256 flags, uint256 x) private pure {
        uint256[4] memory e;
        assembly ("memory-safe") {
            mcopy(e, x, 128)
        }
        if (flags > 15) revert RecordFlags(flags);
        for (uint256 i; i < 2; ++i) {
            if (e[i] == 0 || e[i] >= NULLIFIER_LIMIT) revert NullifierRange(e[i]);
        }
        if (e[0] == e[1]) revert NullifierTwice(e[0]);
        revert NotInField(e[2] < SCALAR ? e[3] : e[2]);
    }

    function _readWithdrawal(uint256 pos, uint256 x) private pure returns (uint256 next, address recipient) {
        uint256 value;
        assembly ("memory-safe") {
            mstore(add(x, OUT_ASSET), shr(224, calldataload(pos)))
            value := shr(128, calldataload(add(pos, 4)))
            mstore(add(x, OUT_VALUE), value)
            recipient := shr(96, calldataload(add(pos, 20)))
            next := add(pos, 40)
        }
        if (value == 0) revert WithdrawalOfNothing();
    }

    function _readFeeAsset(uint256 pos, uint256 x, uint256 fee) private pure returns (uint256 next) {
        uint256 feeAsset;
        assembly ("memory-safe") {
            feeAsset := shr(224, calldataload(pos))
            mstore(add(x, FEE_ASSET), feeAsset)
            next := add(pos, 4)
        }
        if (feeAsset == 0 || fee == 0) revert FeeAssetNotCanonical(feeAsset, fee);
    }

    /// The name of a record everywhere: keccak(TAG · chainId · contract · packed bytes).
    function hash(bytes calldata record) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_RECORD, block.chainid, uint256(uint160(address(this))), record));
    }
}
