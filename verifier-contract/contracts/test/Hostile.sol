// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// Tokens and recipients that misbehave, each in one way. For tests only.

/// What the adversaries call back.
interface IRollup {
    function deposit(uint32 id, uint256 value, uint256 owner, bytes32 ephemeral, bytes32 ciphertext)
        external
        payable
        returns (uint256);
    function settle(bytes calldata data) external;
    function claim(address account, uint32 id, address to) external returns (uint256);
}

/// The least of an ERC-20; subclasses spoil `_move` or the answer.
abstract contract BareToken {
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
    }

    function approve(address, uint256) external pure returns (bool) {
        return true;
    }

    function _move(address from, address to, uint256 value) internal virtual {
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// One unit of every transfer vanishes.
contract TollToken is BareToken {
    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        _move(from, to, value);
        balanceOf[to] -= 1;
        return true;
    }
}

/// Moves nothing and answers false.
contract FalseToken is BareToken {
    function transfer(address, uint256) external pure returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) external pure returns (bool) {
        return false;
    }
}

/// Answers nothing at all, as some old tokens do.
contract SilentToken is BareToken {
    function transfer(address to, uint256 value) external {
        _move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        _move(from, to, value);
    }
}

/// In the middle of a transfer it deposits again, or claims, and remembers whether that worked.
contract ReenteringToken is BareToken {
    IRollup private immutable _rollup;
    uint32 public id;
    bool public entered;
    bool public failed;

    constructor(IRollup rollup) {
        _rollup = rollup;
    }

    function arm(uint32 id_) external {
        id = id_;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        _move(from, to, value);
        if (!entered) {
            entered = true;
            balanceOf[address(this)] += value;
            try _rollup.deposit(id, value, 1, 0, 0) {} catch {
                failed = true;
            }
        }
        return true;
    }
}

/// Refuses native coin.
contract RefusingRecipient {
    receive() external payable {
        revert("no");
    }

    function claim(IRollup rollup, uint32 id, address to) external {
        rollup.claim(address(this), id, to);
    }
}

/// Pays nothing out and uses all the gas it gets for that.
contract GreedyToken is BareToken {
    uint256 private _sink;

    function transfer(address, uint256) external returns (bool) {
        while (true) ++_sink;
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        _move(from, to, value);
        return true;
    }
}

/// Uses all the gas it gets.
contract GreedyRecipient {
    uint256 private _sink;

    receive() external payable {
        while (true) ++_sink;
    }
}

/// Reverts with far more data than a caller would want to copy.
contract BombRecipient {
    receive() external payable {
        assembly {
            revert(0, 100000)
        }
    }
}

/// Calls back when paid, and takes the money in any case.
contract ReenteringRecipient {
    IRollup private immutable _rollup;
    bool public entered;
    bool public failed;

    constructor(IRollup rollup) {
        _rollup = rollup;
    }

    receive() external payable {
        (bool ok,) = address(_rollup).call{gas: 25_000}(abi.encodeCall(IRollup.claim, (address(this), 0, address(this))));
        failed = !ok;
        entered = true;
    }
}

/// A contract in front of settle.
contract SettleProxy {
    function settle(IRollup rollup, bytes calldata data) external {
        rollup.settle(data);
    }
}

/// A contract in front of any call: passes bytes and money on, and fails as the call does.
contract Relay {
    function relay(address to, bytes calldata data) external payable {
        (bool ok, bytes memory answer) = to.call{value: msg.value}(data);
        if (!ok) {
            assembly {
                revert(add(answer, 32), mload(answer))
            }
        }
    }
}
