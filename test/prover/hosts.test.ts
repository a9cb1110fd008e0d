/**
 * Three hosts: the hub with Redis, and two with a worker each, joined by links that can be cut. Real proofs over real sockets.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { WorkerKeys } from '../../prover/workerKeys.js';
import { parseFarmResult } from '../../queue/contracts.js';
import { until } from '../aggregator/world.js';
import { sealedTransfer, spawnWorker, transferJob, type WorkerProcess } from './farmSupport.js';
import { type Host, type Hosts, makeHosts } from './hosts.js';
import { HUB_PASSWORD, Hub, redisUrlAt } from './hub.js';
import { hasProgram } from './programs.js';

const NOW = Math.floor(Date.now() / 1000);
/** A machine that proves a quarter as fast, and TCP's own patience. */
const LIMIT_MS = 240_000;
/** The cut comes in the middle of a proof, unless this process is kept waiting for as long as a proof takes: then it tries again. */
const TRIES = 10;

let hosts: Hosts | string = 'not made';
let scratch: string;
let redis: ChildProcess | undefined;
let hub: Hub | undefined;
const workers: (WorkerProcess & { host: Host; keys: WorkerKeys })[] = [];

beforeAll(async () => {
  if (!hasProgram('redis-server')) return;
  await resolveArtifacts('transfer_1');
  hosts = await makeHosts(2);
  if (typeof hosts === 'string') return;
  scratch = await mkdtemp(join(tmpdir(), 'tacit-hosts-'));
  redis = hosts.hub.spawn(
    'redis-server',
    ['--requirepass', HUB_PASSWORD, '--maxmemory-policy', 'noeviction', '--save', '', '--dir', scratch],
    { stdio: 'ignore' },
  );
  hub = await Hub.start(hosts);
  for (const [i, host] of hosts.others.entries()) {
    const file = join(scratch, `worker-${i}.json`);
    const keys = await WorkerKeys.load(file, NOW);
    workers.push({ ...(await spawnWorker(redisUrlAt(host.hubAddress), file, 'transfer_1', host.spawn)), host, keys });
  }
}, LIMIT_MS);

afterAll(async () => {
  for (const { process: child } of workers) await ended(child, 'SIGKILL');
  await hub?.stop();
  if (redis !== undefined) await ended(redis, 'SIGKILL');
  if (typeof hosts !== 'string') await hosts.close();
  if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
});

describe('three hosts', () => {
  it(
    'A15: a host is cut off in the middle of a proof; its work goes on at another, and what it hands in late counts for nothing',
    async (context) => {
      if (typeof hosts === 'string' || hub === undefined) return context.skip(String(hosts));
      const both = workers.map(({ keys }) => keys);
      const farm = hub;
      const proverOf = async (job: string): Promise<string | undefined> => {
        const outcome = await until(
          () => farm.outcome(job),
          ({ state }) => state === 'done' || state === 'failed',
          `${job} done`,
          LIMIT_MS,
        );
        return outcome.state === 'done' ? parseFarmResult(outcome.result).prover : outcome.state;
      };
      let lost: { id: string; by: (typeof workers)[number] } | undefined;
      for (let attempt = 1; lost === undefined; attempt++) {
        const job = transferJob(`cut-${attempt}`, sealedTransfer(`cut ${attempt}`, both).sealed);
        await farm.publish(job);
        const holder = await until(
          () => workers.find(({ address }) => address === checkers(farm, job.id)[0]),
          (found) => found !== undefined,
          'in hand',
          LIMIT_MS,
        );
        await (holder as (typeof workers)[number]).host.cut();
        if ((await proverOf(job.id)) !== holder?.address) lost = { id: job.id, by: holder as (typeof workers)[number] };
        else await holder?.host.mend();
        expect(attempt).toBeLessThan(TRIES);
      }
      const { id, by } = lost;
      const other = workers.find((worker) => worker !== by) as (typeof workers)[number];
      expect([...new Set(checkers(farm, id))]).toEqual([by.address, other.address]);
      expect(await proverOf(id)).toBe(other.address);
      // The farm goes on with one host less.
      const next = transferJob('next', sealedTransfer('next', both).sealed);
      await farm.publish(next);
      expect(await proverOf(next.id)).toBe(other.address);

      await by.host.mend();
      const own = transferJob('own', sealedTransfer('own', [by.keys]).sealed);
      await farm.publish(own);
      expect(await proverOf(own.id)).toBe(by.address);
      // By now what it had in hand has come and was refused: its lock was another's.
      expect(await proverOf(id)).toBe(other.address);
      for (const job of [id, next.id, own.id])
        expect(farm.events.filter((event) => event.kind === 'done' && event.id === job)).toHaveLength(1);
    },
    3 * LIMIT_MS,
  );
});

/** Workers that opened the job and found it true, in this order. */
function checkers({ events }: Hub, id: string): string[] {
  return events.flatMap((event) => (event.kind === 'checked' && event.id === id ? [event.progress?.worker ?? ''] : []));
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}
