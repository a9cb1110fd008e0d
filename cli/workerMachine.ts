/** How a worker uses its machine: what the command line says, else what a configuration says (`tacit worker calibrate`). */
import { circuitById } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import type { KeyTable } from '../protocol/fold.js';
import type { WorkerParameters } from '../prover/worker.js';
import { loadConfig, type WorkerConfig } from '../prover/workerConfig.js';
import { MAX_CONCURRENCY } from '../queue/announce.js';
import type { Lane } from '../queue/farmOptions.js';
import { backendFrom, threadsFrom } from './prove.js';

export interface MachineFlags {
  readonly config?: string;
  readonly lanes?: string;
  readonly concurrency?: string;
  readonly threads?: string;
  readonly backend?: string;
}

export interface MachineTerms {
  /** For `startWorker`. */
  readonly terms: Pick<WorkerParameters, 'backend' | 'concurrency' | 'threads'>;
  /** Names of circuits, comma-separated, where the command line has them. */
  readonly asked: string | undefined;
  readonly config: WorkerConfig | undefined;
  /** What a proof of these takes here, in milliseconds, where it was measured under the very terms. */
  provingMs(lanes: readonly Lane[]): Partial<Record<Lane, number>>;
}

/** @throws TacitError OPTION_INVALID, FILE_MISSING, WORKER_CONFIG */
export async function machineTerms(flags: MachineFlags): Promise<MachineTerms> {
  const config = flags.config === undefined ? undefined : await loadConfig(flags.config);
  const threads = threadsFrom(flags.threads) ?? config?.threads;
  const concurrency = concurrencyFrom(flags.concurrency) ?? config?.concurrency;
  const backend = backendFrom(flags.backend ?? config?.backend ?? 'auto');
  const asMeasured = threads === config?.threads && concurrency === config?.concurrency && backend === config?.backend;
  return {
    terms: { backend, ...(threads === undefined ? {} : { threads }), ...(concurrency === undefined ? {} : { concurrency }) },
    asked: flags.lanes,
    config,
    provingMs: (lanes) => {
      const measured = asMeasured ? (config?.lanes ?? []) : [];
      return Object.fromEntries(measured.flatMap(({ circuit, provingMs }) => (lanes.includes(circuit) ? [[circuit, provingMs]] : [])));
    },
  };
}

/** A configuration is of the machine, not of a contract: those of its circuits are served that the contract has. @throws TacitError OPTION_INVALID */
export function servedLanes({ asked, config }: Pick<MachineTerms, 'asked' | 'config'>, onChain: KeyTable): Lane[] {
  const offered = [...onChain.keys()].map((id) => circuitById(id).name);
  if (asked !== undefined) return asked.split(',').map((name) => offeredLane(name.trim(), offered));
  if (config === undefined) return offered;
  const served = offered.filter((lane) => config.lanes.some(({ circuit }) => circuit === lane));
  if (served.length > 0) return served;
  throw new TacitError('OPTION_INVALID', 'the configuration serves none of the contract’s circuits', { expected: offered.join(', ') });
}

function offeredLane(name: string, offered: readonly Lane[]): Lane {
  const lane = offered.find((known) => known === name);
  if (lane !== undefined) return lane;
  throw new TacitError('OPTION_INVALID', 'the contract has no such circuit', { expected: offered.join(', '), got: name });
}

function concurrencyFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MAX_CONCURRENCY) return count;
  throw new TacitError('OPTION_INVALID', '--concurrency is not a number of proofs', { expected: `1 to ${MAX_CONCURRENCY}`, got: text });
}
