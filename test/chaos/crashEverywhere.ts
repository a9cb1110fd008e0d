/**
 * kill −9 at every step that touches the outside world.
 *
 * A recording run lists every fault point of the node's one port that a full workload passes, with counts; an effect that
 * is added tomorrow stands in the list by being one. What changes the world and is not passed at all is a failure. Then, for each point, before and after, at its first, middle and last
 * passage: the same workload anew, the process killed there, started again, and everything compared. One chain and one
 * journal go through all of it, so later crashes fall on a state with a history.
 */
import { auditChain, auditJournal, auditNode } from './audit.js';
import type { NodeChild } from './nodeChild.js';
import type { DeathPoint } from './nodeMessages.js';
import { methodsToPass } from './portMethods.js';
import { defineScenario, type Report } from './scenario.js';
import { type Scene, withScene } from './scene.js';
import { type Act, EVERY_ACT, Workload } from './workload.js';

/** Of every run the last record number, with room for what is sent again. */
const NUMBERS_A_RUN = 20;
const SMOKE_DEATHS = 2;
const ACTS: readonly Act[] = ['conflict', 'overtaken', ...EVERY_ACT];
/** Workers renew their line on the board within so long. */
const LINGER_MS = 5_000;
/** What a farm's proof takes: time to be overtaken by one from home. */
const PROOF_MS = 300;

/** Deaths while the node starts are counted from its start, the others from when the workload begins. */
interface Death extends DeathPoint {
  readonly when: 'start' | 'work';
}

export const crashEverywhere = defineScenario(
  'crash-everywhere',
  'kill −9 before and after every outside effect, at its first, middle and last passage',
  (report) => withScene((scene) => play(scene, report)),
);

async function play(scene: Scene, report: Report): Promise<void> {
  // Updates are proven by a worker at Redis, transfers by one that comes through the node's own gateway.
  await scene.worker({ lanes: ['update_2', 'update_8'] });
  const recording = await record(scene);
  for (const [when, passages] of Object.entries({ start: recording.start, work: recording.work }))
    report.did(`${when}: ${Object.keys(passages).length} fault points, ${Object.values(passages).reduce((a, b) => a + b, 0)} passages`);
  const unpassed = methodsToPass().filter((name) =>
    [recording.start, recording.work].every((passages) => passages[`${name}:after`] === undefined),
  );
  report.expect(unpassed.length === 0, `no workload passes ${unpassed.join(', ')}: nothing is killed there`);
  const deaths = chosen(report, [...deathsOf('start', recording.start), ...deathsOf('work', recording.work)]);
  const workloads = [recording.workload];
  let node: NodeChild = recording.node;
  let reached = 0;
  let asked = 0;
  for (const [index, death] of deaths.entries()) {
    if (Date.now() >= report.untilMs) break;
    asked++;
    const workload = new Workload(scene.world, node.url, 1 + NUMBERS_A_RUN * (index + 1));
    workloads.push(workload);
    const problemsFrom = `${death.when} ${death.point} passage ${death.passage}`;
    report.log(`${index + 1}/${deaths.length} ${problemsFrom}`);
    const { successor, died, recoveryMs } =
      death.when === 'start' ? await dieStarting(scene, node, death, workload) : await dieWorking(scene, node, death, workload);
    node = successor;
    if (died) {
      reached++;
      report.measure('recoveryMs', recoveryMs);
    }
    await workload.settled();
    await auditNode(node, report, [workload]);
  }
  report.did(`${asked} deaths of ${deaths.length} asked for, ${reached} fell on their point, the others after the last passage`);
  report.measure('deaths', reached);
  const found = scene.lines.filter((line) => line.startsWith('found: ')).length;
  report.expect(found > reached, `${found} starts said what they found, after ${reached} deaths`);
  await auditChain(scene.world, report, workloads);
  const exit = await node.stop();
  report.expect(exit === 0, `the last node ended with ${exit}`);
  await auditJournal(scene.world, scene.journalDir, report);
}

/** A run without a death: which points there are, and how often each is passed. */
async function record(scene: Scene) {
  const first = await scene.node();
  const { passages: start } = await first.look();
  await scene.worker({ lanes: ['transfer_1'], nodeUrl: first.url, proofMs: PROOF_MS });
  await first.arm();
  const workload = new Workload(scene.world, first.url);
  await workload.act(ACTS);
  await workload.settled();
  // What a node does every few seconds belongs to its work.
  await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
  const { passages: work } = await first.look();
  return { start, work, workload, node: first };
}

function deathsOf(when: Death['when'], passages: Readonly<Record<string, number>>): Death[] {
  return Object.entries(passages).flatMap(([point, count]) =>
    [...new Set([1, Math.ceil(count / 2), count])].map((passage) => ({ when, point, passage })),
  );
}

/**
 * All of them in the long run, in an order of the seed: first one at each point, so that a run that the clock ends early has left out passages
 * rather than points; a few otherwise.
 */
function chosen({ scale, random }: Report, deaths: Death[]): Death[] {
  if (scale === 'full') {
    const order = shuffled(deaths, random);
    const isFirst = ({ when, point }: Death, index: number) => order.findIndex((one) => one.when === when && one.point === point) === index;
    return [...order.filter(isFirst), ...order.filter((death, index) => !isFirst(death, index))];
  }
  const effects = deaths.filter(({ when, point }) => when === 'work' && /journal|publish|broadcast/.test(point));
  return Array.from({ length: SMOKE_DEATHS }, () => effects[random.int(effects.length)] as Death);
}

function shuffled<T>(items: readonly T[], random: Report['random']): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(random.int(rest.length), 1)[0] as T);
}

interface Aftermath {
  readonly successor: NodeChild;
  readonly died: boolean;
  /** From the death until the next node serves. */
  readonly recoveryMs: number;
}

async function dieWorking(scene: Scene, node: NodeChild, death: Death, workload: Workload): Promise<Aftermath> {
  await node.arm(death);
  const end = node.ended.then(() => Date.now());
  // The people go on while the node dies and comes back.
  const acting = workload.act(ACTS);
  acting.catch(() => {});
  const idle = async () => {
    await acting;
    await workload.settled();
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
  };
  await Promise.race([end, idle()]);
  const died = !node.isAlive;
  if (!died) await node.kill();
  const diedMs = await end;
  const successor = await scene.node();
  const recoveryMs = Date.now() - diedMs;
  await acting;
  return { successor, died, recoveryMs };
}

/** A node with work in hand is killed, its successor dies while it starts, and the next one finds both. */
async function dieStarting(scene: Scene, node: NodeChild, death: Death, workload: Workload): Promise<Aftermath> {
  await workload.act(ACTS);
  await node.kill();
  const doomed = await scene.tryNode({ death });
  const died = doomed === undefined;
  await doomed?.kill();
  const diedMs = Date.now();
  const successor = await scene.node();
  return { successor, died, recoveryMs: Date.now() - diedMs };
}
