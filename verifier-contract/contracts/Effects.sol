// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Fees} from "./Fees.sol";
// solhint-disable-next-line no-unused-import
import {Pass, PassReader, SLOT_BYTES} from "./Pass.sol";
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
    function _takeRecord(Pass memory pass, uint256 x, address recipient, address prover)
        internal
        returns (uint256 slot)
    {
        slot = pass.openSlot();
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
            pass.withdrawalsEnd = _listWithdrawal(pass.withdrawalsEnd, outAsset, recipient, value);
        }
        if (fee != 0) {
            uint256 feeAsset;
            assembly ("memory-safe") {
                feeAsset := mload(add(x, 192)) // Record.FEE_ASSET
            }
            (uint256 proving, uint256 updating, uint256 rest) = _share(fee);
            address proverPaid = prover == address(0) ? pass.updateProver : prover;
            _tally(pass.transferFees, proverPaid, feeAsset, proving);
            _tally(pass.updateFees, pass.updateProver, feeAsset, updating);
            _tally(pass.aggregatorFees, aggregator, feeAsset, rest);
        }
    }
}
