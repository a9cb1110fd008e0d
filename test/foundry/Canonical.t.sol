// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Dice, Dices} from "./support/Dice.sol";
import {Handler} from "./support/Handler.sol";
import {IRollup} from "./support/IRollup.sol";
import {Patch} from "./support/Patch.sol";
import {Plan} from "./support/Plan.sol";

// P-11: a settlement has one encoding. Random settlements of random states, accepted as they are, are spoilt byte by
// byte and in their structure: each is refused with an error of the contract, none with a panic or in silence. The
// one byte that may change is the flag by which an update's root is kept, which no proof speaks of: it means another
// settlement, not the same one.

contract CanonicalTest is Handler {
    using Dices for Dice;
    using Patch for bytes;

    uint256 private constant UPDATE_BYTES = 375;
    uint256 private constant MUTATIONS = 6;
    bytes4 private constant PANIC = 0x4e487b71; // Panic(uint256)
    bytes4 private constant MESSAGE = 0x08c379a0; // Error(string)

    function anyState(Dice memory dice) private {
        for (uint256 i; i < 8; ++i) {
            uint256 action = dice.roll(3);
            if (action == 0) this.deposits(dice.state);
            else if (action == 1) this.forces(dice.state);
            else this.settles(dice.state);
        }
    }

    /// forge-config: default.fuzz.runs = 32
    /// forge-config: long.fuzz.runs = 1500
    function testFuzz_settlementHasOneEncoding(uint256 seed) external {
        Dice memory dice = Dice(seed);
        anyState(dice);
        Plan memory plan = this.anyPlan(dice);
        if (plan.updates.length == 0) return;
        bytes memory data = pack(plan);
        uint256 before = vm.snapshotState();
        assertRefused(trySettle(AGGREGATOR, data), bytes(""));
        vm.revertToState(before);
        for (uint256 i; i < MUTATIONS; ++i) {
            bytes memory spoilt = mutated(data, dice);
            if (keccak256(spoilt) == keccak256(data)) continue;
            bytes memory reason = trySettle(AGGREGATOR, spoilt);
            if (reason.length != 0) {
                assertTyped(reason);
                continue;
            }
            assertTrue(differsInKeepFlagsOnly(data, spoilt, plan.updates.length), "P-11: two encodings");
            vm.revertToState(before);
        }
    }

    /// Any bytes at all are refused with a typed error.
    function testFuzz_anyBytesAreRefused(bytes memory data, bool header) external {
        if (header && data.length > 0) data = bytes.concat(hex"0100", data);
        assertTyped(trySettle(AGGREGATOR, data));
    }

    /// The wrapping of the bytes is exact too: selector, offset, length and padding.
    function testFuzz_wrappingIsExact(uint256 seed) external {
        Dice memory dice = Dice(seed);
        bytes memory call = abi.encodeCall(IRollup.settle, (pack(transfers(1 + dice.roll(2)))));
        bytes memory spoilt;
        uint256 kind = dice.roll(4);
        if (kind == 0) spoilt = flipped(call, dice.roll(68), dice);
        else if (kind == 1) spoilt = bytes.concat(call, new bytes(1 + dice.roll(64)));
        else if (kind == 2) spoilt = call.part(0, call.length - 1 - dice.roll(64));
        else spoilt = call.into(68, new bytes(32)).over(4, abi.encode(64));
        uint256 settlements = rollup.settlementCount();
        vm.prank(AGGREGATOR, AGGREGATOR);
        (bool ok,) = address(rollup).call(spoilt);
        assertTrue(!ok || rollup.settlementCount() == settlements, "P-11: wrapped otherwise"); // another function, at most
    }

    function mutated(bytes memory data, Dice memory dice) private pure returns (bytes memory) {
        uint256 kind = dice.roll(8);
        uint256 offset = dice.roll(data.length);
        if (kind == 0) return data.part(0, offset); // cut
        if (kind == 1) return bytes.concat(data, new bytes(1 + dice.roll(40))); // longer
        if (kind == 2) return data.into(offset, abi.encodePacked(uint8(dice.roll(256))));
        if (kind == 3) return data.without(offset, 1);
        if (kind == 4) return flipped(data, dice.roll(9), dice); // header
        if (kind == 5) { // the flags and counts at the head of the last update
            return flipped(data, data.length - UPDATE_BYTES + dice.roll(4), dice);
        }
        if (kind == 6 && data.length > 64) { // a word copied from elsewhere
            uint256 from = dice.roll(data.length - 32);
            return data.over(dice.roll(data.length - 32), data.part(from, from + 32));
        }
        return flipped(data, offset, dice);
    }

    function flipped(bytes memory data, uint256 offset, Dice memory dice) private pure returns (bytes memory) {
        uint8 other = uint8(data[offset]) ^ uint8(dice.hits(2) ? 1 << dice.roll(8) : 1 + dice.roll(255));
        return data.over(offset, abi.encodePacked(other));
    }

    function assertTyped(bytes memory reason) private pure {
        assertTrue(reason.length >= 4, "accepted, or refused in silence");
        assertTrue(bytes4(reason) != PANIC && bytes4(reason) != MESSAGE, "refused without a custom error");
    }

    function differsInKeepFlagsOnly(bytes memory a, bytes memory b, uint256 updates) private pure returns (bool) {
        if (a.length != b.length) return false;
        for (uint256 i = 2; i <= updates; ++i) {
            uint256 flag = a.length - i * UPDATE_BYTES + 1; // not of the last
            a = a.over(flag, hex"00");
            b = b.over(flag, hex"00");
        }
        return keccak256(a) == keccak256(b);
    }
}
