/** What settlements cost against what was quoted for them: metrics, alert and words. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { NodeInspection, SettlementInspection } from '../../aggregator/inspect.js';
import { describeFarm, farmStatusOf } from '../../operations/farmStatus.js';
import { nodeMetrics } from '../../operations/nodeMetrics.js';

const GWEI = 10n ** 9n;
const settlement = (change: Partial<SettlementInspection>): SettlementInspection => ({
  tx: `0x${'ab'.repeat(32)}`,
  block: 7,
  transfers: 10,
  gasUsed: 900_000n,
  gasPriceWei: 2n * GWEI,
  ...change,
});
const inspected = (lastSettlement: SettlementInspection): NodeInspection => ({
  atMs: 0,
  contract: `0x${'11'.repeat(20)}`,
  chainId: '31337',
  problems: {},
  transfers: { queued: 0, proving: 0, proven: 0, confirmed: 0, sealed: 0 },
  oldestTransferMs: 0,
  standingSeals: 0,
  farmTasks: 0,
  oldestTaskMs: 0,
  workerRecords: [],
  chain: { head: 9, headAgeSeconds: 1, settlements: 1 },
  contractQueue: { waiting: 0, oldestSeconds: 0, delaySeconds: 600 },
  lastSettlement,
  ...(lastSettlement.feesWei === undefined ? {} : { quotedGas: { proven: 75_000, sealed: 26_000.5 } }),
});

async function series(inspection: NodeInspection): Promise<Map<string, number>> {
  const metrics = nodeMetrics({ inspect: async () => inspection, subscribe: () => () => {} });
  const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith('tacit_'));
  metrics.close();
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

/** Whether the alert would stand if what is shown were shown for an hour. */
function fires(values: ReadonlyMap<string, number>): boolean {
  const { groups } = parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  const expr = groups[0]?.rules.find(({ alert }) => alert === 'GasAboveQuote')?.expr ?? '';
  const numbers = expr.replace(/avg_over_time\((tacit_[a-z_]+)\[1h\]\)/g, (_, name: string) => String(values.get(name)));
  return numbers.split(' and ').every((clause) => {
    const [, left, right] = /^([\d.e+]+) > ([\d.e+]+)$/.exec(clause.trim()) ?? [];
    if (left === undefined || right === undefined) throw new Error(`not a comparison: ${clause}`);
    return Number(left) > Number(right);
  });
}

describe('the cost of settlements', () => {
  const cost = 900_000n * 2n * GWEI;

  it('is told beside what the quoted fees leave, and rings where it is more', async () => {
    const [good, bad] = await Promise.all(
      [cost + 1n * GWEI, cost - 1n * GWEI].map((feesWei) => series(inspected(settlement({ feesWei })))),
    );
    expect([good?.get('tacit_last_settlement_cost_wei'), good?.get('tacit_last_settlement_gas_price_wei')]).toEqual([1.8e15, 2e9]);
    expect(good?.get('tacit_quoted_gas_per_transfer{prover="farm"}')).toBe(26_000.5);
    expect(good?.get('tacit_last_settlement_gas_per_transfer')).toBe(90_000);
    expect([good, bad].map((values) => fires(values as Map<string, number>))).toEqual([false, true]);
  });

  it('rings nothing where no fees are asked', async () => {
    const values = await series(inspected(settlement({})));
    expect(values.get('tacit_last_settlement_fees_wei')).toBe(0);
    expect(fires(values)).toBe(false);
  });

  it('is in what an operator reads', () => {
    const words = (change: Partial<SettlementInspection>) => describeFarm(farmStatusOf(inspected(settlement(change))));
    expect(words({ feesWei: 2n * 10n ** 15n })).toMatch(
      /Last {8}10 transfers in 0x(ab){32}, 900000 gas, 90000 a transfer\n {12}cost 0\.001800 coins; its fees leave 0\.002000$/,
    );
    expect(words({ transfers: 0 })).toMatch(/Last {8}0 transfers in 0x(ab){32}, 900000 gas\n {12}cost 0\.001800 coins$/);
  });
});
