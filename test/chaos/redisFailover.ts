/**
 * The farm's Redis has a replica. The master dies and the replica takes its place under the same address: with all that the
 * master had said it had, without its last writes (replication is asynchronous), or for a while as a mere replica that
 * refuses writes. Intake pauses with a clear answer, nothing is lost, and work goes on by itself.
 */
import { until } from '../aggregator/world.js';
import { auditChain, auditJournal, auditNode } from './audit.js';
import type { NodeChild } from './nodeChild.js';
import { RedisServer } from './redisServer.js';
import { expectPause } from './redisTrouble.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { TcpSwitch } from './tcpSwitch.js';
import { Workload } from './workload.js';

interface Failover {
  readonly name: string;
  /** When the replica hears no more from its master. */
  readonly cut: 'before the last writes' | 'at death';
  /** Clients reach it before it may be written to. */
  readonly early?: true;
}

const FAILOVERS: readonly Failover[] = [
  { name: 'without its last writes', cut: 'before the last writes' },
  { name: 'with all it had', cut: 'at death' },
  { name: 'reached while it still is a replica', cut: 'at death', early: true },
];
const MASTERLESS_MS = 2_000;
const NUMBERS_A_ROUND = 20;
const PAUSE = /^(REDIS_UNREACHABLE|QUEUE_TIMEOUT)$/;

export const redisFailover = defineScenario(
  'redis-failover',
  'the master of a replicated Redis dies and its replica is promoted, with and without the last writes: nothing is lost, work resumes',
  (report) =>
    withScene(async (scene) => {
      const front = await TcpSwitch.start(scene.redis.port);
      const spares: RedisServer[] = [];
      try {
        await play(scene, front, spares, report);
      } finally {
        await front.stop();
        for (const spare of spares) await spare.stop();
      }
    }),
);

async function play(scene: Scene, front: TcpSwitch, spares: RedisServer[], report: Report): Promise<void> {
  const redisUrl = `redis://127.0.0.1:${front.port}`;
  await scene.worker({ redisUrl });
  const node = await scene.node({ redisUrl });
  const workloads: Workload[] = [];
  let master = scene.redis;
  for (const [round, failover] of FAILOVERS.slice(0, report.scale === 'smoke' ? 1 : FAILOVERS.length).entries()) {
    const replica = await RedisServer.start();
    spares.push(replica);
    await replica.follow(master);
    const workload = new Workload(scene.world, node.url, 1 + NUMBERS_A_ROUND * round);
    workloads.push(workload);
    await workload.act(['sealed', 'deposit']);
    const [late, lateSealed] = [await workload.make('proven'), await workload.make('sealed')];
    if (failover.cut === 'before the last writes') await replica.promote();
    await workload.act(['sealed', 'proven', 'sealed', 'deposit']);
    if (failover.cut === 'at death') await master.awaitReplica();
    await master.kill({ loseDisk: true });
    await expectPause(node, { name: failover.name, pause: PAUSE }, late, report);
    const acting = Promise.all([workload.submit(late), workload.submit(lateSealed)]);
    acting.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, MASTERLESS_MS));
    front.turn(replica.port);
    if (failover.early) await seenAsReplica(node);
    await replica.promote();
    const promotedMs = Date.now();
    await acting;
    report.measure('intakeResumedMs', Date.now() - promotedMs);
    await workload.settled();
    report.measure('recoveryMs', Date.now() - promotedMs);
    report.did(`a replica ${failover.name}: everything settled ${Date.now() - promotedMs} ms after it was promoted`);
    await auditNode(node, report, [workload]);
    master = replica;
  }
  await auditChain(scene.world, report, workloads);
  report.expect(node.isAlive, 'the node did not live through it');
  await node.stop();
  await auditJournal(scene.world, scene.journalDir, report);
}

async function seenAsReplica(node: NodeChild): Promise<void> {
  await until(
    () => node.client.health(),
    ({ checks }) => checks.farm?.startsWith('REDIS_READONLY') === true,
    'seen as a replica',
  );
}
