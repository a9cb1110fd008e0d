// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Tally} from "./Credits.sol";
import {Fees} from "./Fees.sol";
// solhint-disable-next-line no-unused-import
import {Pass, PassReader, SLOT_BYTES} from "./Pass.sol";
import {Withdrawal} from "./Withdrawal.sol";
import {Withdrawals} from "./Withdrawals.sol";

// What a record does beside entering the trees: its withdrawal is listed, its fee is shared.

abstract contract Effects is Fees, Withdrawals {
    using PassReader for Pass;

    /// Who may settle while nothing in the queue is overdue, and who gets the rest of every fee.
    address public immutable aggregator;

    constructor(address aggregator_) {
        aggregator = aggregator_;
    }

    /// A verified record's effects: its slot, its withdrawal, its fee. `x` holds its nine elements.
    function _takeRecord(Pass memory pass, uint256 x, address recipient, uint256 prover)
        internal
        returns (uint256 slot)
    {
        slot = pass.slotPtr; // openSlot, in place
        if (slot == pass.updateEnd) pass.nextUpdate();
        unchecked {
            pass.slotPtr = slot + SLOT_BYTES;
        }
        uint256 value;
        uint256 fee;
        assembly ("memory-safe") {
            mcopy(slot, x, SLOT_BYTES)
            value := mload(add(x, 160)) // Record.OUT_VALUE
            fee := mload(add(x, 224)) // Record.FEE
        }
        if (value != 0) {
            uint256 outAsset;
            assembly ("memory-safe") {
                outAsset := mload(add(x, 128)) // Record.OUT_ASSET
            }
            pass.withdrawalsEnd = Withdrawal.list(pass.withdrawalsEnd, outAsset, recipient, value);
        }
        if (fee != 0) {
            uint256 feeAsset;
            assembly ("memory-safe") {
                feeAsset := mload(add(x, 192)) // Record.FEE_ASSET
            }
            _payFee(pass, prover, feeAsset, fee);
        }
    }

    /// The shares of one fee. Mostly accounts and asset are those of the record before: then three sums grow.
    function _payFee(Pass memory pass, uint256 prover, uint256 asset, uint256 fee) private {
        unchecked {
            (uint256 proving, uint256 updating, uint256 rest) = _share(fee);
            uint256 updateProver = pass.updateProver;
            if (prover == 0) prover = updateProver;
            Tally memory transferFees = pass.transferFees;
            Tally memory updateFees = pass.updateFees;
            Tally memory aggregatorFees = pass.aggregatorFees;
            // The aggregator's tally holds the same asset as the transfer prover's: they change together, below.
            uint256 changed = transferFees.key ^ _tallyKey(prover, asset);
            changed |= updateFees.key ^ _tallyKey(updateProver, asset);
            if (changed == 0) {
                transferFees.amount += proving;
                updateFees.amount += updating;
                aggregatorFees.amount += rest;
            } else {
                _tally(transferFees, prover, asset, proving);
                _tally(updateFees, updateProver, asset, updating);
                _tally(aggregatorFees, uint160(aggregator), asset, rest);
            }
        }
    }
}
