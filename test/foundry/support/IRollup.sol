// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// The rollup as its callers see it. The tests deploy bytecode that compile.ts made and import no contract's code;
// errors come from the sources themselves.

struct QueueSettings {
    uint64 delaySeconds;
    uint128 slotFeeWei;
    uint128 bondWei;
    uint128 dropRewardWei;
}

struct Settings {
    address aggregator;
    QueueSettings queue;
    uint16 transferProverBps;
    uint16 updateProverBps;
    address[3] poseidon;
    bytes32 circuitsHash;
}

interface IRollup {
    event Settled(
        uint256 indexed settlementIndex, uint256 noteRoot, uint256 nullRoot, uint256 leafCount, uint256 queueHead
    );

    function deposit(uint32 id, uint256 value, uint256 owner, bytes32 ephemeral, bytes32 ciphertext)
        external
        payable
        returns (uint256 queueIndex);
    function force(
        bytes calldata record,
        address prover,
        address refund,
        uint256 anchor,
        uint256 h,
        bytes calldata proof
    ) external payable returns (uint256 queueIndex);
    function drop(
        uint256 queueIndex,
        bytes calldata record,
        address prover,
        address refund,
        bool second,
        uint256 next,
        uint256 leafIndex,
        uint256[3][16] calldata siblings
    ) external;
    function settle(bytes calldata data) external;
    function claim(address account, uint32 id, address to) external returns (uint256 amount);
    function registerAsset(address token) external returns (uint32 id);

    function noteRoot() external view returns (uint256);
    function nullifierRoot() external view returns (uint256);
    function isKnownRoot(uint256 root) external view returns (bool);
    function leafCount() external view returns (uint40);
    function settlementCount() external view returns (uint64);
    function queueHead() external view returns (uint64);
    function queueTail() external view returns (uint64);
    function queueItem(uint256 index) external view returns (uint64 enqueuedAt, uint8 kind, bytes32 word);
    function isForced(bytes32 recordHash) external view returns (bool);
    function isOverdue() external view returns (bool);
    function asset(uint32 id) external view returns (address token);
    function assetCount() external view returns (uint32);
    function credits(address account, uint32 id) external view returns (uint256);
    function aggregator() external view returns (address);
}
