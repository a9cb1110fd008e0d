// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// The contract's one re-entrancy lock, held by every function that changes state. Transient: it costs no storage and
// cannot stay locked.

/// A token hook or a recipient called back in.
error Reentered();

abstract contract Lock {
    bool private transient _locked;

    modifier locked() {
        if (_locked) revert Reentered();
        _locked = true;
        _;
        _locked = false;
    }
}
