/** One run of a farm: jobs given out all at once, answers counted as the node sees them. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytesToHex } from '../protocol/bytes.js';
import { evmAddressOfKey } from '../protocol/eip712.js';
import { TacitError } from '../protocol/errors.js';
import type { SealRecipient } from '../protocol/seal.js';
import { WorkerKeys } from '../prover/workerKeys.js';
import { openBullLeases } from '../queue/bullLeases.js';
import { type FarmJob, parseFarmResult } from '../queue/contracts.js';
import { FarmQueue } from '../queue/farm.js';
import { consumeFarm } from '../queue/farmWorker.js';
import { FARM_DOMAIN, FARM_LANES, type FarmLane, farmJob } from './farmJobs.js';

/** By circuit, what proofs took, in milliseconds, in the order in which they came out. */
export type ProvingTimes = Readonly<Record<FarmLane, readonly number[]>>;

export interface FarmRun {
  readonly wallMs: number;
  readonly times: ProvingTimes;
}

export interface Crew {
  readonly recipients: readonly SealRecipient[];
  stop(): Promise<void>;
}

const ASK_MS = 20;
const ZERO_PROOF = `0x${'00'.repeat(256)}`;

/** Workers in processes of their own. @param folder for their keys */
export async function realCrew(redisUrl: string, folder: string, count: number): Promise<Crew> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const children: ChildProcess[] = [];
  const recipients: SealRecipient[] = [];
  for (let i = 0; i < count; i++) {
    const file = join(folder, `worker-${i}.json`);
    const keys = await WorkerKeys.load(file, nowSeconds);
    recipients.push({ address: keys.address, sealKey: keys.sealKey.publicKey });
    const child = fork(fileURLToPath(new URL('./farmPeer.js', import.meta.url)), [file], { env: { ...process.env, REDIS_URL: redisUrl } });
    children.push(child);
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new TacitError('BENCH_PEER', 'a worker did not start', { got: `exit code ${code}` })));
    });
    child.removeAllListeners('exit');
  }
  const end = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.disconnect();
    });
  return { recipients, stop: async () => void (await Promise.all(children.map(end))) };
}

/** Workers in this process that sleep as long as proofs took; each begins at another place in the list. */
export async function sleepingCrew(redisUrl: string, count: number, recorded: ProvingTimes): Promise<Crew> {
  const stops: (() => Promise<void>)[] = [];
  const recipients: SealRecipient[] = [];
  for (let i = 0; i < count; i++) {
    const worker = evmAddressOfKey(new Uint8Array(randomBytes(32)));
    recipients.push({ address: worker, sealKey: bytesToHex(new Uint8Array(randomBytes(32))) });
    const leases = await openBullLeases({ redisUrl, domain: FARM_DOMAIN, lanes: FARM_LANES, name: worker, worker });
    let next = i;
    const handler = async ({ circuit }: FarmJob) => {
      const times = recorded[circuit as FarmLane];
      const provingMs = times[next++ % times.length] as number;
      await new Promise((resolve) => setTimeout(resolve, provingMs));
      return { circuit, proof: ZERO_PROOF, h: `0x${'00'.repeat(32)}`, prover: worker, provingMs };
    };
    const consumer = consumeFarm({ leases, lanes: FARM_LANES, handler });
    stops.push(async () => {
      await consumer.drain();
      await leases.close();
    });
  }
  return { recipients, stop: async () => void (await Promise.all(stops.map((stop) => stop()))) };
}

/** Gives out `jobs` jobs and waits for all answers. @throws TacitError BENCH_ANSWER where one fails */
export async function runFarm(redisUrl: string, name: string, jobs: number, { recipients }: Crew): Promise<FarmRun> {
  const farm = await FarmQueue.open({ redisUrl, domain: FARM_DOMAIN, lanes: FARM_LANES });
  try {
    // Made before the clock starts: wallets and the aggregator make them, not the farm.
    const made = Array.from({ length: jobs }, (_, i) => farmJob(name, i, recipients));
    const open = new Map(made.map((job) => [job.id, job]));
    const done = new Set<string>();
    await farm.onEvent(({ kind, id }) => {
      if (kind === 'done' || kind === 'failed') done.add(id);
    });
    const startedAt = performance.now();
    await Promise.all(made.map((job) => farm.publish({ id: job.id, kind: job.kind, data: job })));
    while ([...open.keys()].some((id) => !done.has(id))) await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    const wallMs = performance.now() - startedAt;
    const times: Record<FarmLane, number[]> = { transfer_1: [], update_2: [] };
    for (const { id, circuit } of made) {
      const outcome = await farm.outcome(id);
      if (outcome.state !== 'done')
        throw new TacitError('BENCH_ANSWER', 'a job was not proven', { expected: 'done', got: `${id} ${outcome.state}` });
      times[circuit as FarmLane].push(parseFarmResult(outcome.result).provingMs);
    }
    return { wallMs, times };
  } finally {
    await farm.close();
  }
}
