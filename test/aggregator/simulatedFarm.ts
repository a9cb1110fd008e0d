/**
 * A farm whose keys are made from known toxic waste: its proofs satisfy the verification equation for any statement, in
 * milliseconds. Queue, node and contract are the real ones and verify these proofs like any others; only the circuits'
 * own demands are not made, which other tests look after.
 */
import { bytesToHex } from '../../protocol/bytes.js';
import { CIRCUITS, type CircuitName } from '../../protocol/circuit.js';
import { evmAddressOfKey, signerFromKey } from '../../protocol/eip712.js';
import { fieldFromBytes, fieldToBytes } from '../../protocol/field.js';
import { type PublicInputs, publicInputsOf, publicSignals, transferList, transferSponge } from '../../protocol/fingerprint.js';
import { type KeyTable, makeKeyTable } from '../../protocol/fold.js';
import { x25519Public } from '../../protocol/onetime.js';
import { encodeProof } from '../../protocol/proof.js';
import { type Domain, decodeRecord, encodeRecord, recordHash, recordMessage, type TransferRecord } from '../../protocol/record.js';
import { openJob, type SealedJob, sealJob } from '../../protocol/seal.js';
import { ownUpdate } from '../../prover/updateJob.js';
import { AnnouncementBoard, signAnnouncement } from '../../queue/announce.js';
import type { FarmJob, FarmResult } from '../../queue/contracts.js';
import type { Lane } from '../../queue/farmOptions.js';
import { consumeFarm, PassOn } from '../../queue/farmWorker.js';
import type { HomeProof, SignedRoster } from '../../queue/service.js';
import { keyOf, mod, simulate, wasteFor } from '../protocol/simulatedProofs.js';

const CIRCUIT_NAMES: readonly CircuitName[] = ['transfer_1', 'transfer_8', 'update_2', 'update_8'];

export function simulatedKeys(): KeyTable {
  return makeKeyTable(CIRCUIT_NAMES.map((name) => [CIRCUITS[name].id, keyOf(wasteFor(CIRCUITS[name].id))] as const));
}

/** 256 bytes that satisfy the circuit's key for these inputs. */
export function simulatedProof(circuit: CircuitName, inputs: PublicInputs, seed = 1n): string {
  const { id } = CIRCUITS[circuit];
  return bytesToHex(encodeProof(simulate(wasteFor(id), publicSignals(inputs), mod(inputs.h + seed + 2n) || 3n, mod(inputs.z + 5n) || 7n)));
}

export function homeProof(record: TransferRecord, anchor: bigint, prover: string, domain: Domain, seed = 1n): HomeProof {
  const h = transferSponge('transfer_1', anchor, prover, [recordMessage(record, domain)]);
  const inputs = publicInputsOf(CIRCUITS.transfer_1.id, h, transferList(anchor, prover, [record], domain), domain);
  return { circuit: 'transfer_1', anchor: hex(anchor), prover, h: hex(h), proof: simulatedProof('transfer_1', inputs, seed) };
}

export interface SimulatedWorker {
  readonly address: string;
  readonly proved: string[];
  stop(): Promise<void>;
}

export interface SimulatedWorkerOptions {
  readonly redisUrl: string;
  readonly domain: Domain;
  /** Private key, 32 bytes. */
  readonly key: Uint8Array;
  readonly lanes?: readonly Lane[];
  /** Replaces what is handed back: a worker that lies. */
  readonly spoil?: (job: FarmJob, result: FarmResult) => FarmResult;
}

/** A worker on the real queue. Its sealed jobs hold `record ‖ anchor`. */
export async function startSimulatedWorker({
  redisUrl,
  domain,
  key,
  lanes = ['transfer_1', 'update_2', 'update_8'],
  spoil = (_, result) => result,
}: SimulatedWorkerOptions): Promise<SimulatedWorker> {
  const address = evmAddressOfKey(key);
  const sealSecret = key.map((byte) => byte ^ 0x5a);
  const board = new AnnouncementBoard(redisUrl, domain);
  const announcement = {
    address,
    sealKey: bytesToHex(x25519Public(sealSecret)),
    lanes: [...lanes],
    sealKeyUntil: Math.floor(Date.now() / 1000) + 86_400,
  };
  const announce = async () => board.put(await signAnnouncement(announcement, domain, signerFromKey(key)));
  await announce();
  const timer = setInterval(() => void announce().catch(() => {}), 4_000);
  const proved: string[] = [];
  const consumer = await consumeFarm({
    redisUrl,
    domain,
    lanes,
    name: address,
    handler: async (job, report) => {
      const result =
        job.kind === 'update'
          ? proveUpdate(job, address, domain)
          : await proveSealed(job.sealed[0] as SealedJob, sealSecret, address, domain, report);
      proved.push(job.id);
      return spoil(job, result);
    },
  });
  return {
    address,
    proved,
    stop: async () => {
      clearInterval(timer);
      await consumer.drain();
      board.close();
    },
  };
}

export function sealForSimulated(record: TransferRecord, anchor: bigint, roster: SignedRoster, domain: Domain): SealedJob {
  const plaintext = new Uint8Array([...fieldToBytes(anchor), ...encodeRecord(record)]);
  return sealJob(plaintext, {
    domain,
    recordHash: recordHash(record, domain),
    rosterId: roster.id,
    expiry: roster.expires,
    recipients: roster.workers,
  });
}

function proveUpdate(job: Extract<FarmJob, { kind: 'update' }>, address: string, domain: Domain): FarmResult {
  const { publicInputs } = ownUpdate(job, address, domain);
  return { circuit: job.circuit, proof: simulatedProof(job.circuit, publicInputs), h: hex(publicInputs.h), prover: address, provingMs: 1 };
}

async function proveSealed(
  sealed: SealedJob,
  secret: Uint8Array,
  address: string,
  domain: Domain,
  report: (progress: { stage: 'checked'; worker: string }) => Promise<void>,
): Promise<FarmResult> {
  const { recordHash: id, rosterId, expiry } = sealed;
  if (!sealed.recipients.some((recipient) => recipient.address === address)) throw new PassOn();
  const plaintext = openJob(sealed, secret, address, { domain, recordHash: id, rosterId, expiry }, Math.floor(Date.now() / 1000));
  const anchor = fieldFromBytes(plaintext.slice(0, 32));
  await report({ stage: 'checked', worker: address });
  const { h, proof } = homeProof(decodeRecord(plaintext.slice(32)), anchor, address, domain);
  return { circuit: 'transfer_1', proof, h, prover: address, anchor: hex(anchor), provingMs: 1 };
}

export function hex(x: bigint): string {
  return bytesToHex(fieldToBytes(x));
}
