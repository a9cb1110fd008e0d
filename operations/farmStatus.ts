/** The node's state in words: what `tacit farm status` prints. */
import type { LaneInspection, NodeInspection, SettlementInspection, WorkerInspection } from '../aggregator/inspect.js';
import type { WorkerRecord } from '../aggregator/workerRecords.js';
import { backlogOf } from './backlog.js';

/** A node's inspection as it crosses HTTP: amounts of wei are decimal strings. */
export type FarmStatus = Omit<NodeInspection, 'money' | 'lastSettlement'> & {
  readonly money?: { readonly settler: string; readonly balanceWei: string; readonly gasPriceWei: string };
  readonly lastSettlement?: Omit<SettlementInspection, 'gasUsed' | 'gasPriceWei' | 'feesWei'> & {
    readonly gasUsed?: string;
    readonly gasPriceWei?: string;
    readonly feesWei?: string;
  };
};

const GWEI = 1e9;
const ETHER = 1e18;

export function farmStatusOf(inspection: NodeInspection): FarmStatus {
  const { money, lastSettlement, ...rest } = inspection;
  return {
    ...rest,
    ...(money === undefined
      ? {}
      : { money: { settler: money.settler, balanceWei: String(money.balanceWei), gasPriceWei: String(money.gasPriceWei) } }),
    ...(lastSettlement === undefined ? {} : { lastSettlement: settlementOf(lastSettlement) }),
  };
}

function settlementOf({ gasUsed, gasPriceWei, feesWei, ...rest }: SettlementInspection): NonNullable<FarmStatus['lastSettlement']> {
  return {
    ...rest,
    ...(gasUsed === undefined ? {} : { gasUsed: String(gasUsed) }),
    ...(gasPriceWei === undefined ? {} : { gasPriceWei: String(gasPriceWei) }),
    ...(feesWei === undefined ? {} : { feesWei: String(feesWei) }),
  };
}

/** Several lines, the first of them the verdict. */
export function describeFarm(status: FarmStatus): string {
  return [verdict(status), ...transferLines(status), ...farmLines(status), ...chainLines(status)].join('\n');
}

function verdict({ problems, contract, chainId }: FarmStatus): string {
  const parts = Object.entries(problems);
  const where = `node of ${contract} on chain ${chainId}`;
  if (parts.length === 0) return `${where}: all well`;
  return [
    `${where}: ${parts.length} part${parts.length === 1 ? '' : 's'} in trouble`,
    ...parts.map(([part, text]) => `  ${part}: ${text}`),
  ].join('\n');
}

function transferLines({ transfers, oldestTransferMs, standingSeals }: FarmStatus): string[] {
  const counts = Object.entries(transfers).map(([state, count]) => `${count} ${state}`);
  return [
    '',
    `Transfers   ${counts.join(', ')}`,
    `            oldest ${seconds(oldestTransferMs)}; ${standingSeals} sealed batch${standingSeals === 1 ? '' : 'es'} not settled`,
  ];
}

function farmLines(status: FarmStatus): string[] {
  const { farm, farmTasks, oldestTaskMs } = status;
  if (farm === undefined) return ['', 'Farm        Redis cannot be asked'];
  const backlog = backlogOf(status);
  const drain =
    backlog === undefined || !Number.isFinite(backlog.drainSeconds) ? 'nobody serves it' : `${backlog.drainSeconds.toFixed(1)} s to idle`;
  return [
    '',
    `Farm        ${farm.workers.length} worker${farm.workers.length === 1 ? '' : 's'}; ${farmTasks} task${farmTasks === 1 ? '' : 's'} open, oldest ${seconds(oldestTaskMs)}; ${backlog?.workSeconds.toFixed(1)} s of proving waits (${drain})`,
    '  lane        waiting  active  failed  a proof takes',
    ...farm.lanes.map(laneLine),
    ...farm.workers.map(workerLine),
    ...(farm.unwelcome ?? []).map(({ address, reason }) => `  no jobs for ${address}: ${reason}`),
    ...status.workerRecords.map(recordLine),
  ];
}

function recordLine({ address, accepted, faults, points, standing, verdict }: WorkerRecord): string {
  const counted = Object.entries(faults).flatMap(([fault, count]) => (count === 0 ? [] : [`${count} ${fault}`]));
  const state = standing === 'good' ? (verdict ?? 'good') : standing;
  const counts = [`${accepted} accepted`, ...counted].join(', ');
  return `  record ${address}  ${state}, ${points.toFixed(0)} of 100 points: ${counts}`;
}

function laneLine({ lane, waiting, active, failed, provingMs }: LaneInspection): string {
  const time = provingMs === undefined ? 'none proven yet' : seconds(provingMs);
  return `  ${lane.padEnd(10)} ${String(waiting).padStart(8)} ${String(active).padStart(7)} ${String(failed).padStart(7)}  ${time}`;
}

/** With what its proofs take, where it has measured them. */
function workerLine({ address, lanes, concurrency, provingMs, rests }: WorkerInspection): string {
  const served = lanes.map((lane) => (provingMs[lane] === undefined ? lane : `${lane} (${seconds(provingMs[lane])})`));
  const rest = rests === true ? '; rests, for it let a job fall' : '';
  return `  worker ${address}  ${concurrency > 1 ? `${concurrency} at a time: ` : ''}${served.join(', ')}${rest}`;
}

function chainLines({ chain, contractQueue, money, lastSettlement }: FarmStatus): string[] {
  const { waiting, oldestSeconds, delaySeconds } = contractQueue;
  const queue = waiting === 0 ? 'empty' : `${waiting} waiting, oldest ${oldestSeconds} s of at most ${delaySeconds} s`;
  return [
    '',
    `Chain       block ${chain.head}, ${chain.headAgeSeconds} s old; ${chain.settlements} settlements`,
    `Queue       ${queue}`,
    ...(money === undefined
      ? ['Money       the chain cannot be asked']
      : [
          `Money       ${(Number(money.balanceWei) / ETHER).toFixed(4)} coins at ${money.settler}; gas ${(Number(money.gasPriceWei) / GWEI).toFixed(2)} gwei`,
        ]),
    ...(lastSettlement === undefined ? [] : settlementLines(lastSettlement)),
  ];
}

/** What it carried, and what it cost beside what its fees bring. */
function settlementLines({ transfers, tx, gasUsed, gasPriceWei, feesWei }: NonNullable<FarmStatus['lastSettlement']>): string[] {
  const each = transfers === 0 ? '' : `, ${Math.round(Number(gasUsed) / transfers)} a transfer`;
  const last = `Last        ${transfers} transfer${transfers === 1 ? '' : 's'} in ${tx}`;
  if (gasUsed === undefined || gasPriceWei === undefined) return [last];
  const cost = `cost ${coins(BigInt(gasUsed) * BigInt(gasPriceWei))} coins`;
  const fees = feesWei === undefined ? '' : `; its fees leave ${coins(BigInt(feesWei))}`;
  return [`${last}, ${gasUsed} gas${each}`, `            ${cost}${fees}`];
}

function coins(wei: bigint): string {
  return (Number(wei) / ETHER).toFixed(6);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
