/**
 * A running node. Start: open the journal, read the contract's history, align the one with the other, put back into the
 * queue what is unproven, then serve. Then a tick at a time: follow the chain → collect from the farm → confirm → seal →
 * settle. A step that fails is logged and tried again with the next tick; what was journaled stands.
 */

import { withFaultPoints } from '../ledger/effects.js';
import { type Journal, openJournal } from '../ledger/journal.js';
import type { TransferState } from '../ledger/schema.js';
import { LedgerState } from '../ledger/state.js';
import { hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { evmAddressOfKey, signerFromKey } from '../protocol/eip712.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { cacheShelf } from '../queue/artifactShelf.js';
import { BullLeases } from '../queue/bullLeases.js';
import { FarmQueue } from '../queue/farm.js';
import { LANES } from '../queue/farmOptions.js';
import { startGateway } from '../queue/gateway.js';
import type { NodeEvent } from '../queue/service.js';
import type { FeeShares } from '../verifier-contract/rollup.js';
import { genesisView } from './chainView.js';
import { DEFAULT_POLICY, type NodeConfig, type NodePolicy } from './config.js';
import { confirm } from './confirm.js';
import type { NodeContext } from './context.js';
import { type ContractTerms, readTerms } from './contractTerms.js';
import { EventHub } from './eventHub.js';
import { collectResults, noteFarmEvent } from './farm.js';
import { farmDoor } from './farmDoor.js';
import { sayWhatWasFound } from './findings.js';
import { dissolveBroken, returnHalfPairs } from './giveBack.js';
import { GROUP_SIZE } from './grouping.js';
import { groupDue, takesGroups } from './groups.js';
import { inspect, type NodeInspection, pendingTransfers } from './inspect.js';
import { RpcNodeChain } from './nodeChain.js';
import { QUEUE_CHECK_MS, watchQueue } from './queueWatch.js';
import { QuoteBook, type QuoteTerms } from './quote.js';
import { RestingWorkers } from './resting.js';
import { RosterKeeper } from './rosterKeeper.js';
import { sealDue } from './seal.js';
import { makeService } from './service.js';
import { advanceSettlement } from './settle.js';
import { publishPlanned } from './tasks.js';
import { timed } from './timed.js';
import { Turn } from './turn.js';
import { WaryLanes } from './waryLanes.js';
import { ChainWatcher } from './watch.js';
import { type WorkerRecord, WorkerRecords } from './workerRecords.js';

export interface NodeStats {
  /** Wallets' transfers under way. */
  readonly pending: number;
  /** Transfers of nothing under way, made to fill a proof. */
  readonly padding: number;
  readonly settled: number;
  readonly failed: number;
  /** Sealed and not yet settled. */
  readonly standingSeals: number;
  readonly settlements: number;
  readonly queueItemsWaiting: number;
  readonly farmTasks: number;
}

export interface RunningNode {
  readonly url: string;
  /** Finishes the step in hand, then closes everything. Safe to call twice. */
  stop(): Promise<void>;
  stats(): NodeStats;
  /** What the node is doing, for its operator; asks queue and chain. */
  inspect(): Promise<NodeInspection>;
  /** The operator's word about a worker; it stays. */
  judge(worker: EvmAddress, verdict: 'admitted' | 'banned'): Promise<WorkerRecord>;
  /** What happens to transfers and settlements, in order, until the returned function is called. */
  subscribe(listener: (event: NodeEvent) => void): () => void;
}

/** How often every outstanding farm task is asked for, events or not: events get lost. */
const ASK_ALL_MS = 5_000;

/**
 * @throws TacitError RPC_UNREACHABLE, CHAIN_FOREIGN, CONTRACT_ABSENT, NOT_THE_AGGREGATOR, JOURNAL_LOCKED, JOURNAL_FOREIGN,
 *   REDIS_UNREACHABLE, GATEWAY_PORT
 */
export async function startNode(config: NodeConfig): Promise<RunningNode> {
  const policy: NodePolicy = { ...DEFAULT_POLICY, ...config.policy };
  const settler = evmAddressOfKey(hexToBytes(config.settlerKey, 32));
  const terms = await readTerms(config, settler);
  const journal = openJournal(config.journalDir, config.domain);
  const closers: (() => Promise<void>)[] = [() => journal.close()];
  try {
    const chain = await RpcNodeChain.open(config.rpcUrl, config.settlerKey, config.domain);
    closers.push(() => chain.close());
    const farm = { redisUrl: config.redisUrl, domain: config.domain, ...(config.log === undefined ? {} : { log: config.log }) };
    const closerOf = (port: { close(): Promise<void> }) => () =>
      timed(port, policy.queueTimeoutMs)
        .close()
        .catch(() => {});
    const queue = await FarmQueue.open(farm);
    closers.push(closerOf(queue));
    const leases = await BullLeases.open({ ...farm, lanes: LANES, name: 'gateway' });
    closers.push(closerOf(leases));
    const ctx = makeContext(config, policy, { settler, ...terms }, journal, { queue, chain, leases });
    return await run(ctx, closers);
  } catch (error) {
    for (const close of closers.reverse()) await close();
    throw error;
  }
}

function makeContext(
  config: NodeConfig,
  policy: NodePolicy,
  account: ContractTerms & { settler: EvmAddress },
  journal: Journal,
  doors: { queue: FarmQueue; chain: RpcNodeChain; leases: BullLeases },
): NodeContext {
  const ports = { journal, ...doors, queue: timed(doors.queue, policy.queueTimeoutMs) };
  const effects = config.faultHook === undefined ? ports : withFaultPoints(ports, config.faultHook);
  const sign = signerFromKey(hexToBytes(config.settlerKey, 32));
  const transfers = journal.read.transfers.rows();
  const live = transfers.filter(({ state }) => state !== 'settled' && state !== 'failed');
  const ended = (as: TransferState) => transfers.filter(({ state, padding }) => state === as && padding !== true).length;
  const records = new WorkerRecords(effects.journal, () => Date.now(), config.log ?? (() => {}));
  const tasks = journal.read.tasks.rows().filter(({ state }) => state === 'planned' || state === 'queued');
  return {
    config,
    policy,
    domain: config.domain,
    keys: config.keys,
    ...account,
    journal: effects.journal,
    effects,
    sign,
    turn: new Turn(),
    events: new EventHub(),
    quotes: new QuoteBook(policy.fees, quoteTerms(config, policy, account.shares)),
    roster: new RosterKeeper({
      domain: config.domain,
      sign,
      lifetimeSeconds: policy.rosterSeconds,
      workers: () => effects.queue.workers(),
      admitted: config.admittedWorkers,
      records,
    }),
    nowMs: () => Date.now(),
    log: config.log ?? (() => {}),
    live: new Map(live.map((row) => [row.id as string, row])),
    finished: { settled: ended('settled'), failed: ended('failed') },
    view: genesisView({ number: config.deploymentBlock - 1, hash: '0x' }),
    tip: LedgerState.genesis(),
    seals: [],
    inputs: new Map(),
    tasks: new Map(tasks.map((task) => [task.id, task])),
    contradicted: new Set(),
    records,
    resting: new RestingWorkers(() => Date.now(), config.log ?? (() => {})),
    wary: new WaryLanes(() => Date.now()),
    handed: new Map(),
    takenMs: new Map(),
    dirtyTasks: new Set(tasks.map(({ id }) => id)),
    queueTrouble: undefined,
    hasDropped: false,
    seenMs: new Map(),
  };
}

function quoteTerms({ keys }: NodeConfig, policy: NodePolicy, shares: FeeShares): QuoteTerms {
  return {
    proversBps: shares.transferProverBps + shares.updateProverBps,
    shareProof: takesGroups({ keys, policy }) ? GROUP_SIZE : 1,
    updateSlots: Math.max(...policy.updateCircuits.map((name) => CIRCUITS[name].size)),
  };
}

async function run(ctx: NodeContext, closers: (() => Promise<void>)[]): Promise<RunningNode> {
  const watcher = new ChainWatcher(ctx);
  await watcher.start();
  await sayWhatWasFound(ctx);
  await publishPlanned(ctx);
  const problems: Record<string, string> = {};
  let askedAllMs = 0;
  const step = async (name: string, body: () => Promise<unknown>): Promise<void> => {
    try {
      await body();
      delete problems[name];
    } catch (error) {
      const text = error instanceof TacitError ? `${error.code}: ${error.message}` : String(error);
      if (problems[name] !== text) ctx.log(`${name}: ${text}`);
      problems[name] = text;
    }
  };
  const learnPrice = async () => ctx.quotes.setGasPrice((await ctx.effects.chain.feeSuggestion()).maxFeePerGasWei);
  await step('price', learnPrice);
  const tick = async (): Promise<void> => {
    await step('chain', () => watcher.follow());
    await step('price', learnPrice);
    if (ctx.nowMs() - askedAllMs >= ASK_ALL_MS) {
      askedAllMs = ctx.nowMs();
      for (const id of ctx.tasks.keys()) ctx.dirtyTasks.add(id);
    }
    if (ctx.queueTrouble === undefined) {
      await step('farm', () => collectResults(ctx));
      await step('groups', () => groupDue(ctx));
    }
    await step('confirm', async () => {
      for (const row of [...ctx.live.values()]) if (row.state === 'proven') await confirm(ctx, row);
    });
    await step('pairs', async () => {
      await returnHalfPairs(ctx);
      await dissolveBroken(ctx);
    });
    await step('seal', () => sealDue(ctx));
    await step('settle', () => advanceSettlement(ctx));
  };
  const loop = startLoop(() => ctx.turn.run(tick), ctx.policy.tickMs);
  const queueLoop = startLoop(async () => {
    if (await watchQueue(ctx)) loop.wake();
    if (ctx.queueTrouble === undefined) delete problems.queue;
    else problems.queue = `${ctx.queueTrouble.code}: ${ctx.queueTrouble.message}`;
  }, QUEUE_CHECK_MS);
  const unsubscribe = await ctx.effects.queue.onEvent((event) => {
    void ctx.turn.run(() => step('farm', () => noteFarmEvent(ctx, event)));
    loop.wake();
  });
  const service = makeService(ctx, () => problems);
  const gateway = await startGateway({ service, farm: farmDoor(ctx), shelf: cacheShelf(), ...config(ctx) });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await gateway.close();
    unsubscribe();
    await Promise.all([queueLoop.stop(), loop.stop()]);
    await ctx.turn.run(async () => {});
    for (const close of closers.reverse()) await close();
  };
  return {
    url: gateway.url,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    stats: () => statsOf(ctx),
    inspect: () => inspect(ctx, { ...problems }),
    judge: (worker, verdict) => ctx.records.verdict(worker, verdict),
    subscribe: (listener) => ctx.events.subscribe(listener),
  };
}

function config({ config: { host, port } }: NodeContext): { host?: string; port?: number } {
  return { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
}

/** Runs `body` again and again with a pause between; `wake` ends the present pause. */
function startLoop(body: () => Promise<void>, pauseMs: number): { wake(): void; stop(): Promise<void> } {
  let stopping = false;
  let wake: () => void = () => {};
  const running = (async () => {
    while (!stopping) {
      await body();
      if (stopping) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  })();
  return {
    wake: () => wake(),
    stop: async () => {
      stopping = true;
      wake();
      await running;
    },
  };
}

function statsOf(ctx: NodeContext): NodeStats {
  const pending = pendingTransfers(ctx).length;
  return {
    pending,
    padding: ctx.live.size - pending,
    ...ctx.finished,
    standingSeals: ctx.seals.length,
    settlements: ctx.view.settled.count,
    queueItemsWaiting: ctx.view.waiting.length,
    farmTasks: ctx.tasks.size,
  };
}
