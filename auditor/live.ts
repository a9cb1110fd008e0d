/**
 * Audits of a running chain: evidence from an RPC, checked here, and written down as an archive on request.
 */
import { writeFile } from 'node:fs/promises';
import { assertEvmAddress } from '../protocol/evmAddress.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { type Archive, encodeArchive } from './archive.js';
import { concludeAudit, type OnProgress, replayHistory } from './audit.js';
import { collectHistory, collectState } from './collect.js';
import type { AuditReport } from './finding.js';

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

async function auditAndArchive({
  rpcUrl,
  contract,
  fromBlock,
  onProgress = () => {},
}: LiveAuditOptions): Promise<{ archive: Archive; report: AuditReport }> {
  const address = assertEvmAddress(contract.toLowerCase(), 'contract');
  const reader = await openRpc(rpcUrl);
  try {
    const history = await collectHistory(reader, address, fromBlock, onProgress);
    const replayed = replayHistory(history, onProgress);
    const archive: Archive = { ...history, state: await collectState(reader, history, replayed.replay) };
    return { archive, report: concludeAudit(archive, replayed) };
  } finally {
    reader.destroy();
  }
}
