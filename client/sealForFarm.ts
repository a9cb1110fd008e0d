/**
 * Having the farm prove: the witness is sealed for workers of the operator's signed roster.
 *
 * Each chosen worker can read the job. It learns amounts, assets, the positions of the notes spent and their one-time
 * nullifier scalars; never an address or a spend key. A worker who also paid one of these notes can compute the nullifier
 * scalar of that address, and follow what is spent of notes that it or its friends paid there. So notes received from
 * others go to the farm only when the user says so.
 */
import { bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { recordHash } from '../protocol/record.js';
import { type SealedJob, sealJob } from '../protocol/seal.js';
import { checkTransferWitness, encodeTransferWitness, type TransferWitness } from '../protocol/transfer.js';
import { verifyRoster } from '../queue/roster.js';
import type { RosterWorker } from '../queue/service.js';
import { nodeOf, type WalletEnvironment } from './environment.js';

export interface SealOptions {
  /** Seal for at most so many workers, the first after a random start. Default: all of the roster. */
  readonly workers?: number;
}

/** Shown before anything is sealed. */
export const FARM_DISCLOSURE = [
  'The farm workers that this job is sealed for can read it. They learn:',
  '  the amounts and assets of this transfer, and which notes of the rollup it spends.',
  'They do not learn: your address, the payee’s address, or any key that can spend.',
  'A worker who has itself paid you one of the notes spent here could link your spends of notes it paid to that address.',
  'Proving at home (--prove home) tells nobody anything.',
].join('\n');

/** @throws TacitError TRANSFER_T1 … T9, ROSTER_EMPTY (retryable), ROSTER_ID, ROSTER_SIGNER, ROSTER_EXPIRED, NODE_UNREACHABLE, NODE_MISSING */
export async function sealForFarm(
  witness: TransferWitness,
  environment: WalletEnvironment,
  { workers }: SealOptions = {},
): Promise<SealedJob> {
  checkTransferWitness(witness, environment.domain);
  const roster = await nodeOf(environment).roster();
  const nowSeconds = Math.floor(Date.now() / 1000);
  verifyRoster(roster, environment.domain, environment.operator, nowSeconds);
  const chosen = choose(roster.workers, workers ?? roster.workers.length);
  if (chosen.length === 0)
    throw new TacitError('ROSTER_EMPTY', 'the farm has no worker now', {
      expected: 'at least one worker, or --prove home',
      retryable: true,
    });
  const plaintext = new TextEncoder().encode(encodeTransferWitness(witness));
  return sealJob(plaintext, {
    domain: environment.domain,
    recordHash: recordHash(witness.record, environment.domain),
    rosterId: roster.id,
    expiry: roster.expires,
    recipients: chosen,
  });
}

function choose(workers: readonly RosterWorker[], count: number): RosterWorker[] {
  if (!Number.isInteger(count) || count < 0)
    throw new TacitError('SEAL_RECIPIENTS', 'not a number of workers', { expected: '1 or more', got: String(count) });
  const start = workers.length === 0 ? 0 : (globalThis.crypto.getRandomValues(new Uint32Array(1))[0] as number) % workers.length;
  return [...workers.slice(start), ...workers.slice(0, start)]
    .slice(0, count)
    .map(({ address, sealKey }) => ({ address: address.toLowerCase(), sealKey: bytesToHex(hexToBytes(sealKey, 32)) }));
}
