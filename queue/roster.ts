/**
 * The roster: which farm workers a client may seal a job for, signed by the operator.
 *
 *   id        = keccak(tag ‖ chainId ‖ contract ‖ expires ‖ address ‖ sealKey ‖ …)      workers in ascending address order
 *   signature = EIP-712 Roster(bytes32 id,uint64 expires) by the operator
 *
 * A client that skipped the signature would seal its witness to whoever sits between it and the node.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes, uintToBytes } from '../protocol/bytes.js';
import { type DigestSigner, recoverSigner, typedDigest } from '../protocol/eip712.js';
import { TacitError } from '../protocol/errors.js';
import { evmAddressToWord } from '../protocol/evmAddress.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { SEAL_MAX_RECIPIENTS } from '../protocol/seal.js';
import type { Roster, RosterWorker, SignedRoster } from './service.js';

export const MAX_ROSTER_WORKERS = SEAL_MAX_RECIPIENTS;
const TAG_ROSTER = new TextEncoder().encode('tacit.roster.v1');
const TYPE = 'Roster(bytes32 id,uint64 expires)';

/** @param workers any order; sorted here. @throws TacitError ROSTER_WORKERS (more than 16, or one address twice) */
export function makeRoster(workers: readonly RosterWorker[], expires: number, domain: Domain): Roster {
  const sorted = [...workers].sort((a, b) => (a.address < b.address ? -1 : 1));
  return { id: rosterId(sorted, expires, domain), expires, workers: sorted };
}

export async function signRoster(roster: Roster, domain: Domain, sign: DigestSigner): Promise<SignedRoster> {
  return { ...roster, signature: await sign(rosterDigest(roster, domain)) };
}

/**
 * @param operator as the node's own chain data names it, not as the roster's sender does
 * @throws TacitError ROSTER_ID, ROSTER_SIGNER, ROSTER_EXPIRED, ROSTER_WORKERS, SIGNATURE_INVALID
 */
export function verifyRoster(roster: SignedRoster, domain: Domain, operator: EvmAddress, nowSeconds: number): void {
  const id = rosterId(roster.workers, roster.expires, domain);
  if (id !== roster.id) throw new TacitError('ROSTER_ID', 'the roster does not match its id', { expected: id, got: roster.id });
  const signer = recoverSigner(rosterDigest(roster, domain), roster.signature);
  if (signer !== operator.toLowerCase())
    throw new TacitError('ROSTER_SIGNER', 'the roster was signed by somebody else', { expected: operator, got: signer });
  if (nowSeconds >= roster.expires) {
    throw new TacitError('ROSTER_EXPIRED', 'the roster has expired', {
      expected: `after ${nowSeconds}`,
      got: String(roster.expires),
      retryable: true,
    });
  }
}

function rosterId(workers: readonly RosterWorker[], expires: number, domain: Domain): Hex {
  for (let i = 1; i < workers.length; i++) {
    if (workers[i - 1]!.address >= workers[i]!.address)
      throw new TacitError('ROSTER_WORKERS', 'workers are not in ascending order', { expected: 'each address once, ascending' });
  }
  if (workers.length > MAX_ROSTER_WORKERS) {
    throw new TacitError('ROSTER_WORKERS', 'too many workers in a roster', {
      expected: `at most ${MAX_ROSTER_WORKERS}`,
      got: String(workers.length),
    });
  }
  const entries = workers.flatMap(({ address, sealKey }) => [hexToBytes(address, 20), hexToBytes(sealKey, 32)]);
  return bytesToHex(keccak_256(concatBytes(TAG_ROSTER, ...context(domain), uintToBytes(expires, 8), ...entries)));
}

function rosterDigest({ id, expires }: Roster, domain: Domain): Uint8Array {
  return typedDigest(domain, TYPE, [hexToBytes(id, 32), uintToBytes(expires, 32)]);
}

function context({ chainId, contract }: Domain): Uint8Array[] {
  return [uintToBytes(chainId, 32), evmAddressToWord(contract, 'contract')];
}
