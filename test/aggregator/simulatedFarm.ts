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
import { checkTransferWitness, decodeTransferWitness } from '../../protocol/transfer.js';
import { ownUpdate } from '../../prover/updateJob.js';
import { signAnnouncement } from '../../queue/announce.js';
import { openBullLeases } from '../../queue/bullLeases.js';
import type { FarmJob, FarmRefusal, FarmResult, TransferJob } from '../../queue/contracts.js';
import type { Lane } from '../../queue/farmOptions.js';
import { consumeFarm, PassOn } from '../../queue/farmWorker.js';
import type { LeasePort } from '../../queue/lease.js';
import { signRefusal } from '../../queue/refusal.js';
import type { HomeProof, SignedRoster } from '../../queue/service.js';
import { signProgress, signResult } from '../../queue/statements.js';
import { keyOf, mod, simulate, wasteFor } from '../protocol/simulatedProofs.js';

const CIRCUIT_NAMES: readonly CircuitName[] = ['transfer_1', 'transfer_8', 'update_2', 'update_8', 'update_32'];

export function simulatedKeys(version = 0n): KeyTable {
  return makeKeyTable(CIRCUIT_NAMES.map((name) => [CIRCUITS[name].id, keyOf(wasteFor(CIRCUITS[name].id, version))] as const));
}

/** 256 bytes that satisfy the circuit's key for these inputs. */
export function simulatedProof(circuit: CircuitName, inputs: PublicInputs, seed = 1n, version = 0n): string {
  const { id } = CIRCUITS[circuit];
  return bytesToHex(
    encodeProof(simulate(wasteFor(id, version), publicSignals(inputs), mod(inputs.h + seed + 2n) || 3n, mod(inputs.z + 5n) || 7n)),
  );
}

export function homeProof(record: TransferRecord, anchor: bigint, prover: string, domain: Domain, seed = 1n): HomeProof {
  const { h, proof } = provenTogether('transfer_1', [record], anchor, prover, domain, seed);
  return { circuit: 'transfer_1', anchor: hex(anchor), prover, h, proof };
}

/** One proof over as many records as the circuit takes. */
export function provenTogether(
  circuit: CircuitName,
  records: readonly TransferRecord[],
  anchor: bigint,
  prover: string,
  domain: Domain,
  seed = 1n,
  version = 0n,
): { h: string; proof: string } {
  const h = transferSponge(
    circuit,
    anchor,
    prover,
    records.map((record) => recordMessage(record, domain)),
  );
  const inputs = publicInputsOf(CIRCUITS[circuit].id, h, transferList(anchor, prover, records, domain), domain);
  return { h: hex(h), proof: simulatedProof(circuit, inputs, seed, version) };
}

export interface SimulatedWorker {
  readonly address: string;
  readonly proved: string[];
  stop(): Promise<void>;
}

/** Steps of a worker with a job in hand: just taken, opened and checked, about to prove, about to hand over. */
export type WorkerPhase = 'taken' | 'checked' | 'proving' | 'result';

export interface SimulatedWorkerOptions {
  readonly redisUrl: string;
  /** Stands by what it hands back, spoilt or not. */
  readonly signs?: boolean;
  /** Another way to its jobs than Redis. */
  readonly open?: () => Promise<LeasePort>;
  readonly domain: Domain;
  /** Private key, 32 bytes. */
  readonly key: Uint8Array;
  readonly lanes?: readonly Lane[];
  /** Of the circuits that it has keys of. */
  readonly version?: bigint;
  /** Replaces what is handed back: a worker that lies. */
  readonly spoil?: (job: FarmJob, result: FarmResult) => FarmResult;
  /** Members of a transfer job that it refuses, true or not. */
  readonly refuse?: (job: TransferJob) => FarmRefusal['refused'];
  /** Called at each step; a promise makes the worker wait there. */
  readonly at?: (phase: WorkerPhase, job: FarmJob) => Promise<void> | void;
}

/** A worker on the real queue. */
export async function startSimulatedWorker({
  redisUrl,
  domain,
  key,
  lanes = ['transfer_1', 'update_2', 'update_8'],
  version = 0n,
  spoil = (_, result) => result,
  refuse = () => [],
  at = () => {},
  open,
  signs = false,
}: SimulatedWorkerOptions): Promise<SimulatedWorker> {
  const address = evmAddressOfKey(key);
  const sign = signerFromKey(key);
  const sealSecret = key.map((byte) => byte ^ 0x5a);
  const leases = await (open?.() ?? openBullLeases({ redisUrl, domain, lanes, name: address, worker: address }));
  const announcement = {
    address,
    sealKey: bytesToHex(x25519Public(sealSecret)),
    lanes: [...lanes],
    sealKeyUntil: Math.floor(Date.now() / 1000) + 86_400,
  };
  const announce = async () => leases.announce(await signAnnouncement(announcement, domain, signerFromKey(key)));
  await announce();
  const timer = setInterval(() => void announce().catch(() => {}), 4_000);
  const proved: string[] = [];
  const consumer = consumeFarm({
    leases,
    lanes,
    handler: async (job, tell) => {
      const report = async (progress: { stage: 'checked'; worker: string }) => tell(await signProgress(job.id, progress, domain, sign));
      await at('taken', job);
      const lies = job.kind === 'transfer' ? refuse(job) : [];
      const opened =
        job.kind === 'update'
          ? () => proveUpdate(job, { address, domain, version })
          : await openSealed(job, lies, { sealSecret, address, domain, version }, report);
      if (typeof opened !== 'function')
        return signRefusal(job as TransferJob, { worker: address, refused: opened }, domain, signerFromKey(key));
      await at('checked', job);
      await at('proving', job);
      const result = opened();
      await at('result', job);
      proved.push(job.id);
      const answer = spoil(job, result);
      return signs ? signResult(job, answer, domain, sign) : answer;
    },
  });
  return {
    address,
    proved,
    stop: async () => {
      clearInterval(timer);
      await consumer.drain();
      await leases.close();
    },
  };
}

/** @param inside what is sealed under the record's hash, where that is not the record itself: a job that is false */
export function sealForSimulated(record: TransferRecord, anchor: bigint, roster: SignedRoster, domain: Domain, inside = record): SealedJob {
  const plaintext = new Uint8Array([...fieldToBytes(anchor), ...encodeRecord(inside)]);
  return sealJob(plaintext, {
    domain,
    recordHash: recordHash(record, domain),
    rosterId: roster.id,
    expiry: roster.expires,
    recipients: roster.workers,
  });
}

function proveUpdate(job: Extract<FarmJob, { kind: 'update' }>, { address, domain, version }: Omit<Opener, 'sealSecret'>): FarmResult {
  const { publicInputs } = ownUpdate(job, address, domain);
  return {
    circuit: job.circuit,
    proof: simulatedProof(job.circuit, publicInputs, 1n, version),
    h: hex(publicInputs.h),
    prover: address,
    provingMs: 1,
  };
}

interface Opener {
  readonly sealSecret: Uint8Array;
  readonly address: string;
  readonly domain: Domain;
  readonly version: bigint;
}

/** Opens and checks; answers what is refused, or a function that proves. */
async function openSealed(
  { sealed, circuit, avoid }: TransferJob,
  lies: FarmRefusal['refused'],
  { sealSecret, address, domain, version }: Opener,
  report: (progress: { stage: 'checked'; worker: string }) => Promise<void>,
): Promise<FarmRefusal['refused'] | (() => FarmResult)> {
  const forMe = sealed.every(({ recipients }) => recipients.some((recipient) => recipient.address === address));
  if (!forMe || avoid?.includes(address)) throw new PassOn();
  const opened = sealed.map((member) => openOne(member, sealSecret, address, domain));
  const bad = opened.flatMap(({ record }, index) =>
    recordHash(record, domain) === sealed[index]?.recordHash ? [] : [{ index, code: 'SEAL_RECORD' }],
  );
  const refused = [...lies, ...bad].sort((a, b) => a.index - b.index);
  if (refused.length > 0) return refused;
  await report({ stage: 'checked', worker: address });
  const { anchor } = opened[0] as { anchor: bigint };
  const records = opened.map(({ record }) => record);
  return () => ({
    circuit,
    ...provenTogether(circuit, records, anchor, address, domain, 1n, version),
    prover: address,
    anchor: hex(anchor),
    provingMs: 1,
  });
}

/** The tests' own jobs hold `anchor ‖ record`; those that the node makes up hold a true witness, which is checked. */
function openOne(sealed: SealedJob, secret: Uint8Array, address: string, domain: Domain): { anchor: bigint; record: TransferRecord } {
  const { recordHash: id, rosterId, expiry } = sealed;
  const plaintext = openJob(sealed, secret, address, { domain, recordHash: id, rosterId, expiry }, Math.floor(Date.now() / 1000));
  if (plaintext[0] !== '{'.charCodeAt(0))
    return { anchor: fieldFromBytes(plaintext.slice(0, 32)), record: decodeRecord(plaintext.slice(32)) };
  const witness = decodeTransferWitness(new TextDecoder().decode(plaintext));
  checkTransferWitness(witness, domain);
  return witness;
}

export function hex(x: bigint): string {
  return bytesToHex(fieldToBytes(x));
}
