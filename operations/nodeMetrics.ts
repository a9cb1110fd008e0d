/**
 * A node's metrics for Prometheus. Gauges are read from the node when they are asked for; counters and histograms
 * follow its events. Every name begins with `tacit_`; units are base units and part of the name (seconds, wei, gas).
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { NodeInspection } from '../aggregator/inspect.js';
import type { NodeEvent, TransferStatus } from '../queue/service.js';
import { backlogOf } from './backlog.js';

export interface ObservedNode {
  inspect(): Promise<NodeInspection>;
  subscribe(listener: (event: NodeEvent) => void): () => void;
}

export interface Metrics {
  /** Text in Prometheus' exposition format. */
  render(): Promise<string>;
  readonly contentType: string;
  readonly registry: Registry;
  /** Ends the subscription to the node. */
  close(): void;
}

/** Seconds from acceptance: a soft confirmation takes a proof, a settlement minutes. */
const STAGE_BUCKETS_SECONDS = [0.25, 0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 640];

export function nodeMetrics(node: ObservedNode): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'tacit_process_' });
  const gauges = nodeGauges(registry);
  const unsubscribe = followEvents(node, registry);
  return {
    registry,
    contentType: registry.contentType,
    render: async () => {
      setGauges(gauges, await node.inspect());
      return registry.metrics();
    },
    close: unsubscribe,
  };
}

function nodeGauges(registry: Registry) {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `tacit_${name}`, help, labelNames, registers: [registry] });
  return {
    transfers: gauge('transfers', 'Transfers under way, by state', ['state']),
    oldestTransfer: gauge('oldest_transfer_seconds', 'Age of the oldest transfer under way'),
    standingSeals: gauge('standing_seals', 'Sealed batches not settled'),
    farmTasks: gauge('farm_tasks', 'Tasks given to the farm and not answered'),
    oldestTask: gauge('oldest_task_seconds', 'Age of the oldest task given to the farm'),
    jobs: gauge('farm_jobs', 'Jobs in the queue, by lane and state', ['lane', 'state']),
    proving: gauge('farm_proving_seconds', 'Median of the latest proving times, by lane', ['lane']),
    work: gauge('farm_work_seconds', 'Proving that waits or runs, in seconds of one proving process, by lane', ['lane']),
    drain: gauge('farm_drain_seconds', 'Seconds until the farm is idle; +Inf where work waits that nobody serves'),
    hands: gauge('farm_lane_concurrency', 'Proofs at a time of the workers that serve a lane', ['lane']),
    workers: gauge('farm_workers', 'Workers that announced themselves lately'),
    problems: gauge('problem', 'Parts of the node in trouble', ['part']),
    head: gauge('chain_head_block', 'Newest block that the node has followed'),
    headAge: gauge('chain_head_age_seconds', 'Age of that block'),
    queueWaiting: gauge('contract_queue_waiting', "Items in the contract's queue"),
    queueOldest: gauge('contract_queue_oldest_seconds', "Age of the head of the contract's queue"),
    queueDelay: gauge('contract_queue_delay_seconds', 'Age at which that head is overdue'),
    balance: gauge('settler_balance_wei', 'What the settling account holds'),
    gasPrice: gauge('gas_price_wei', 'Fee per gas that a settlement would offer now'),
    gasPerTransfer: gauge('last_settlement_gas_per_transfer', 'Gas of the last settlement, divided by its transfers'),
    quotedGas: gauge('quoted_gas_per_transfer', 'Gas that fee quotes count with, by who proves (home, farm)', ['prover']),
    paidGasPrice: gauge('last_settlement_gas_price_wei', 'Wei per gas that the last settlement paid'),
    cost: gauge('last_settlement_cost_wei', 'What the last settlement cost'),
    fees: gauge('last_settlement_fees_wei', 'What the fees of its transfers leave to the operator; 0 where no fees are asked'),
  };
}

function setGauges(gauges: ReturnType<typeof nodeGauges>, now: NodeInspection): void {
  for (const [state, count] of Object.entries(now.transfers)) gauges.transfers.set({ state }, count);
  gauges.oldestTransfer.set(now.oldestTransferMs / 1000);
  gauges.standingSeals.set(now.standingSeals);
  gauges.farmTasks.set(now.farmTasks);
  gauges.oldestTask.set(now.oldestTaskMs / 1000);
  gauges.problems.reset();
  for (const part of Object.keys(now.problems)) gauges.problems.set({ part }, 1);
  gauges.head.set(now.chain.head);
  gauges.headAge.set(now.chain.headAgeSeconds);
  gauges.queueWaiting.set(now.contractQueue.waiting);
  gauges.queueOldest.set(now.contractQueue.oldestSeconds);
  gauges.queueDelay.set(now.contractQueue.delaySeconds);
  setFarmGauges(gauges, now);
  if (now.money !== undefined) {
    gauges.balance.set(Number(now.money.balanceWei));
    gauges.gasPrice.set(Number(now.money.gasPriceWei));
  }
  setCostGauges(gauges, now);
}

function setCostGauges(gauges: ReturnType<typeof nodeGauges>, { lastSettlement, quotedGas }: NodeInspection): void {
  if (quotedGas !== undefined) {
    gauges.quotedGas.set({ prover: 'home' }, quotedGas.proven);
    gauges.quotedGas.set({ prover: 'farm' }, quotedGas.sealed);
  }
  const { gasUsed, gasPriceWei, feesWei = 0n, transfers = 0 } = lastSettlement ?? {};
  if (gasUsed === undefined || gasPriceWei === undefined) return;
  if (transfers > 0) gauges.gasPerTransfer.set(Number(gasUsed) / transfers);
  gauges.paidGasPrice.set(Number(gasPriceWei));
  // Of one settlement, both: an alert compares them.
  gauges.cost.set(Number(gasUsed * gasPriceWei));
  gauges.fees.set(Number(feesWei));
}

function setFarmGauges(gauges: ReturnType<typeof nodeGauges>, now: NodeInspection): void {
  const backlog = backlogOf(now);
  if (now.farm === undefined || backlog === undefined) return;
  gauges.workers.set(now.farm.workers.length);
  gauges.drain.set(backlog.drainSeconds);
  for (const lane of now.farm.lanes) {
    for (const state of ['waiting', 'active', 'failed'] as const) gauges.jobs.set({ lane: lane.lane, state }, lane[state]);
    gauges.work.set({ lane: lane.lane }, (lane.waiting + lane.active) * (backlog.proofSeconds.get(lane.lane) ?? 0));
    const serving = now.farm.workers.filter(({ lanes }) => lanes.includes(lane.lane));
    gauges.hands.set(
      { lane: lane.lane },
      serving.reduce((count, { concurrency }) => count + concurrency, 0),
    );
    if (lane.provingMs !== undefined) gauges.proving.set({ lane: lane.lane }, lane.provingMs / 1000);
  }
}

function followEvents(node: ObservedNode, registry: Registry): () => void {
  const ended = new Counter({
    name: 'tacit_transfers_ended_total',
    help: 'Transfers settled or failed',
    labelNames: ['state'],
    registers: [registry],
  });
  const settlements = new Counter({ name: 'tacit_settlements_total', help: 'Settlements seen on the chain', registers: [registry] });
  const latency = new Histogram({
    name: 'tacit_transfer_stage_seconds',
    help: 'Seconds from acceptance to a stage',
    labelNames: ['stage'],
    buckets: STAGE_BUCKETS_SECONDS,
    registers: [registry],
  });
  for (const state of ['settled', 'failed']) ended.inc({ state }, 0);
  return node.subscribe((event) => {
    if (event.type === 'settlement') settlements.inc();
    if (event.type !== 'transfer') return;
    const { status } = event.transfer;
    if (status === 'settled' || status === 'failed') ended.inc({ state: status });
    const elapsed = stageSeconds(event.transfer);
    if (elapsed !== undefined) latency.observe({ stage: status }, elapsed);
  });
}

/** Seconds from acceptance to the stage that a transfer has just reached. */
function stageSeconds({ status, times }: TransferStatus): number | undefined {
  const at = times[status as keyof TransferStatus['times']];
  return at === undefined || times.queued === undefined || status === 'queued' ? undefined : (at - times.queued) / 1000;
}
