/**
 * `npm run bench -- grouping [--json]`: the grouping policy (aggregator/grouping.ts) played through, not measured: sealed
 * transfers that come at random, wallets that use the newest root, a root that changes with every settlement. What a
 * transfer then costs in gas with its share of update and padding, and how long it waits for company.
 */
import { GAS_MODEL, gasOf, slotGas } from '../aggregator/gasModel.js';
import { type GroupingTerms, groupWaiting, SINGLE_CIRCUIT, type WaitingTransfer } from '../aggregator/grouping.js';

const RATES_PER_MINUTE = [1, 3, 10, 30, 100, 300, 1_000];
const WAITS_SECONDS = [5, 15, 60];
/** A settlement, and so a new root, this often. */
const ROOT_EVERY_MS = 60_000;
const TRANSFERS = 3_000;
const STEP_MS = 200;
const UPDATE = 'update_32';
const PROVER = '0x01';
/** Parameters of a linear congruential generator (Knuth, MMIX): the same arrivals on every run. */
const [LCG_FACTOR, LCG_STEP, LCG_BITS] = [6_364_136_223_846_793_005n, 1_442_695_040_888_963_407n, 64n];

export interface GroupingRow {
  perMinute: number;
  waitSeconds: number;
  /** The transfer's own record, its shares of proof and update, and its share of what was made up. */
  gasPerTransfer: number;
  meanWaitSeconds: number;
  /** Part of the transfers that were proven singly. */
  single: number;
  /** Transfers made up for each real one. */
  padding: number;
}

export interface GroupingResult {
  rootEverySeconds: number;
  rows: GroupingRow[];
}

export async function benchGrouping(args: string[]): Promise<void> {
  const rows = WAITS_SECONDS.flatMap((waitSeconds) => RATES_PER_MINUTE.map((perMinute) => simulate(perMinute, waitSeconds)));
  const result: GroupingResult = { rootEverySeconds: ROOT_EVERY_MS / 1_000, rows };
  process.stdout.write(args.includes('--json') ? `${JSON.stringify(result, null, 2)}\n` : table(rows));
}

function simulate(perMinute: number, waitSeconds: number): GroupingRow {
  const terms: Omit<GroupingTerms, 'nowMs'> = {
    waitMs: waitSeconds * 1_000,
    groupProvers: [PROVER],
    proofGas: gasOf(GAS_MODEL.transferProof),
    recordGas: slotGas(GAS_MODEL, UPDATE),
  };
  const random = generator();
  let [nextMs, arrived, singles, padding, proofs, waitedMs] = [0, 0, 0, 0, 0, 0];
  let waiting: WaitingTransfer[] = [];
  for (let nowMs = 0; arrived < TRANSFERS || waiting.length > 0; nowMs += STEP_MS) {
    for (; nextMs <= nowMs && arrived < TRANSFERS; nextMs += (-Math.log(1 - random()) * 60_000) / perMinute) {
      const anchor = `0x${Math.floor(nextMs / ROOT_EVERY_MS)}`;
      waiting.push({ id: `0x${arrived++}`, sinceMs: nextMs, anchor, readers: [PROVER], partner: undefined, doubted: false });
    }
    const groups = groupWaiting(waiting, { ...terms, nowMs });
    const gone = new Map(groups.flatMap((group) => group.members.map((id) => [id, group] as const)));
    for (const { id, sinceMs } of waiting) if (gone.has(id)) waitedMs += nowMs - sinceMs;
    waiting = waiting.filter(({ id }) => !gone.has(id));
    proofs += groups.length;
    padding += groups.reduce((sum, group) => sum + group.padding, 0);
    singles += groups.filter(({ circuit }) => circuit === SINGLE_CIRCUIT).length;
  }
  return {
    perMinute,
    waitSeconds,
    gasPerTransfer: Math.round((proofs * terms.proofGas + (TRANSFERS + padding) * terms.recordGas) / TRANSFERS),
    meanWaitSeconds: Math.round(waitedMs / TRANSFERS / 100) / 10,
    single: singles / TRANSFERS,
    padding: Math.round((100 * padding) / TRANSFERS) / 100,
  };
}

/** Uniform in [0, 1). */
function generator(): () => number {
  let state = 1n;
  return () => {
    state = (state * LCG_FACTOR + LCG_STEP) & ((1n << LCG_BITS) - 1n);
    return Number(state >> 11n) / 2 ** 53;
  };
}

function table(rows: readonly GroupingRow[]): string {
  const head = '| waits at most | a minute | gas a transfer | mean wait | alone | made up a transfer |';
  const lines = rows.map(
    ({ waitSeconds, perMinute, gasPerTransfer, meanWaitSeconds, single, padding }) =>
      `| ${waitSeconds} s | ${perMinute} | ${gasPerTransfer.toLocaleString('en-US')} | ${meanWaitSeconds} s | ${(100 * single).toFixed(0)} % | ${padding} |`,
  );
  return `${[head, '|---|---|---|---|---|---|', ...lines].join('\n')}\n`;
}
