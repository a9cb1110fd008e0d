// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// Domain tags: ASCII, right-padded with zeros to 32 bytes, first word of what is hashed with keccak.
// The same five stand in protocol/constants.ts; a test compares them.

bytes32 constant TAG_EXT = "tacit.ext.v1";
bytes32 constant TAG_CHALLENGE = "tacit.challenge.v1";
bytes32 constant TAG_FOLD = "tacit.fold.v1";
bytes32 constant TAG_RECORD = "tacit.record.v1";
bytes32 constant TAG_FORCED = "tacit.forced.v1";
