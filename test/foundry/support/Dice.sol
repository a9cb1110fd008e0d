// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// One seed, many choices.

struct Dice {
    uint256 state;
}

library Dices {
    /// A number below `sides`; 0 when there are none.
    function roll(Dice memory dice, uint256 sides) internal pure returns (uint256) {
        dice.state = uint256(keccak256(abi.encode(dice.state)));
        return sides == 0 ? 0 : dice.state % sides;
    }

    /// True once in `sides`.
    function hits(Dice memory dice, uint256 sides) internal pure returns (bool) {
        return roll(dice, sides) == 0;
    }
}
