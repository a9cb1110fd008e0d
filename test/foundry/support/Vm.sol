// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// The cheat codes of forge that these tests use, and what a test needs to state a fact. Written for this project, so
// that tests have no library to fetch. Source of the signatures: Foundry's reference of cheat codes.

interface IVm {
    function envOr(string calldata name, string calldata fallback_) external view returns (string memory);
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytesArray(string calldata json, string calldata key) external pure returns (bytes[] memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function prank(address sender) external;
    function prank(address sender, address origin) external;
    function deal(address account, uint256 balance) external;
    function warp(uint256 timestamp) external;
    function chainId(uint256 id) external;
    function etch(address target, bytes calldata code) external;
    function store(address target, bytes32 slot, bytes32 value) external;
    function load(address target, bytes32 slot) external view returns (bytes32);
    function assume(bool condition) external pure;
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool);
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256 gasUsed);
}

abstract contract Test {
    IVm internal constant vm = IVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// forge runs this contract's functions named test… and invariant….
    bool public constant IS_TEST = true;

    error NotEqual(string what, uint256 expected, uint256 got);
    error NotEqualBytes(string what, bytes expected, bytes got);
    error NotTrue(string what);

    function assertTrue(bool fact, string memory what) internal pure {
        if (!fact) revert NotTrue(what);
    }

    function assertEq(uint256 got, uint256 expected, string memory what) internal pure {
        if (got != expected) revert NotEqual(what, expected, got);
    }

    function assertEq(address got, address expected, string memory what) internal pure {
        if (got != expected) revert NotEqual(what, uint160(expected), uint160(got));
    }

    function assertEq(bytes memory got, bytes memory expected, string memory what) internal pure {
        if (keccak256(got) != keccak256(expected)) revert NotEqualBytes(what, expected, got);
    }

    /// A number of [low, high] that depends on `seed`: the edges are as likely as they are narrow.
    function bound(uint256 seed, uint256 low, uint256 high) internal pure returns (uint256) {
        uint256 size = high - low;
        return size == type(uint256).max ? seed : low + seed % (size + 1);
    }
}
