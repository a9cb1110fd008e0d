// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// How a fee is shared, in hundredths of a percent, fixed at deployment.
//
// Of every transfer's fee: a share to the prover of the transfer's proof (when the proof names nobody, to the prover
// of the update that holds the transfer's slot), a share to that update's prover, the rest to the aggregator. Shares
// are rounded down, transfer by transfer.

/// The two shares exceed the whole.
error SharesTooLarge(uint256 transferProverBps, uint256 updateProverBps);

abstract contract Fees {
    uint256 internal constant WHOLE_BPS = 10_000;

    uint256 public immutable transferProverBps;
    uint256 public immutable updateProverBps;

    constructor(uint16 transferProverBps_, uint16 updateProverBps_) {
        if (uint256(transferProverBps_) + updateProverBps_ > WHOLE_BPS) {
            revert SharesTooLarge(transferProverBps_, updateProverBps_);
        }
        transferProverBps = transferProverBps_;
        updateProverBps = updateProverBps_;
    }

    /// `fee` is below 2^96.
    function _share(uint256 fee) internal view returns (uint256 transferProver, uint256 updateProver, uint256 rest) {
        unchecked {
            transferProver = fee * transferProverBps / WHOLE_BPS;
            updateProver = fee * updateProverBps / WHOLE_BPS;
            rest = fee - transferProver - updateProver;
        }
    }
}
