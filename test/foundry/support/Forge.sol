// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SCALAR} from "contracts/Field.sol";
import {TAG_CHALLENGE} from "contracts/Tags.sol";
import {IVm} from "./Vm.sol";

// SIMULATED proofs: whoever knows the secrets of a set-up proves anything. The keys here are made from secrets that
// test/verifier-contract/syntheticKeys.ts publishes, and a proof of any public inputs costs one scalar product:
//
//   A = G1, B = β·G2  ⇒  C = (β - α·β - (ic0 + h·ic1 + z·ic2 + y·ic3)·γ) / δ · G1
//
// The fingerprint is computed here a second time, slowly, over a plain array.

struct Secrets {
    uint256 alpha;
    uint256 beta;
    uint256 gamma;
    uint256[] deltaInverse; // by circuit id
    uint256[] ic; // 4 · id + k
    bytes betaPoint; // β·G2, 128 bytes as EIP-197 wants them
}

library Forge {
    error PrecompileFailed();

    /// Reads the secrets that prepare.ts wrote.
    function open(IVm vm, string memory json) internal pure returns (Secrets memory s) {
        s.alpha = vm.parseJsonUint(json, ".alpha");
        s.beta = vm.parseJsonUint(json, ".beta");
        s.gamma = vm.parseJsonUint(json, ".gamma");
        s.deltaInverse = vm.parseJsonUintArray(json, ".deltaInverse");
        s.ic = vm.parseJsonUintArray(json, ".ic");
        s.betaPoint = vm.parseJsonBytes(json, ".betaPoint");
    }

    /// z and y of a statement at the contract `verifier`.
    function challenge(address verifier, uint256 id, uint256 h, uint256[] memory x)
        internal
        view
        returns (uint256 z, uint256 y)
    {
        bytes32 digest =
            keccak256(abi.encodePacked(TAG_CHALLENGE, block.chainid, uint256(uint160(verifier)), id, h, x));
        z = uint256(digest) % SCALAR;
        for (uint256 i; i < x.length; ++i) y = addmod(mulmod(y, z, SCALAR), x[i], SCALAR);
    }

    /// A valid proof, 256 bytes, that the circuit `id` holds for h and the list x.
    function prove(Secrets memory s, address verifier, uint256 id, uint256 h, uint256[] memory x)
        internal
        view
        returns (bytes memory)
    {
        (uint256 z, uint256 y) = challenge(verifier, id, h, x);
        uint256 vkx = s.ic[4 * id];
        vkx = addmod(vkx, mulmod(h, s.ic[4 * id + 1], SCALAR), SCALAR);
        vkx = addmod(vkx, mulmod(z, s.ic[4 * id + 2], SCALAR), SCALAR);
        vkx = addmod(vkx, mulmod(y, s.ic[4 * id + 3], SCALAR), SCALAR);
        uint256 c = addmod(s.beta, SCALAR - mulmod(s.alpha, s.beta, SCALAR), SCALAR);
        c = addmod(c, SCALAR - mulmod(vkx, s.gamma, SCALAR), SCALAR);
        return abi.encodePacked(uint256(1), uint256(2), s.betaPoint, multiple(mulmod(c, s.deltaInverse[id], SCALAR)));
    }

    /// scalar · G1, 64 bytes.
    function multiple(uint256 scalar) internal view returns (bytes memory) {
        (bool ok, bytes memory point) = address(7).staticcall(abi.encode(1, 2, scalar));
        if (!ok) revert PrecompileFailed();
        return point;
    }
}
