// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SharesTooLarge} from "contracts/Fees.sol";
import {BASE} from "contracts/Field.sol";
import {FoldInvalid, KeyMissing, ProofMalformed} from "contracts/Fold.sol";
import {
    DevelopmentKeys,
    KeyBlobLength,
    KeyDelta,
    KeyOrder,
    KeyPoint,
    KeySetIncomplete
} from "contracts/KeyTable.sol";
import {PoseidonCode} from "contracts/Poseidon.sol";
import {BondBelowReward} from "contracts/Queue.sol";
import {IRollup, Settings} from "./support/IRollup.sol";
import {Patch} from "./support/Patch.sol";
import {Scene} from "./support/Scene.sol";

// Every refusal of the constructor, and of the fold.

contract KeysTest is Scene {
    using Patch for bytes;

    // The blob: α(64) β(128) γ(128) n(1), then entries of id(1) δ(128) IC(4 × 64).
    uint256 private constant BETA = 64;
    uint256 private constant GAMMA = 192;
    uint256 private constant COUNT = 320;
    uint256 private constant ENTRIES = 321;
    uint256 private constant ENTRY = 385;
    uint256 private constant LENGTH = ENTRIES + 5 * ENTRY;
    uint256 private constant DEVELOPMENT_ALPHA_X =
        13035682441778925428350557272924470301763467914946702458250103853013084715649;
    bytes private constant G2 =
        hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";

    bytes private keys;

    function setUp() public override {
        super.setUp();
        keys = vm.parseJsonBytes(inputs, ".keys");
        assertEq(keys.length, LENGTH, "blob");
    }

    function refusedWith(Settings memory s, bytes memory blob, bytes memory expected) private {
        bytes memory code = bytes.concat(vm.parseJsonBytes(inputs, ".rollup"), abi.encode(s, blob));
        (address made, bytes memory reason) = tryCreate(code);
        assertTrue(made == address(0), "deployed");
        assertRefused(reason, expected);
    }

    function refused(bytes memory blob, bytes memory expected) private {
        refusedWith(settings(), blob, expected);
    }

    function delta(uint256 i) private pure returns (uint256) {
        return ENTRIES + i * ENTRY + 1;
    }

    // ── KeyTable.sol

    function test_KeyTable_KeyBlobLength_noHead() external {
        refused(keys.part(0, COUNT), abi.encodeWithSelector(KeyBlobLength.selector, ENTRIES, COUNT));
        refused("", abi.encodeWithSelector(KeyBlobLength.selector, ENTRIES, 0));
    }

    function test_KeyTable_KeyBlobLength_notItsCount() external {
        refused(keys.part(0, LENGTH - 1), abi.encodeWithSelector(KeyBlobLength.selector, LENGTH, LENGTH - 1));
        refused(bytes.concat(keys, hex"00"), abi.encodeWithSelector(KeyBlobLength.selector, LENGTH, LENGTH + 1));
        refused(keys.over(COUNT, hex"04"), abi.encodeWithSelector(KeyBlobLength.selector, LENGTH - ENTRY, LENGTH));
    }

    function test_KeyTable_DevelopmentKeys_alpha() external {
        Settings memory s = settings();
        vm.chainId(1);
        bytes memory blob = keys.over(0, abi.encode(DEVELOPMENT_ALPHA_X));
        refusedWith(s, blob, abi.encodeWithSelector(DevelopmentKeys.selector, 1));
    }

    function test_KeyTable_DevelopmentKeys_update2() external {
        Settings memory s = settings();
        vm.chainId(10);
        refusedWith(s, keys, abi.encodeWithSelector(DevelopmentKeys.selector, 10));
        // without update(2) the same keys are welcome there
        bytes memory blob = keys.without(ENTRIES + 2 * ENTRY, ENTRY).over(COUNT, hex"04");
        assertTrue(deploy(s, blob) != address(0), "deployed");
    }

    function test_KeyTable_KeyPoint_g1() external {
        uint256[3] memory offsets = [0, delta(0) + 128, delta(4) + 128 + 3 * 64];
        for (uint256 i; i < 3; ++i) {
            bytes memory expected = abi.encodeWithSelector(KeyPoint.selector, offsets[i]);
            refused(keys.over(offsets[i], new bytes(64)), expected); // infinity
            refused(keys.over(offsets[i] + 32, abi.encode(1)), expected); // off the curve
        }
    }

    function test_KeyTable_KeyPoint_g2() external {
        uint256[3] memory offsets = [BETA, GAMMA, delta(3)];
        for (uint256 i; i < 3; ++i) {
            bytes memory expected = abi.encodeWithSelector(KeyPoint.selector, offsets[i]);
            refused(keys.over(offsets[i], new bytes(128)), expected);
            refused(keys.over(offsets[i] + 96, abi.encode(1)), expected);
        }
    }

    function test_KeyTable_KeyDelta_generator() external {
        refused(keys.over(BETA, G2), abi.encodeWithSelector(KeyDelta.selector, BETA));
        refused(keys.over(delta(1), G2), abi.encodeWithSelector(KeyDelta.selector, delta(1)));
    }

    function test_KeyTable_KeyDelta_equal() external {
        bytes memory gamma = keys.part(GAMMA, GAMMA + 128);
        refused(keys.over(BETA, gamma), abi.encodeWithSelector(KeyDelta.selector, BETA));
        refused(keys.over(delta(2), gamma), abi.encodeWithSelector(KeyDelta.selector, delta(2)));
        refused(keys.over(delta(2), keys.part(BETA, BETA + 128)), abi.encodeWithSelector(KeyDelta.selector, delta(2)));
        bytes memory other = keys.part(delta(1), delta(1) + 128);
        refused(keys.over(delta(4), other), abi.encodeWithSelector(KeyDelta.selector, delta(4)));
    }

    function test_KeyTable_KeyOrder() external {
        refused(keys.over(ENTRIES, hex"00"), abi.encodeWithSelector(KeyOrder.selector, 0));
        refused(keys.over(ENTRIES + ENTRY, hex"01"), abi.encodeWithSelector(KeyOrder.selector, 1));
        refused(keys.over(ENTRIES + 4 * ENTRY, hex"06"), abi.encodeWithSelector(KeyOrder.selector, 6));
    }

    function test_KeyTable_KeySetIncomplete() external {
        bytes memory expected = abi.encodeWithSelector(KeySetIncomplete.selector);
        refused(keys.without(ENTRIES, ENTRY).over(COUNT, hex"04"), expected); // no transfer(1)
        refused(keys.part(0, ENTRIES + 2 * ENTRY).over(COUNT, hex"02"), expected); // no update
        refused(keys.part(0, ENTRIES).over(COUNT, hex"00"), expected);
    }

    // ── the other parts of the constructor

    function test_Poseidon_PoseidonCode() external {
        for (uint256 i; i < 3; ++i) {
            Settings memory s = settings();
            s.poseidon[i] = s.poseidon[(i + 1) % 3];
            bytes memory code = bytes.concat(vm.parseJsonBytes(inputs, ".rollup"), abi.encode(s, keys));
            (address made, bytes memory reason) = tryCreate(code);
            assertTrue(made == address(0), "deployed");
            assertRefused(reason, PoseidonCode.selector);
            assertEq(reason.word(4), i + 2, "inputs");
        }
    }

    function test_Fees_SharesTooLarge() external {
        Settings memory s = settings();
        (s.transferProverBps, s.updateProverBps) = (5_000, 5_001);
        refusedWith(s, keys, abi.encodeWithSelector(SharesTooLarge.selector, 5_000, 5_001));
        s.updateProverBps = 5_000;
        assertTrue(deploy(s, keys) != address(0), "deployed");
    }

    function test_Queue_BondBelowReward() external {
        Settings memory s = settings();
        (s.queue.bondWei, s.queue.dropRewardWei) = (9, 10);
        refusedWith(s, keys, abi.encodeWithSelector(BondBelowReward.selector, 9, 10));
    }

    // ── Fold.sol, at offsets of a settlement of one transfer

    uint256 private constant PROOF = 41 + 35;

    function settling(bytes memory data) private returns (bytes memory) {
        return trySettle(AGGREGATOR, data);
    }

    function test_Fold_KeyMissing() external {
        bytes memory blob = keys.without(ENTRIES + 3 * ENTRY, ENTRY).over(COUNT, hex"04");
        rollup = IRollup(deploy(settings(), blob));
        assertRefused(settling(pack(transfers(1))), abi.encodeWithSelector(KeyMissing.selector, 4));
    }

    function test_Fold_FoldInvalid() external {
        bytes memory data = pack(transfers(1));
        bytes memory negated = abi.encode(data.word(PROOF), uint256(
            21888242871839275222246405745257275088696311157297823662689037894645226208583 - 2
        ));
        assertRefused(settling(data.over(PROOF, negated)), FoldInvalid.selector);
        assertRefused(settling(data.over(41 + 3, abi.encode(7))), FoldInvalid.selector);
    }

    function test_Fold_ProofMalformed_offTheCurve() external {
        bytes memory data = pack(transfers(1));
        assertRefused(settling(data.over(PROOF, abi.encode(1, 1))), ProofMalformed.selector);
        assertRefused(settling(data.over(PROOF + 192, abi.encode(1, 1))), ProofMalformed.selector);
    }

    function test_Fold_ProofMalformed_secondPoint() external {
        bytes memory data = pack(transfers(1));
        assertRefused(settling(data.over(PROOF + 64, abi.encode(1))), ProofMalformed.selector);
    }

    /// The first proof is weighed by no multiplication that would check it. In the second spelling here, a negation that
    /// wraps around 2^256 would bring the honest y out again.
    function test_Fold_ProofMalformed_outOfRange() external {
        bytes memory data = pack(transfers(1));
        uint256 wrap = addmod(type(uint256).max, 1, BASE);
        for (uint256 i = PROOF + 32; i <= PROOF + 224; i += 192) {
            uint256 y = data.word(i);
            assertRefused(settling(data.over(i, abi.encode(y + BASE))), ProofMalformed.selector);
            assertRefused(settling(data.over(i, abi.encode(addmod(y, wrap, BASE) + BASE))), ProofMalformed.selector);
        }
        settle(transfers(1));
    }

    /// With every amount of gas: nothing, or all of it. The closing steps fail for want of gas alone.
    function test_Fold_ProofMalformed_starved() external {
        bytes memory call = abi.encodeCall(IRollup.settle, (pack(transfers(1))));
        uint256 malformed;
        for (uint256 limit = 60_000; rollup.settlementCount() == 0; limit += 1_500) {
            vm.prank(AGGREGATOR, AGGREGATOR);
            (bool ok, bytes memory reason) = address(rollup).call{gas: limit}(call);
            assertTrue(ok == (rollup.settlementCount() == 1), "half done");
            if (!ok && reason.length != 0) {
                assertRefused(reason, ProofMalformed.selector);
                ++malformed;
            }
        }
        assertTrue(malformed > 0, "never starved");
    }
}
