/**
 * One fold, verified from its file alone.
 */

import type { CircuitName } from '../protocol/circuit.js';
import { isTacitError } from '../protocol/errors.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import { findBadProofs, verifyFold } from '../prover/engine/verify.js';
import { openBatch, parseBatchFile } from '../verifier-contract/batchFile.js';
import { readText } from './offline.js';

export interface BatchReport {
  readonly verdict: 'valid' | 'invalid';
  readonly valid: boolean;
  readonly chainId: bigint;
  readonly contract: EvmAddress;
  /** Compare it with what the contract answers to `keysHash()`: the file brings its own keys. Undefined when they are unfit. */
  readonly keysHash?: Hex;
  readonly proofs: readonly CircuitName[];
  /** Numbers of the proofs that do not verify. */
  readonly badProofs: readonly number[];
  readonly reason?: string;
  readonly code?: string;
}

/**
 * @throws TacitError FILE_UNREADABLE, BATCH_FORMAT: nothing can be said then. Everything else is a verdict.
 */
export async function verifyBatchFile(path: string): Promise<BatchReport> {
  return verifyBatch(await readText(path));
}

/** The same for the text of a file. @throws TacitError BATCH_FORMAT */
export function verifyBatch(text: string): BatchReport {
  const file = parseBatchFile(text);
  const common = { chainId: BigInt(file.chainId), contract: file.contract, proofs: file.items.map(({ circuit }) => circuit) };
  let opened: ReturnType<typeof openBatch> | undefined;
  try {
    opened = openBatch(file);
    verifyFold(opened.keys, opened.items);
    return { ...common, verdict: 'valid', valid: true, keysHash: opened.keysHash, badProofs: [] };
  } catch (error) {
    if (!isTacitError(error)) throw error;
    const bad = opened === undefined ? [] : findBadProofs(opened.keys, opened.items);
    const found = opened === undefined ? {} : { keysHash: opened.keysHash };
    return { ...common, ...found, verdict: 'invalid', valid: false, badProofs: bad, reason: error.message, code: error.code };
  }
}
