/**
 * Audits of a running chain: evidence from an RPC, checked here, and written down as an archive on request.
 */
import { writeFile } from 'node:fs/promises';
import { TacitError } from '../protocol/errors.js';
import { assertEvmAddress } from '../protocol/evmAddress.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { encodeBatchFile } from '../verifier-contract/batchFile.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { type Archive, encodeArchive } from './archive.js';
import { concludeAudit, type OnProgress, replayHistory } from './audit.js';
import { collectHistory, collectState } from './collect.js';
import type { AuditReport } from './finding.js';
import type { Replay } from './replay.js';

export interface LiveAuditOptions {
  readonly rpcUrl: string;
  readonly contract: EvmAddress;
  /** First block to read; by default the contract's own. A later one makes the verdict undecided. */
  readonly fromBlock?: number;
  readonly onProgress?: OnProgress;
}

/**
 * Rebuilds everything from what the RPC answers and compares it with the contract's state at the chain's head.
 * @throws TacitError when the RPC does not give what is needed: nothing can be said then
 */
export async function auditFromRpc(options: LiveAuditOptions): Promise<AuditReport> {
  return (await auditAndArchive(options)).report;
}

/**
 * The same, and the evidence as a file that `auditArchive` checks without a network.
 * @throws TacitError as auditFromRpc; ordinary file errors
 */
export async function exportArchive(options: LiveAuditOptions & { readonly file: string }): Promise<AuditReport> {
  const { archive, report } = await auditAndArchive(options);
  await writeFile(options.file, encodeArchive(archive));
  return report;
}

/**
 * The same, and the fold of settlement `settlement` (0, 1, …) as a `batch.json`.
 * @throws TacitError SETTLEMENT_ABSENT when history has no such settlement, or it does not hold; and as exportArchive
 */
export async function exportBatch(
  options: LiveAuditOptions & { readonly file: string; readonly settlement: number },
): Promise<AuditReport> {
  let text: string | undefined;
  const { report } = await auditAndArchive(options, ({ ordinal }, { folded }, { keys, domain }) => {
    const lists = folded.map(({ list }) => list);
    if (ordinal === options.settlement) text = encodeBatchFile(domain, keys, folded, lists);
  });
  if (text === undefined) {
    const expected = `below ${report.counts.settlements}`;
    throw new TacitError('SETTLEMENT_ABSENT', 'there is no such settlement', { expected, got: String(options.settlement) });
  }
  await writeFile(options.file, text);
  return report;
}

async function auditAndArchive(
  { rpcUrl, contract, fromBlock, onProgress = () => {} }: LiveAuditOptions,
  onSettlement?: Replay['onSettlement'],
): Promise<{ archive: Archive; report: AuditReport }> {
  const address = assertEvmAddress(contract.toLowerCase(), 'contract');
  const reader = await openRpc(rpcUrl);
  try {
    const history = await collectHistory(reader, address, fromBlock, onProgress);
    const replayed = replayHistory(history, onProgress, onSettlement);
    const archive: Archive = { ...history, state: await collectState(reader, history, replayed.replay) };
    return { archive, report: concludeAudit(archive, replayed) };
  } finally {
    reader.destroy();
  }
}
