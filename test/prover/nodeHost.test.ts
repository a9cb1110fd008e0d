/**
 * The whole pipeline on three hosts: node, chain and Redis on one, a worker on each of two others. The worker that has a transfer
 * in hand is cut off; the transfer settles all the same, once, and the chain's replay verifies every proof.
 *
 * Proves for a minute and more: TACIT_LONG=1 runs it. Its short twin, of the farm alone, is hosts.test.ts.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { packageRoot } from '../../circuits/paths.js';
import { until } from '../aggregator/world.js';
import { spawnWorker, type WorkerProcess } from './farmSupport.js';
import { type Host, makeHosts } from './hosts.js';
import { HUB_PASSWORD, redisUrlAt } from './hub.js';
import type { NodeHostNews } from './nodeHostProcess.js';

const LIMIT_MS = 300_000;
const LANES = 'transfer_1,update_2';

it.skipIf(process.env.TACIT_LONG !== '1')(
  'A15: a node goes on settling when the host of a worker is cut off in the middle of a proof',
  async (context) => {
    for (const lane of ['transfer_1', 'update_2'] as const) await resolveArtifacts(lane);
    const hosts = await makeHosts(2);
    if (typeof hosts === 'string') return context.skip(hosts);
    const scratch = await mkdtemp(join(tmpdir(), 'tacit-node-host-'));
    const running: ChildProcess[] = [];
    const keep = (child: ChildProcess): ChildProcess => {
      running.push(child);
      return child;
    };
    try {
      const options = ['--requirepass', HUB_PASSWORD, '--maxmemory-policy', 'noeviction', '--save', '', '--dir', scratch];
      keep(hosts.hub.spawn('redis-server', options, { stdio: 'ignore' }));
      const env = { ...process.env, REDIS_URL: redisUrlAt('127.0.0.1') };
      const file = join(packageRoot(), 'dist', 'test', 'prover', 'nodeHostProcess.js');
      const node = keep(hosts.hub.spawn(process.execPath, [file, scratch], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env }));
      const news: NodeHostNews[] = [];
      node.on('message', (piece: NodeHostNews) => news.push(piece));
      const heard = <Key extends string>(key: Key) =>
        until(
          () => news.find((piece) => key in piece),
          (piece) => piece !== undefined,
          `heard ${key}`,
          LIMIT_MS,
        ) as Promise<Extract<NodeHostNews, Record<Key, unknown>>>;
      const { domain } = await heard('domain');
      process.env.TACIT_TEST_DOMAIN = `${domain.chainId}:${domain.contract}`;
      const workers: (WorkerProcess & { host: Host })[] = [];
      for (const host of hosts.others) {
        const worker = await spawnWorker(redisUrlAt(host.hubAddress), join(scratch, `${host.name}.json`), LANES, host.spawn);
        keep(worker.process);
        workers.push({ ...worker, host });
      }
      const { inHand } = await heard('inHand');
      const holder = workers.find(({ address }) => address === inHand);
      await holder?.host.cut();
      const { settled, onChain } = await heard('settled');
      expect(onChain).toEqual(settled.map(({ id }) => id));
      expect(new Set(onChain).size).toBe(2);
      // The second transfer was given out while only one host was left.
      expect(settled[1]?.prover).toBe(workers.find((worker) => worker !== holder)?.address);
    } finally {
      delete process.env.TACIT_TEST_DOMAIN;
      for (const child of running) child.kill('SIGKILL');
      await hosts.close();
      await rm(scratch, { recursive: true, force: true });
    }
  },
  3 * LIMIT_MS,
);
