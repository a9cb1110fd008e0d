/**
 * The farm's job contracts: what a worker is asked, and what it answers. Plain JSON, checked on both sides.
 *
 *   transfer  K sealed witnesses that share an anchor → one proof of transfer(K)
 *   update    the circuit's input but for h, z, y and prover, which depend on who proves → one proof of update(N)
 *
 * A transfer job holds ciphertext only. An update's input has no secret: it can be rebuilt from L1.
 */
import { z } from 'zod';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import type { SealedJob } from '../protocol/seal.js';
import { address, parseWith, proofBytes, sealedJobShape, word } from './shapes.js';

export interface TransferJob {
  kind: 'transfer';
  id: string;
  circuit: CircuitName;
  /** As many as the circuit has transfers, in the order of the proof. */
  sealed: SealedJob[];
}

/** Decimal strings and nested lists of them, as the circuit names its signals. */
export type JobSignal = string | JobSignal[];

export interface UpdateJob {
  kind: 'update';
  id: string;
  circuit: CircuitName;
  input: Record<string, JobSignal>;
}

export type FarmJob = TransferJob | UpdateJob;

export interface FarmResult {
  circuit: CircuitName;
  /** 256 bytes, EIP-197 order. */
  proof: Hex;
  /** Sponge over the prover's copy of the list (32 bytes); z and y follow from it and the list. */
  h: Hex;
  /** Who is paid, and who made it. */
  prover: EvmAddress;
  /** Transfers only: the root the proof is anchored to (32 bytes). */
  anchor?: Hex;
  /** Wall-clock time of witness and proof together. */
  provingMs: number;
}

/** What a worker tells while it works. `checked`: it opened the job and the witness is true. */
export interface FarmProgress {
  stage: 'checked';
  worker: EvmAddress;
}

/** BullMQ joins ids with ':' and takes whole numbers for its own, so ids begin with a letter and avoid both. */
const jobId = z.string().regex(/^[a-z][A-Za-z0-9._-]{2,149}$/, 'expected a letter, then letters, digits, dots, underscores or dashes');
const circuitOf = (kind: 'transfer' | 'update') =>
  z.enum(Object.values(CIRCUITS).flatMap((info) => (info.kind === kind ? [info.name] : [])) as [CircuitName, ...CircuitName[]]);

const signal: z.ZodType<JobSignal> = z.lazy(() =>
  z.union([z.string().regex(/^(0|[1-9][0-9]{0,77})$/, 'expected decimal digits'), z.array(signal).max(MAX_SIGNAL_LIST)]),
);
/** The longest list of any circuit: 2N entries at N = 32. */
const MAX_SIGNAL_LIST = 64;

const transferJobShape = z.strictObject({
  kind: z.literal('transfer'),
  id: jobId,
  circuit: circuitOf('transfer'),
  sealed: z.array(sealedJobShape),
});
const updateJobShape = z.strictObject({
  kind: z.literal('update'),
  id: jobId,
  circuit: circuitOf('update'),
  input: z.record(z.string(), signal),
});
const farmJobShape = z.discriminatedUnion('kind', [transferJobShape, updateJobShape]);
const farmResultShape = z.strictObject({
  circuit: z.enum(Object.keys(CIRCUITS) as [CircuitName, ...CircuitName[]]),
  proof: proofBytes,
  h: word,
  prover: address,
  anchor: word.optional(),
  provingMs: z.number().nonnegative(),
});
const farmProgressShape = z.strictObject({ stage: z.literal('checked'), worker: address });

/** @throws TacitError JOB_MALFORMED */
export function parseFarmJob(value: unknown): FarmJob {
  const job = parseWith<FarmJob>(farmJobShape, value, 'JOB_MALFORMED', 'farm job');
  const { size } = CIRCUITS[job.circuit];
  if (job.kind === 'transfer' && job.sealed.length !== size) {
    throw new TacitError('JOB_MALFORMED', `${job.circuit} takes another number of sealed transfers`, {
      expected: String(size),
      got: String(job.sealed.length),
    });
  }
  return job;
}

/** @throws TacitError RESULT_MALFORMED */
export function parseFarmResult(value: unknown): FarmResult {
  return parseWith<FarmResult>(farmResultShape, value, 'RESULT_MALFORMED', 'farm result');
}

/** Undefined for anything that is not a progress report: reports are advice, not evidence. */
export function parseFarmProgress(value: unknown): FarmProgress | undefined {
  const parsed = farmProgressShape.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
