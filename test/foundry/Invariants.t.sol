// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Handler} from "./support/Handler.sol";
import {Test} from "./support/Vm.sol";

// The properties of verifier-contract/PROPERTIES.md over random histories of everything that anyone can do.

contract InvariantsTest is Test {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler private handler;

    function setUp() external {
        handler = new Handler();
        handler.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge asks for this by name; settling is named more than once to be chosen more often.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory s = new bytes4[](7);
        (s[0], s[1], s[2]) = (Handler.deposits.selector, Handler.forces.selector, Handler.passes.selector);
        (s[3], s[4], s[5]) = (Handler.claims.selector, Handler.drops.selector, Handler.settles.selector);
        s[6] = Handler.repeats.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), s);
    }

    function invariant_properties() public view {
        handler.checkMoney();
        handler.checkRoots();
        handler.checkQueue();
        handler.checkOverdue();
    }

    /// The handler gets everywhere: an invariant over histories in which nothing happens would say nothing.
    function test_handlerReachesEverything() external {
        uint256 seed;
        for (uint256 step; step < 400; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 action = seed % 10;
            if (action < 2) handler.deposits(seed);
            else if (action < 4) handler.forces(seed);
            else if (action < 7) handler.settles(seed);
            else if (action == 7) handler.claims(seed);
            else if (action == 8) handler.drops(seed);
            else if (seed % 20 == 9) handler.passes(seed);
            else handler.repeats(seed);
            if (step % 20 == 0) invariant_properties();
        }
        invariant_properties();
        bytes32[9] memory reached = [
            bytes32("deposit"), "force", "pass", "claim", "drop", "settle", "open settle", "drop in settle", "deferred"
        ];
        for (uint256 i; i < reached.length; ++i) {
            assertTrue(handler.count(reached[i]) > 0, string(abi.encodePacked("never reached: ", reached[i])));
        }
    }
}
