/**
 * A job taken out of the farm to be looked at elsewhere: `tacit farm failed export`, `tacit worker replay`.
 *
 * What a transfer job holds is ciphertext that only the workers it was sealed to can open, so the file may be sent to them as
 * it is; an update's input is public.
 */
import { z } from 'zod';
import type { EvmAddress } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { type FarmJob, parseFarmJob } from './contracts.js';
import type { DeadLetter } from './farm.js';
import { address, parseWith } from './shapes.js';

export interface ExportedJob {
  readonly version: 1;
  /** Decimal digits. */
  readonly chainId: string;
  readonly contract: EvmAddress;
  readonly job: FarmJob;
  readonly failure: Pick<DeadLetter, 'reason' | 'attempts' | 'stalls' | 'failedAtMs'>;
}

const shape = z.strictObject({
  version: z.literal(1),
  chainId: z.string().regex(/^(0|[1-9][0-9]{0,77})$/),
  contract: address,
  job: z.unknown(),
  failure: z.strictObject({
    reason: z.string(),
    attempts: z.int().nonnegative(),
    stalls: z.int().nonnegative(),
    failedAtMs: z.int().nonnegative(),
  }),
});

export function exportJob(job: FarmJob, { reason, attempts, stalls, failedAtMs }: DeadLetter, { chainId, contract }: Domain): ExportedJob {
  return { version: 1, chainId: String(chainId), contract, job, failure: { reason, attempts, stalls, failedAtMs } };
}

/** @throws TacitError JOB_FILE (not such a file), JOB_MALFORMED (the job in it is none) */
export function parseExportedJob(value: unknown): ExportedJob {
  const file = parseWith<Omit<ExportedJob, 'job'> & { job: unknown }>(shape, value, 'JOB_FILE', 'file of a job');
  return { ...file, job: parseFarmJob(file.job) };
}
