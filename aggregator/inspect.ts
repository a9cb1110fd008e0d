/**
 * A node as its operator looks at it: what waits, for how long, who works, what it costs. Read from memory, journal, queue
 * and chain at the moment of asking; nothing is remembered for it. Parts that cannot be asked now are left out, so that
 * the picture of a half-broken node still shows the other half.
 */
import type { RecordHash, TransferRow, TransferState } from '../ledger/schema.js';
import { hexToBytes } from '../protocol/bytes.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import { decodeRecord, type TransferRecord } from '../protocol/record.js';
import type { LaneCounts } from '../queue/farm.js';
import type { Lane } from '../queue/farmOptions.js';
import type { NodeContext } from './context.js';
import type { ProvenWhere } from './quote.js';
import type { WorkerRecord } from './workerRecords.js';

/** States in which a transfer is still under way. */
export type LiveState = Exclude<TransferState, 'settled' | 'failed'>;
const LIVE_STATES: readonly LiveState[] = ['queued', 'proving', 'proven', 'confirmed', 'sealed'];

export interface LaneInspection extends LaneCounts {
  readonly lane: Lane;
  /** Median of what the latest proofs of this lane took, in milliseconds; absent before the first. */
  readonly provingMs?: number;
}

export interface WorkerInspection {
  readonly address: EvmAddress;
  readonly lanes: readonly Lane[];
  /** Seconds since the epoch until which jobs may be sealed to it. */
  readonly sealKeyUntil: number;
  /** Proofs that it makes at a time. */
  readonly concurrency: number;
  /** What a proof takes there, as it says, by lane; empty where it did not measure. */
  readonly provingMs: Readonly<Partial<Record<Lane, number>>>;
  /** It let a job fall, and where others serve it gets none for a while (resting.ts). */
  readonly rests?: true;
}

export interface NodeInspection {
  readonly atMs: number;
  readonly contract: EvmAddress;
  readonly chainId: string;
  /** Name of a part → what is wrong with it; empty where all is well. */
  readonly problems: Readonly<Record<string, string>>;
  readonly transfers: Readonly<Record<LiveState, number>>;
  /** Age in milliseconds of the oldest transfer under way; 0 where there is none. */
  readonly oldestTransferMs: number;
  readonly standingSeals: number;
  /** Tasks given to the farm and not answered, and the age of the oldest. */
  readonly farmTasks: number;
  readonly oldestTaskMs: number;
  /** Absent while Redis cannot be asked. */
  readonly farm?: {
    /** Those that the contract has a key for, and any with jobs in them. */
    readonly lanes: readonly LaneInspection[];
    /** Those that get jobs. */
    readonly workers: readonly WorkerInspection[];
    /** Announced, and given nothing, with the reason. */
    readonly unwelcome?: readonly { readonly address: EvmAddress; readonly reason: string }[];
  };
  /** What is known of each worker that has ever answered: counts, points, standing. */
  readonly workerRecords: readonly WorkerRecord[];
  readonly chain: { readonly head: number; readonly headAgeSeconds: number; readonly settlements: number };
  /** The contract's queue of deposits and forced transfers. */
  readonly contractQueue: { readonly waiting: number; readonly oldestSeconds: number; readonly delaySeconds: number };
  /** In wei; absent while the chain cannot be asked. */
  readonly money?: { readonly settler: EvmAddress; readonly balanceWei: bigint; readonly gasPriceWei: bigint };
  readonly lastSettlement?: SettlementInspection;
  /** Gas that a quote counts with; absent where no fees are asked. */
  readonly quotedGas?: Readonly<Record<ProvenWhere, number>>;
}

export interface SettlementInspection {
  readonly tx: Hex;
  readonly block: number;
  readonly transfers: number;
  /** Absent while the chain cannot be asked. */
  readonly gasUsed?: bigint;
  /** Per gas, as paid. */
  readonly gasPriceWei?: bigint;
  /** What the fees of its transfers leave to the operator; absent where no fees are asked, and where somebody else settled. */
  readonly feesWei?: bigint;
}

export async function inspect(ctx: NodeContext, problems: Readonly<Record<string, string>>): Promise<NodeInspection> {
  const atMs = ctx.nowMs();
  const [farm, money, lastSettlement] = await Promise.all([ifAnswered(farmOf(ctx)), ifAnswered(moneyOf(ctx)), lastSettlementOf(ctx)]);
  const live = pendingTransfers(ctx);
  return {
    atMs,
    contract: ctx.domain.contract,
    chainId: String(ctx.domain.chainId),
    problems,
    transfers: countStates(live.map(({ state }) => state as LiveState)),
    oldestTransferMs: ageMs(
      atMs,
      live.map(({ times }) => times.queued ?? atMs),
    ),
    standingSeals: ctx.seals.length,
    farmTasks: ctx.tasks.size,
    oldestTaskMs: ageMs(
      atMs,
      [...ctx.tasks.values()].map(({ queuedMs }) => queuedMs),
    ),
    chain: {
      head: ctx.view.head.number,
      headAgeSeconds: Math.max(0, Math.floor(atMs / 1000) - ctx.view.headSeconds),
      settlements: ctx.view.settled.count,
    },
    workerRecords: ctx.records.list(),
    contractQueue: contractQueueOf(ctx),
    ...(farm === undefined ? {} : { farm }),
    ...(money === undefined ? {} : { money }),
    ...(lastSettlement === undefined ? {} : { lastSettlement }),
    ...(ctx.policy.fees.required ? { quotedGas: ctx.quotes.gasPerTransfer() } : {}),
  };
}

/** Transfers of wallets that are under way; what the node made itself to fill a proof is nobody's. */
export function pendingTransfers({ live }: Pick<NodeContext, 'live'>): TransferRow[] {
  return [...live.values()].filter(({ padding }) => padding !== true);
}

function countStates(states: readonly LiveState[]): Record<LiveState, number> {
  const counts = Object.fromEntries(LIVE_STATES.map((state) => [state, 0])) as Record<LiveState, number>;
  for (const state of states) counts[state]++;
  return counts;
}

function ageMs(nowMs: number, sinceMs: readonly number[]): number {
  return sinceMs.reduce((oldest, since) => Math.max(oldest, nowMs - since), 0);
}

async function farmOf({ effects: { queue }, keys, resting, roster }: NodeContext): Promise<NodeInspection['farm']> {
  const [counts, provingMs, workers] = await Promise.all([queue.counts(), queue.recentProvingMs(), queue.workers()]);
  const lanes = Object.entries(counts).flatMap(([name, count]) => {
    const lane = name as CircuitName;
    if (!keys.has(CIRCUITS[lane].id) && count.waiting + count.active + count.failed === 0) return [];
    const median = provingMs[lane];
    return [{ lane, ...count, ...(median === undefined ? {} : { provingMs: median }) }];
  });
  const unwelcome = workers.flatMap(({ address }) => {
    const reason = roster.refusal(address);
    return reason === undefined ? [] : [{ address, reason }];
  });
  const served = workers.filter(({ address }) => roster.refusal(address) === undefined);
  const seen = served.map(({ address, lanes: its, sealKeyUntil, concurrency = 1, provingMs: says = {} }) => {
    const rests = resting.has(address) ? ({ rests: true } as const) : {};
    return { address, lanes: its, sealKeyUntil, concurrency, provingMs: says, ...rests };
  });
  return { lanes, workers: seen, ...(unwelcome.length === 0 ? {} : { unwelcome }) };
}

async function moneyOf({ effects: { chain }, settler }: NodeContext): Promise<NodeInspection['money']> {
  const [balanceWei, { maxFeePerGasWei }] = await Promise.all([chain.balanceWei(), chain.feeSuggestion()]);
  return { settler, balanceWei, gasPriceWei: maxFeePerGasWei };
}

async function lastSettlementOf(ctx: NodeContext): Promise<NodeInspection['lastSettlement']> {
  const last = ctx.view.settled.last;
  if (last === undefined) return undefined;
  const receipt = await ifAnswered(ctx.effects.chain.receipt(last.tx));
  const isPaid = ctx.policy.fees.required && ctx.journal.read.transactions.get(last.tx) !== undefined;
  return {
    tx: last.tx,
    block: last.block.number,
    transfers: last.records.length,
    ...(receipt === undefined ? {} : { gasUsed: receipt.gasUsed, gasPriceWei: receipt.gasPriceWei }),
    ...(isPaid ? { feesWei: ctx.quotes.incomeWei(last.records.flatMap((id) => recordOf(ctx, id))) } : {}),
  };
}

/** Forced transfers are not the node's: they paid the contract. */
function recordOf({ journal }: NodeContext, id: RecordHash): TransferRecord[] {
  const row = journal.read.transfers.get(id);
  return row === undefined ? [] : [decodeRecord(hexToBytes(row.record))];
}

function contractQueueOf({ view, queueDelaySeconds }: NodeContext): NodeInspection['contractQueue'] {
  const waiting = view.waiting.filter(({ kind }) => kind !== 'dropped');
  const [oldest] = waiting;
  return {
    waiting: waiting.length,
    oldestSeconds: oldest === undefined ? 0 : Math.max(0, view.headSeconds - oldest.queuedAtSeconds),
    delaySeconds: queueDelaySeconds,
  };
}

async function ifAnswered<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch(() => undefined);
}
