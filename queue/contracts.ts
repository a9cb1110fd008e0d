/**
 * The farm's job contracts: what a worker is asked, and what it answers. Plain JSON, checked on both sides.
 *
 *   transfer  K sealed witnesses that share an anchor → one proof of transfer(K), or a signed refusal that names the false ones
 *   update    the circuit's input but for h, z, y and prover, which depend on who proves → one proof of update(N)
 *
 * A transfer job holds ciphertext only. An update's input has no secret: it can be rebuilt from L1.
 */
import { z } from 'zod';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import { SIGNATURE_BYTES } from '../protocol/eip712.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import { SEAL_MAX_RECIPIENTS, type SealedJob } from '../protocol/seal.js';
import { address, hexOf, parseWith, proofBytes, sealedJobShape, word } from './shapes.js';

export interface TransferJob {
  kind: 'transfer';
  id: string;
  circuit: CircuitName;
  /** Version of the circuit: hash of the verifying key (32 bytes, protocol/vkeyHash.ts). A worker with another key leaves it alone. */
  key?: Hex;
  /** As many as the circuit has transfers, in the order of the proof. */
  sealed: SealedJob[];
  /** Root that all witnesses are anchored to (32 bytes), as their wallets say in clear. */
  anchor?: Hex;
  /** Workers that shall leave this job to others, because they have refused one of its members before. */
  avoid?: EvmAddress[];
}

/** Decimal strings and nested lists of them, as the circuit names its signals. */
export type JobSignal = string | JobSignal[];

export interface UpdateJob {
  kind: 'update';
  id: string;
  circuit: CircuitName;
  /** Version of the circuit: hash of the verifying key (32 bytes, protocol/vkeyHash.ts). A worker with another key leaves it alone. */
  key?: Hex;
  input: Record<string, JobSignal>;
  /** Workers that shall leave this job to others. */
  avoid?: EvmAddress[];
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
  /** 65 bytes, EIP-712 by the prover (statements.ts). Without it an invalid proof speaks against nobody. */
  signature?: Hex;
}

/** Instead of a proof: the worker opened the job and these members of it cannot be proven. Signed (refusal.ts). */
export interface FarmRefusal {
  worker: EvmAddress;
  /** Index into the job's `sealed`, ascending, and the code of what is wrong with it. */
  refused: { index: number; code: string }[];
  /** 65 bytes, EIP-712 by the worker. */
  signature: Hex;
}

export type FarmAnswer = FarmResult | FarmRefusal;

/** What a worker tells while it works. `checked`: it opened the job and the witness is true. */
export interface FarmProgress {
  stage: 'checked';
  worker: EvmAddress;
  /** 65 bytes, EIP-712 by the worker (statements.ts). Without it nothing is done about the report. */
  signature?: Hex;
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
  key: word.optional(),
  sealed: z.array(sealedJobShape),
  anchor: word.optional(),
  avoid: z.array(address).max(SEAL_MAX_RECIPIENTS).optional(),
});
const updateJobShape = z.strictObject({
  kind: z.literal('update'),
  id: jobId,
  circuit: circuitOf('update'),
  key: word.optional(),
  input: z.record(z.string(), signal),
  avoid: z.array(address).max(SEAL_MAX_RECIPIENTS).optional(),
});
const farmJobShape = z.discriminatedUnion('kind', [transferJobShape, updateJobShape]);
const farmResultShape = z.strictObject({
  circuit: z.enum(Object.keys(CIRCUITS) as [CircuitName, ...CircuitName[]]),
  proof: proofBytes,
  h: word,
  prover: address,
  anchor: word.optional(),
  provingMs: z.number().nonnegative(),
  signature: hexOf(SIGNATURE_BYTES).optional(),
});
/** Size of the largest transfer circuit. */
const MAX_TRANSFERS = Math.max(...Object.values(CIRCUITS).map(({ kind, size }) => (kind === 'transfer' ? size : 0)));
const farmRefusalShape = z.strictObject({
  worker: address,
  refused: z
    .array(
      z.strictObject({
        index: z
          .int()
          .nonnegative()
          .max(MAX_TRANSFERS - 1),
        code: z.string().regex(/^[A-Z][A-Z0-9_]{1,39}$/),
      }),
    )
    .min(1)
    .max(MAX_TRANSFERS)
    .refine(
      (list) => list.every(({ index }, i) => i === 0 || index > (list[i - 1] as { index: number }).index),
      'expected ascending indexes',
    ),
  signature: hexOf(SIGNATURE_BYTES),
});
const farmProgressShape = z.strictObject({
  stage: z.literal('checked'),
  worker: address,
  signature: hexOf(SIGNATURE_BYTES).optional(),
});

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

/** A proof or a refusal. Whose signature a refusal bears is for `isGenuineRefusal` to say. @throws TacitError RESULT_MALFORMED */
export function parseFarmAnswer(value: unknown): FarmAnswer {
  if (typeof value === 'object' && value !== null && 'refused' in value)
    return parseWith<FarmRefusal>(farmRefusalShape, value, 'RESULT_MALFORMED', 'farm refusal');
  return parseFarmResult(value);
}

/** Undefined for anything that is not a progress report: reports are advice, not evidence. */
export function parseFarmProgress(value: unknown): FarmProgress | undefined {
  const parsed = farmProgressShape.safeParse(value);
  return parsed.success ? (parsed.data as FarmProgress) : undefined;
}
