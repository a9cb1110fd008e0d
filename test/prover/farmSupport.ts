/** A farm for tests: a Redis of its own, true sealed transfers, a true update, workers in this process or their own. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../circuits/paths.js';
import { applyBatch } from '../../ledger/applyBatch.js';
import type { QueueOutcome } from '../../ledger/effects.js';
import { LedgerState } from '../../ledger/state.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { type Domain, recordHash } from '../../protocol/record.js';
import { type SealedJob, sealJob } from '../../protocol/seal.js';
import { encodeTransferWitness, type TransferWitness } from '../../protocol/transfer.js';
import { EMPTY_SLOT } from '../../protocol/update.js';
import type { WorkerKeys } from '../../prover/workerKeys.js';
import type { FarmJob, JobSignal, TransferJob, UpdateJob } from '../../queue/contracts.js';
import type { FarmQueue } from '../../queue/farm.js';
import { DOMAIN, SeededBytes, USUAL, witness, world } from '../protocol/walletSupport.js';

export { DOMAIN };
export const ROSTER_ID = `0x${'5e'.repeat(32)}`;
export const NOBODY = `0x${'77'.repeat(20)}`;
const HOUR_SECONDS = 3_600;

/** The rollup that a worker process serves: `TACIT_TEST_DOMAIN=chainId:contract`, or the one of all tests. */
export function domainOfProcess(): Domain {
  const [chainId, contract] = (process.env.TACIT_TEST_DOMAIN ?? '').split(':');
  return chainId === undefined || contract === undefined ? DOMAIN : { chainId: BigInt(chainId), contract };
}

export interface SealedTransfer {
  witness: TransferWitness;
  id: string;
  sealed: SealedJob;
}

/** A true transfer sealed for these workers. */
export function sealedTransfer(
  label: string,
  recipients: readonly WorkerKeys[],
  change: { witness?: Partial<TransferWitness>; expiry?: number } = {},
): SealedTransfer {
  const whole = { ...witness(world(label, USUAL), USUAL), ...change.witness };
  const id = recordHash(whole.record, DOMAIN);
  const to = recipients.map((keys) => ({ address: keys.address, sealKey: keys.sealKey.publicKey }));
  const expiry = change.expiry ?? Math.floor(Date.now() / 1000) + HOUR_SECONDS;
  const plaintext = new TextEncoder().encode(encodeTransferWitness(whole));
  const sealed = sealJob(
    plaintext,
    { domain: DOMAIN, recordHash: id, rosterId: ROSTER_ID, expiry, recipients: to },
    new SeededBytes(`seal ${label}`).bytes,
  );
  return { witness: whole, id, sealed };
}

export function transferJob(name: string, sealed: SealedJob): TransferJob {
  return { kind: 'transfer', id: `transfer-${name}`, circuit: 'transfer_1', sealed: [sealed] };
}

/** An update of two deposits in one slot, from the genesis state. */
export function updateJob(name: string): UpdateJob {
  const slots = [{ nf1: 0n, nf2: 0n, cm1: 11n, cm2: 12n }, EMPTY_SLOT];
  const { input } = applyBatch(LedgerState.genesis(), 'update_2', slots, NOBODY, DOMAIN);
  const own = new Set(['h', 'z', 'y', 'prover']);
  const signals = Object.entries(input).filter(([signal]) => !own.has(signal));
  return {
    kind: 'update',
    id: `update-${name}`,
    circuit: 'update_2',
    input: Object.fromEntries(signals.map(([signal, value]) => [signal, texts(value)])),
  };
}

function texts(value: unknown): JobSignal {
  return Array.isArray(value) ? value.map(texts) : String(value);
}

export function envelope(job: FarmJob): { id: string; kind: FarmJob['kind']; data: FarmJob } {
  return { id: job.id, kind: job.kind, data: job };
}

/** Waits for the job to be in one of the states, by asking. */
export async function settled(
  farm: FarmQueue,
  id: string,
  states: readonly QueueOutcome['state'][] = ['done', 'failed'],
  withinMs = 150_000,
): Promise<QueueOutcome> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const outcome = await farm.outcome(id);
    if (states.includes(outcome.state)) return outcome;
    if (Date.now() > deadline) throw new Error(`${id} is still ${outcome.state}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface WorkerProcess {
  process: ChildProcess;
  address: string;
  /** Everything it printed. */
  output(): string;
}

type Spawn = (program: string, args: readonly string[], options: SpawnOptions) => ChildProcess;

/** A worker in a process of its own, which can be killed. Resolves when it serves. @param start makes the process, on another host perhaps */
export async function spawnWorker(redisUrl: string, keyFile: string, lanes: string, start: Spawn = spawn): Promise<WorkerProcess> {
  const file = join(packageRoot(), 'dist', 'test', 'prover', 'workerProcess.js');
  if (!existsSync(file)) throw new Error(`not built: ${file}`);
  const child = start(process.execPath, [file, keyFile, lanes], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, REDIS_URL: redisUrl },
  });
  let text = '';
  return new Promise((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      text += chunk.toString();
      const address = /serving as (0x[0-9a-f]{40})/.exec(text)?.[1];
      if (address !== undefined) resolve({ process: child, address, output: () => text });
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', (exitCode) => reject(new Error(`worker ended with ${exitCode}: ${text}`)));
  });
}

/** Texts that would betray a witness: its secrets in the spellings that code may give them. */
export function secretsOf({ inputs, outputs }: TransferWitness): string[] {
  const numbers = [
    ...inputs.flatMap((input) => [input.nPrime, input.signature.S, input.APrime.x]),
    ...outputs.map((output) => output.owner),
  ];
  return numbers.flatMap((n) => [
    n.toString(),
    n.toString(16),
    bytesToHex(Uint8Array.from(Buffer.from(n.toString(16).padStart(64, '0'), 'hex'))).slice(2),
  ]);
}
