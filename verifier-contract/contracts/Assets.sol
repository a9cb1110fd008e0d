// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// The asset registry, and money moving by the registry's rules.
//
// Asset 0 is the chain's native coin. Anyone may register an ERC-20, once a token; ids count up from 1 and never
// change. A token that takes a fee on transfer cannot be deposited (the balance must rise by exactly the value); a
// token that later shrinks balances makes that one asset insolvent, and no other.

/// Nothing stands at the token's address.
error TokenWithoutCode(address token);
/// The token has an id already.
error TokenRegistered(address token, uint32 id);
/// No asset has this id.
error AssetUnknown(uint32 id);
/// The native coin sent along is not what the call costs.
error WrongPayment(uint256 expected, uint256 got);
/// transferFrom failed or returned false.
error TokenRefused(address token);
/// The contract's balance did not rise by exactly the value.
error BalanceRise(uint256 expected, uint256 got);

abstract contract Assets {
    uint32 internal constant NATIVE = 0;

    /// ERC-20s registered so far; their ids are 1 .. assetCount.
    uint32 public assetCount;
    mapping(uint32 id => address token) private _tokens;
    mapping(address token => uint32 id) public assetOf;

    event AssetRegistered(uint32 indexed id, address indexed token);

    /// The token of an asset; the zero address for the native coin.
    function asset(uint32 id) public view returns (address token) {
        if (id > assetCount) revert AssetUnknown(id);
        return _tokens[id];
    }

    function _register(address token) internal returns (uint32 id) {
        if (token.code.length == 0) revert TokenWithoutCode(token);
        if (assetOf[token] != 0) revert TokenRegistered(token, assetOf[token]);
        id = ++assetCount;
        _tokens[id] = token;
        assetOf[token] = id;
        emit AssetRegistered(id, token);
    }

    /// Takes `value` of an asset from the caller, and `extraWei` of the native coin beside it.
    function _take(uint32 id, uint256 value, uint256 extraWei) internal {
        uint256 due = id == NATIVE ? value + extraWei : extraWei;
        if (msg.value != due) revert WrongPayment(due, msg.value);
        if (id == NATIVE) return;
        address token = asset(id);
        uint256 before = _balance(token);
        bytes memory call = abi.encodeWithSelector(0x23b872dd, msg.sender, address(this), value); // transferFrom
        if (!_callToken(token, call, gasleft())) revert TokenRefused(token);
        uint256 rise;
        unchecked {
            rise = _balance(token) - before; // a balance that fell wraps to a number that is no value
        }
        if (rise != value) revert BalanceRise(value, rise);
    }

    /// Sends `value` of an asset with at most `gasLimit` gas; false when the receiver or the token refuses.
    /// Of what comes back, one word is looked at and nothing is copied.
    function _send(uint32 id, address to, uint256 value, uint256 gasLimit) internal returns (bool sent) {
        if (id == NATIVE) {
            assembly ("memory-safe") {
                sent := call(gasLimit, to, value, 0, 0, 0, 0)
            }
            return sent;
        }
        return _callToken(_tokens[id], abi.encodeWithSelector(0xa9059cbb, to, value), gasLimit); // transfer
    }

    /// Success as tokens in the wild mean it: no revert, and either true or, from a contract, nothing.
    function _callToken(address token, bytes memory data, uint256 gasLimit) private returns (bool ok) {
        assembly ("memory-safe") {
            mstore(0, 0)
            ok := call(gasLimit, token, 0, add(data, 32), mload(data), 0, 32)
            switch returndatasize()
            case 0 { ok := and(ok, iszero(iszero(extcodesize(token)))) }
            default { ok := and(ok, and(gt(returndatasize(), 31), eq(mload(0), 1))) }
        }
    }

    function _balance(address token) private view returns (uint256 held) {
        bytes memory data = abi.encodeWithSelector(0x70a08231, address(this)); // balanceOf
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), token, add(data, 32), mload(data), 0, 32)
            ok := and(ok, gt(returndatasize(), 31))
            held := mload(0)
        }
        if (!ok) revert TokenRefused(token);
    }
}
