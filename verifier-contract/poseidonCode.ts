/**
 * Creation code of the three Poseidon contracts, from circomlibjs' generator. A deployment tool: circomlibjs (GPL-3.0)
 * is loaded only when this is called. `contracts/Poseidon.sol` pins the hashes of the resulting code.
 */
import { createRequire } from 'node:module';
import type { Hex } from '../protocol/flavor.js';

interface Circomlibjs {
  poseidonContract: { createCode(inputs: number): string };
}

export const POSEIDON_ARITIES = [2, 3, 4] as const;

/** Creation code of the contract that hashes `inputs` field elements. */
export function poseidonCreationCode(inputs: (typeof POSEIDON_ARITIES)[number]): Hex {
  const { poseidonContract } = createRequire(import.meta.url)('circomlibjs') as Circomlibjs;
  return poseidonContract.createCode(inputs);
}
