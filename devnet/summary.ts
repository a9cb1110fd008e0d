/** The outcome of the main job, for people and for programs. */
import { formatAmount } from '../client/amount.js';
import type { MainJobResult, PaymentOutcome } from './mainJob.js';
import type { Payment } from './payments.js';

/** Everything settled, every balance as the file says, and the auditor agrees. */
export function succeeded({ payments, balances, audit }: MainJobResult): boolean {
  return (
    audit.valid && payments.every(({ status }) => status === 'settled') && balances.every(({ balance, expected }) => balance === expected)
  );
}

/** Gas of the settlements that carried transfers, shared among the transfers. */
export function gasPerTransfer({ settlements }: MainJobResult): number {
  const carrying = settlements.filter(({ transfers }) => transfers > 0);
  const transfers = carrying.reduce((sum, settlement) => sum + settlement.transfers, 0);
  return transfers === 0 ? 0 : Math.round(carrying.reduce((sum, { gas }) => sum + gas, 0) / transfers);
}

/** One JSON-safe value: amounts as decimal strings in the asset's unit. */
export function jsonSummary(result: MainJobResult, timesMs: Readonly<Record<string, number>>): unknown {
  const { audit, settlements, balances, payments } = result;
  return {
    succeeded: succeeded(result),
    contract: result.contract,
    chainId: result.chainId.toString(),
    redis: result.redis,
    payments: payments.map(({ payment, prove, status, id, stagesMs, settlementTx, reason }) => ({
      payer: payment.payer,
      payee: payeeText(payment),
      asset: payment.asset.symbol,
      amount: formatAmount(payment.amount, payment.asset.decimals),
      memo: payment.memo,
      prove,
      status,
      ...(id === undefined ? {} : { id }),
      stagesMs,
      ...(settlementTx === undefined ? {} : { settlementTx }),
      ...(reason === undefined ? {} : { reason }),
    })),
    balances: balances.map(({ name, asset, balance, expected }) => ({
      name,
      asset: asset.symbol,
      balance: formatAmount(balance, asset.decimals),
      asExpected: balance === expected,
    })),
    settlements,
    audit: { valid: audit.valid, verdict: audit.verdict, findings: audit.findings, counts: audit.counts, toBlock: audit.toBlock },
    gas: {
      total: settlements.reduce((sum, { gas }) => sum + gas, 0),
      perTransfer: gasPerTransfer(result),
      perSettlement: settlements.map(({ gas }) => gas),
    },
    timesMs,
  };
}

/** The same for people. */
export function textSummary(result: MainJobResult, timesMs: Readonly<Record<string, number>>): string {
  const { audit, settlements } = result;
  return [
    '',
    'Payments (seconds from the start of each payment)',
    ...result.payments.map(paymentLine),
    '',
    'Balances',
    ...balanceLines(result),
    '',
    'Settlements',
    ...settlements.map(
      (s) =>
        `  block ${pad(s.block, 4)}  ${s.tx.slice(0, 18)}…  ${pad(s.transfers, 3)} transfers  ${pad(s.queueItems, 3)} deposits  ${s.proofs} proofs folded  ${pad(grouped(s.gas), 10)} gas`,
    ),
    `  gas per transfer: ${grouped(gasPerTransfer(result))}`,
    '',
    `Times: ${Object.entries(timesMs)
      .map(([stage, ms]) => `${stage} ${(ms / 1000).toFixed(1)} s`)
      .join(' · ')}`,
    `Audit: ${audit.verdict} — ${audit.counts.settlements} settlements, ${audit.counts.proofs} proofs and both roots re-verified from L1 data up to block ${audit.toBlock}`,
    ...audit.findings.map(({ code, reason }) => `  ${code}: ${reason}`),
    succeeded(result) ? 'All payments are settled and every balance is as the file says.' : 'NOT everything is as it should be; see above.',
  ].join('\n');
}

function paymentLine({ payment, prove, status, stagesMs, reason }: PaymentOutcome): string {
  const amount = `${formatAmount(payment.amount, payment.asset.decimals)} ${payment.asset.symbol}`;
  const stages = ['queued', 'proven', 'confirmed', 'settled'].flatMap((stage) =>
    stagesMs[stage] === undefined ? [] : [`${stage} ${(stagesMs[stage] / 1000).toFixed(1)}`],
  );
  const way = status === 'settled' ? stages.join(' → ') : `${status.toUpperCase()}: ${reason ?? 'no reason given'}`;
  return `  ${payment.payer.padEnd(8)} → ${payeeText(payment).slice(0, 12).padEnd(12)} ${amount.padStart(14)}  ${prove}  ${way}`;
}

function balanceLines({ balances }: MainJobResult): string[] {
  const names = [...new Set(balances.map(({ name }) => name))];
  return names.map((name) => {
    const parts = balances
      .filter((entry) => entry.name === name)
      .map(
        ({ asset, balance, expected }) =>
          `${formatAmount(balance, asset.decimals)} ${asset.symbol}${balance === expected ? '' : ` (EXPECTED ${formatAmount(expected, asset.decimals)})`}`,
      );
    return `  ${name.padEnd(8)}   ${parts.join('   ')}`;
  });
}

function payeeText({ payee }: Payment): string {
  return payee.kind === 'person' ? payee.name : payee.recipient;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function pad(value: number | string, width: number): string {
  return String(value).padStart(width);
}
