/**
 * Redis is flushed, killed and comes back empty, is full, begins to evict, or freezes, in the middle of the work. While it
 * cannot be relied on, the node takes nothing new and says so; what it had taken it keeps, and when Redis is itself again
 * everything goes on, without a restart of anything.
 */
import { until } from '../aggregator/world.js';
import { auditChain, auditJournal, auditNode } from './audit.js';
import type { NodeChild } from './nodeChild.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { Workload } from './workload.js';

interface Trouble {
  readonly name: string;
  begin(scene: Scene): Promise<void>;
  end(scene: Scene): Promise<void>;
  /** Codes of which one is told to wallets meanwhile; none where the trouble is over at once. */
  readonly pause: RegExp | undefined;
  /** In place of TROUBLE_MS. */
  readonly lastsMs?: number;
}

const nothing = async () => {};
const TROUBLES: readonly Trouble[] = [
  { name: 'flushed', begin: ({ redis }) => redis.ask(async (client) => void (await client.flushall())), end: nothing, pause: undefined },
  {
    name: 'killed and back without its disk',
    begin: ({ redis }) => redis.kill({ loseDisk: true }),
    end: ({ redis }) => redis.launch(),
    pause: /^(REDIS_UNREACHABLE|QUEUE_TIMEOUT)$/,
  },
  {
    name: 'full',
    begin: ({ redis }) => redis.ask(async (client) => void (await client.config('SET', 'maxmemory', '1'))),
    end: ({ redis }) => redis.ask(async (client) => void (await client.config('SET', 'maxmemory', '0'))),
    pause: /^REDIS_FULL$/,
  },
  {
    name: 'evicting',
    begin: ({ redis }) => redis.ask(async (client) => void (await client.config('SET', 'maxmemory-policy', 'allkeys-lru'))),
    end: ({ redis }) => redis.ask(async (client) => void (await client.config('SET', 'maxmemory-policy', 'noeviction'))),
    pause: /^REDIS_EVICTING_POLICY$/,
  },
  {
    // Long enough for clients that try again ever more seldom to be far behind when it is back.
    name: 'away for long, and back without its disk',
    begin: ({ redis }) => redis.kill({ loseDisk: true }),
    end: ({ redis }) => redis.launch(),
    pause: /^(REDIS_UNREACHABLE|QUEUE_TIMEOUT)$/,
    lastsMs: 30_000,
  },
  {
    name: 'frozen',
    begin: async ({ redis }) => redis.freeze(),
    end: async ({ redis }) => redis.thaw(),
    pause: /^(REDIS_UNREACHABLE|QUEUE_TIMEOUT)$/,
  },
];
const SMOKE = 2;
const TROUBLE_MS = { smoke: 500, full: 3_000 } as const;

export const redisTrouble = defineScenario(
  'redis-trouble',
  'Redis is flushed, loses its disk, is full, evicts or freezes: intake pauses with a clear answer, nothing is lost, work resumes',
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  await scene.worker();
  const node = await scene.node();
  const workloads: Workload[] = [];
  for (const [round, trouble] of TROUBLES.slice(0, report.scale === 'smoke' ? SMOKE : TROUBLES.length).entries()) {
    const workload = new Workload(scene.world, node.url, 1 + 20 * round);
    workloads.push(workload);
    await workload.act(['sealed', 'proven', 'deposit', 'sealed']);
    const late = await workload.make('proven');
    const lateSealed = await workload.make('sealed');
    await trouble.begin(scene);
    if (trouble.pause !== undefined) await expectPause(node, trouble, late, report);
    const acting = Promise.all([workload.submit(late), workload.submit(lateSealed)]);
    acting.catch(() => {});
    if (trouble.pause !== undefined) await new Promise((resolve) => setTimeout(resolve, trouble.lastsMs ?? TROUBLE_MS[report.scale]));
    await trouble.end(scene);
    const overMs = Date.now();
    await acting;
    report.measure('intakeResumedMs', Date.now() - overMs);
    await workload.settled();
    report.measure('recoveryMs', Date.now() - overMs);
    report.did(`${trouble.name}: everything settled ${Date.now() - overMs} ms after it was over`);
    await auditNode(node, report, [workload]);
  }
  await auditChain(scene.world, report, workloads);
  report.expect(node.isAlive, 'the node did not live through it');
  await node.stop();
  await auditJournal(scene.world, scene.journalDir, report);
}

/** A new submission is answered 503 with a code and when to come back; what is known is still told. */
export async function expectPause(
  node: NodeChild,
  { name, pause }: Pick<Trouble, 'name' | 'pause'>,
  submission: object,
  report: Report,
): Promise<void> {
  const beganMs = Date.now();
  const ask = () =>
    fetch(`${node.url}/v1/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...submission, id: `0x${'00'.repeat(32)}` }),
    });
  const health = await until(
    () => node.client.health().catch(() => ({ checks: {} as Record<string, string> })),
    ({ checks }) => checks.farm?.endsWith('nothing new is taken in') === true,
    'reported by the node’s health',
  );
  report.measure('noticedMs', Date.now() - beganMs);
  const response = await ask();
  const { error } = (await response.json()) as { error?: { code: string } };
  report.expect(response.status === 503, `${name}: a submission was answered ${response.status} ${error?.code}`);
  report.expect(pause?.test(error?.code ?? '') === true, `${name}: the answer's code is ${error?.code}`);
  report.expect(response.headers.get('retry-after') !== null, `${name}: no retry-after`);
  report.log(`${name}: ${response.status} ${error?.code}, health says ${JSON.stringify(health.checks)}`);
}
