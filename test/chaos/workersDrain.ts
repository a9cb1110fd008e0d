/**
 * SIGTERM to real workers with a real proof in hand: the proof is finished or handed back, the exit code is 0, and no
 * process of theirs is left. With kill −9 nothing can be promised but that their provers end too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WorkerKeys } from '../../prover/workerKeys.js';
import { FarmQueue } from '../../queue/farm.js';
import { until } from '../aggregator/world.js';
import { DOMAIN, envelope, sealedTransfer, settled, spawnWorker, transferJob } from '../prover/farmSupport.js';
import { RedisServer } from './redisServer.js';
import { defineScenario, type Report } from './scenario.js';
import { withFolder } from './scene.js';

const ENDED_LIMIT_MS = 60_000;

export const workersDrain = defineScenario(
  'workers-drain',
  'SIGTERM and kill −9 to a real worker in the middle of a real proof: no job lost, no process left',
  (report) =>
    withFolder(async (folder) => {
      const redis = await RedisServer.start();
      const farm = await FarmQueue.open({ redisUrl: redis.url, domain: DOMAIN, lanes: ['transfer_1'] });
      try {
        await play(report, folder, redis, farm);
      } finally {
        await farm.close();
        await redis.stop();
      }
    }),
);

async function play(report: Report, folder: string, redis: RedisServer, farm: FarmQueue): Promise<void> {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const files = [1, 2].map((n) => join(folder, `keys-${n}`));
  const [first, second] = await Promise.all(files.map((file) => WorkerKeys.load(file, nowSeconds)));
  const recipients = [first as WorkerKeys, second as WorkerKeys];

  const drained = transferJob('drained', sealedTransfer('drained', recipients).sealed);
  const leaving = await spawnWorker(redis.url, files[0] as string, 'transfer_1');
  await farm.publish(envelope(drained));
  await inHand(farm, drained.id);
  const family = descendants(leaving.process.pid as number);
  const ended = new Promise<number | null>((resolve) => leaving.process.once('exit', resolve));
  const toldMs = Date.now();
  leaving.process.kill('SIGTERM');
  const code = await ended;
  report.measure('drainedMs', Date.now() - toldMs);
  report.expect(code === 0, `a worker told to end left with ${code}`);
  report.expect((await farm.outcome(drained.id)).state === 'done', 'the proof in hand was neither finished nor handed back');
  await gone(report, family, 'SIGTERM');
  report.did(`SIGTERM: the proof in hand was finished, exit code ${code}, ${family.length} processes of its own are gone`);

  const killed = transferJob('killed', sealedTransfer('killed', recipients).sealed);
  const doomed = await spawnWorker(redis.url, files[0] as string, 'transfer_1');
  await farm.publish(envelope(killed));
  await inHand(farm, killed.id);
  const orphans = descendants(doomed.process.pid as number);
  doomed.process.kill('SIGKILL');
  const killedMs = Date.now();
  const heir = await spawnWorker(redis.url, files[1] as string, 'transfer_1');
  await until(
    () => farm.progress(killed.id),
    (progress) => progress?.worker === (second as WorkerKeys).address,
    'opened by another worker',
    ENDED_LIMIT_MS,
  );
  report.measure('resumedMs', Date.now() - killedMs);
  report.expect((await settled(farm, killed.id)).state === 'done', 'the job of a killed worker was not proven');
  await gone(report, orphans, 'SIGKILL');
  report.measure('orphansGoneMs', Date.now() - killedMs);
  const left = new Promise((resolve) => heir.process.once('exit', resolve));
  heir.process.kill('SIGTERM');
  await left;
  report.did('kill −9: another worker proved the job, the orphaned prover ended by itself');
}

async function inHand(farm: FarmQueue, id: string): Promise<void> {
  await until(
    () => farm.progress(id),
    (progress) => progress !== undefined,
    'in hand',
    ENDED_LIMIT_MS,
  );
}

async function gone(report: Report, pids: readonly number[], after: string): Promise<void> {
  const alive = () => pids.filter((pid) => stateOf(pid) !== undefined);
  const left = await until(alive, (list) => list.length === 0, 'gone', ENDED_LIMIT_MS).catch(alive);
  report.expect(left.length === 0, `${left.length} processes outlived ${after}`);
}

/** Children, grandchildren and so on, as /proc has them. */
function descendants(pid: number): number[] {
  const parents = new Map(
    readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [[Number(name), stateOf(Number(name))?.parent] as const] : [])),
  );
  const found = [pid];
  for (const at of found) for (const [child, parent] of parents) if (parent === at) found.push(child);
  return found.slice(1);
}

/** Undefined for a process that has ended. */
function stateOf(pid: number): { parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : { parent: Number(parent) };
  } catch {
    return undefined;
  }
}
