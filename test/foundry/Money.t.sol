// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    AssetUnknown,
    BalanceRise,
    TokenRefused,
    TokenRegistered,
    TokenWithoutCode,
    WrongPayment
} from "contracts/Assets.sol";
import {ClaimRefused, NotYourCredit, NothingToClaim} from "contracts/Credits.sol";
import {Reentered} from "contracts/Lock.sol";
import {PushStarved} from "contracts/Withdrawals.sol";
import {IRollup} from "./support/IRollup.sol";
import {Plan, UpdatePlan} from "./support/Plan.sol";
import {Scene} from "./support/Scene.sol";

interface IMintable {
    function mint(address to, uint256 value) external;
    function approve(address spender, uint256 value) external returns (bool);
    function balanceOf(address account) external view returns (uint256);
}

/// A token that answers every call with one word, and takes from the rollup when it should give.
contract ShrinkingToken {
    uint256 private _balance = 100;

    function balanceOf(address) external view returns (uint256) {
        return _balance;
    }

    function transferFrom(address, address, uint256) external returns (bool) {
        _balance -= 1;
        return true;
    }
}

/// Has code and answers nothing, not even a balance.
contract MuteToken {
    fallback() external {}
}

/// When paid, tries every function that changes state and keeps what came back.
contract Intruder {
    IRollup private immutable _rollup;
    bytes[6] public reasons;
    bool public entered;

    constructor(IRollup rollup) {
        _rollup = rollup;
    }

    receive() external payable {
        uint256[3][16] memory siblings;
        bytes[6] memory calls = [
            abi.encodeCall(IRollup.deposit, (0, 1, 1, bytes32(0), bytes32(0))),
            abi.encodeCall(IRollup.force, ("", address(1), address(1), 1, 1, "")),
            abi.encodeCall(IRollup.drop, (0, "", address(1), address(1), false, 0, 0, siblings)),
            abi.encodeCall(IRollup.settle, ("")),
            abi.encodeCall(IRollup.claim, (address(this), 0, address(this))),
            abi.encodeCall(IRollup.registerAsset, (address(_rollup)))
        ];
        for (uint256 i; i < 6; ++i) {
            bool ok;
            (ok, reasons[i]) = address(_rollup).call(calls[i]);
            entered = entered || ok;
        }
    }
}

// Every refusal where money moves.

contract MoneyTest is Scene {
    bytes private constant OK = "";

    function register(address token) private returns (uint32) {
        return rollup.registerAsset(token);
    }

    function depositCall(uint32 id, uint256 value) private returns (bytes memory reason) {
        return tryCall(CLIENT, SLOT_FEE, abi.encodeCall(IRollup.deposit, (id, value, 7, bytes32(0), bytes32(0))));
    }

    // ── Assets.sol

    function test_Assets_TokenWithoutCode() external {
        bytes memory call = abi.encodeCall(IRollup.registerAsset, (STRANGER));
        assertRefused(tryCall(CLIENT, 0, call), abi.encodeWithSelector(TokenWithoutCode.selector, STRANGER));
    }

    function test_Assets_TokenRegistered() external {
        address token = address(new MuteToken());
        assertEq(register(token), 1, "first id");
        assertEq(register(address(new MuteToken())), 2, "second id");
        bytes memory call = abi.encodeCall(IRollup.registerAsset, (token));
        assertRefused(tryCall(CLIENT, 0, call), abi.encodeWithSelector(TokenRegistered.selector, token, 1));
    }

    function test_Assets_AssetUnknown_read() external {
        bytes memory call = abi.encodeCall(IRollup.asset, (1));
        assertRefused(tryCall(CLIENT, 0, call), abi.encodeWithSelector(AssetUnknown.selector, 1));
        assertEq(rollup.asset(0), address(0), "native coin");
    }

    function test_Assets_WrongPayment() external {
        bytes memory call = abi.encodeCall(IRollup.deposit, (0, 5, 7, bytes32(0), bytes32(0)));
        uint256 price = SLOT_FEE + 5;
        uint256[3] memory values = [0, price - 1, price + 1];
        for (uint256 i; i < 3; ++i) {
            bytes memory expected = abi.encodeWithSelector(WrongPayment.selector, price, values[i]);
            assertRefused(tryCall(CLIENT, values[i], call), expected);
        }
    }

    function test_Assets_TokenRefused_answersFalse() external {
        address token = adversary("FalseToken", "");
        uint32 id = register(token);
        assertRefused(depositCall(id, 5), abi.encodeWithSelector(TokenRefused.selector, token));
    }

    function test_Assets_TokenRefused_hasNoBalance() external {
        address token = address(new MuteToken());
        uint32 id = register(token);
        assertRefused(depositCall(id, 5), abi.encodeWithSelector(TokenRefused.selector, token));
    }

    function test_Assets_BalanceRise_toll() external {
        address token = adversary("TollToken", "");
        uint32 id = register(token);
        IMintable(token).mint(CLIENT, 100);
        assertRefused(depositCall(id, 5), abi.encodeWithSelector(BalanceRise.selector, 5, 4));
    }

    function test_Assets_BalanceRise_fall() external {
        uint32 id = register(address(new ShrinkingToken()));
        assertRefused(depositCall(id, 5), abi.encodeWithSelector(BalanceRise.selector, 5, type(uint256).max));
    }

    // ── Credits.sol

    /// FARM earns a fee of 1000 native coins, covered by a deposit.
    function earn() private returns (uint256 amount) {
        deposit(1_000);
        Plan memory plan = transfers(1);
        plan.transfers[0].records[0].fee = 1_000;
        plan.transfers[0].prover = FARM;
        settle(plan);
        return rollup.credits(FARM, 0);
    }

    function claim(address caller, address account, address to) private returns (bytes memory) {
        return tryCall(caller, 0, abi.encodeCall(IRollup.claim, (account, 0, to)));
    }

    function test_Credits_NothingToClaim() external {
        bytes memory expected = abi.encodeWithSelector(NothingToClaim.selector, FARM, 0);
        assertRefused(claim(STRANGER, FARM, FARM), expected);
        assertEq(earn(), 500, "earned");
        assertRefused(claim(STRANGER, FARM, FARM), OK);
        assertEq(FARM.balance, 500, "paid");
        assertRefused(claim(STRANGER, FARM, FARM), expected);
    }

    function test_Credits_NotYourCredit() external {
        earn();
        bytes memory expected = abi.encodeWithSelector(NotYourCredit.selector, FARM, STRANGER);
        assertRefused(claim(STRANGER, FARM, STRANGER), expected);
        assertRefused(claim(FARM, FARM, STRANGER), OK);
        assertEq(STRANGER.balance, 500, "paid");
    }

    function test_Credits_ClaimRefused() external {
        earn();
        address wall = adversary("RefusingRecipient", "");
        bytes memory expected = abi.encodeWithSelector(ClaimRefused.selector, wall, 0);
        assertRefused(claim(FARM, FARM, wall), expected);
        assertEq(rollup.credits(FARM, 0), 500, "still owed");
    }

    // ── Lock.sol

    function test_Lock_Reentered_everyFunction() external {
        earn();
        Intruder intruder = new Intruder(rollup);
        assertRefused(claim(FARM, FARM, address(intruder)), OK);
        assertTrue(!intruder.entered(), "entered");
        for (uint256 i; i < 6; ++i) {
            assertRefused(intruder.reasons(i), abi.encodeWithSelector(Reentered.selector));
        }
        assertEq(address(intruder).balance, 500, "paid all the same");
    }

    // ── Withdrawals.sol

    /// With every amount of gas: refused whole, or the recipient has the money. Starving makes no deferred payment.
    function test_Withdrawals_PushStarved() external {
        deposit(1_000);
        Plan memory plan = transfers(1);
        plan.transfers[0].records[0].outValue = 700;
        plan.transfers[0].records[0].recipient = STRANGER;
        bytes memory call = abi.encodeCall(IRollup.settle, (pack(plan)));
        bool starved;
        bool done;
        for (uint256 limit = 300_000; !done; limit += 1_500) {
            vm.prank(AGGREGATOR, AGGREGATOR);
            (bool ok, bytes memory reason) = address(rollup).call{gas: limit}(call);
            if (!ok && reason.length >= 4) starved = starved || bytes4(reason) == PushStarved.selector;
            done = ok;
            assertEq(rollup.credits(STRANGER, 0), 0, "deferred");
            assertEq(STRANGER.balance, ok ? 700 : 0, "paid");
        }
        assertTrue(starved, "never starved");
    }

    function test_withdrawalToAWallIsOwed() external {
        deposit(1_000);
        address wall = adversary("RefusingRecipient", "");
        Plan memory plan = transfers(1);
        plan.transfers[0].records[0].outValue = 700;
        plan.transfers[0].records[0].recipient = wall;
        settle(plan);
        assertEq(rollup.credits(wall, 0), 700, "owed");
    }

    /// Asset and transfer prover stay, the update's prover changes: what was summed up must not go to the one before.
    function test_feesOfTwoUpdatesGoToTheirProvers() external {
        address other = address(0x0DD);
        uint96 fee = 10_000;
        Plan memory plan = transfers(2);
        plan.updates = new UpdatePlan[](2);
        for (uint256 i; i < 2; ++i) {
            plan.transfers[i].prover = FARM;
            plan.transfers[i].records[0].fee = fee;
            plan.updates[i] = updateOf(UPDATE_2, 1);
        }
        plan.updates[1].prover = other;
        settle(plan);
        uint256 proving = fee * uint256(TRANSFER_BPS) / 10_000;
        uint256 updating = fee * uint256(UPDATE_BPS) / 10_000;
        assertEq(rollup.credits(UPDATER, 0), updating, "first update");
        assertEq(rollup.credits(other, 0), updating, "second update");
        assertEq(rollup.credits(FARM, 0), 2 * proving, "transfers");
        assertEq(rollup.credits(AGGREGATOR, 0), 2 * (fee - proving - updating), "rest");
    }
}
