/**
 * Reports for people and for `--json`.
 */
import type { Field } from '../protocol/flavor.js';
import type { BatchReport } from './batch.js';
import type { ConfirmationsReport, JudgedConfirmation } from './confirmationFiles.js';
import { type AuditReport, findingText } from './finding.js';

/** The report with roots as hexadecimal text. */
export function auditJson(report: AuditReport): unknown {
  const { noteRoot, nullifierRoot, ...rest } = report.state;
  return { ...report, state: { noteRoot: hex(noteRoot), nullifierRoot: hex(nullifierRoot), ...rest } };
}

/** Verdict first, then what was counted, then every finding. */
export function auditText(report: AuditReport): string {
  const { counts, state } = report;
  return [
    `${report.verdict.toUpperCase()}  contract ${report.contract} on chain ${report.chainId}, blocks ${report.fromBlock} to ${report.toBlock}`,
    `  verified     ${plural(counts.proofs, 'proof')} in ${plural(counts.settlements, 'settlement')} (${plural(counts.updates, 'update')}), ${counts.calldataBytes} bytes`,
    `  rebuilt      ${plural(counts.transfers, 'transfer')}, ${plural(counts.deposits, 'deposit')}, ${plural(counts.withdrawals, 'withdrawal')}, ${counts.forced} forced, ${counts.dropped} dropped`,
    `  note root    ${hex(state.noteRoot)}`,
    `  nullifiers   ${hex(state.nullifierRoot)}`,
    `  leaves       ${state.leafCount}, queue ${state.queueHead} of ${state.queueTail} taken`,
    `  keys         ${report.keysHash}`,
    `  last block   ${report.toBlockHash}`,
    `  evidence     sha256 ${report.archiveHash}`,
    ...report.findings.map((finding) => `  ${findingText(finding)}`),
  ].join('\n');
}

export function batchText(report: BatchReport): string {
  const { verdict, proofs, keysHash, badProofs, reason, code } = report;
  return [
    `${verdict.toUpperCase()}  fold of ${plural(proofs.length, 'proof')} for contract ${report.contract} on chain ${report.chainId}`,
    `  circuits     ${proofs.join(', ')}`,
    ...(keysHash === undefined
      ? []
      : [`  keys         ${keysHash}`, '  The file brings its own keys: compare this hash with the keysHash() of the contract.']),
    ...(badProofs.length === 0 ? [] : [`  bad proofs   ${badProofs.join(', ')}`]),
    ...(reason === undefined ? [] : [`  reason       ${reason} [${code}]`]),
  ].join('\n');
}

/** Verdict first, then each promise with where and why, then those that contradict one another. */
export function confirmationsText(report: ConfirmationsReport): string {
  const { verdict, contract, chainId, toBlock, toBlockHash, operator, promises, contradictions } = report;
  const lines = ({ verdict, code, reason, block, tx, settlement, findings }: JudgedConfirmation): string[] => [
    `  ${verdict.toUpperCase()}: ${reason} [${code}]`,
    ...(block === undefined ? [] : [`    in           block ${block}, settlement ${settlement}, transaction ${tx}`]),
    ...findings.map((finding) => `    ${findingText(finding)}`),
  ];
  return [
    `${verdict.toUpperCase()}  ${plural(promises.length, 'confirmation')} for contract ${contract} on chain ${chainId}, up to block ${toBlock}`,
    `  operator     ${operator}`,
    `  last block   ${toBlockHash}`,
    ...promises.flatMap((promise) => [
      `${promise.files.join()}: number ${promise.sequence}, record ${promise.recordHash}`,
      ...lines(promise),
    ]),
    ...contradictions.flatMap((pair) => [pair.files.join(' and '), ...lines(pair)]),
  ].join('\n');
}

function hex(value: Field): string {
  return `0x${value.toString(16).padStart(64, '0')}`;
}

function plural(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
