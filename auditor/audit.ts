/**
 * The audit: from evidence to a verdict. Everything else in this room gathers the evidence or explains a step.
 *
 *   1  the keys are those whose hash the contract tells, and fit for use
 *   2  every event in order (replay.ts), every settlement with all its proofs (settlement.ts)
 *   3  what came out is what the contract's storage says (compare.ts)
 */
import { hexToBytes } from '../protocol/bytes.js';
import type { Hex } from '../protocol/flavor.js';
import type { KeyTable } from '../protocol/fold.js';
import { decodeKeyBlob, keyBlobHash } from '../verifier-contract/keyBlob.js';
import { type Archive, archiveHash, type History } from './archive.js';
import { compareState } from './compare.js';
import { type AuditReport, Findings, verdictOf } from './finding.js';
import { Replay } from './replay.js';

export interface AuditProgress {
  readonly phase: 'read' | 'verify';
  /** In [0, 1]. */
  readonly fraction: number;
}
export type OnProgress = (progress: AuditProgress) => void;

/** Step 1. Undefined, with findings, when there are no keys to check with. */
export function auditedKeys({ keys, parameters, toBlock }: History, findings: Findings): KeyTable | undefined {
  const place = { block: toBlock };
  const blob = hexToBytes(keys);
  const hash: Hex = keyBlobHash(blob);
  if (hash !== parameters.keysHash) {
    findings.broken(
      place,
      'KEYS_HASH',
      `the keys do not have the hash that the contract tells: expected ${parameters.keysHash}, got ${hash}`,
    );
    return undefined;
  }
  return findings.check(place, 'verifying keys', () => decodeKeyBlob(blob));
}

/** What steps 1 and 2 leave; the replay is undefined without usable keys. */
export interface Replayed {
  readonly findings: Findings;
  readonly replay: Replay | undefined;
  readonly timeMs: number;
}

/** Steps 1 and 2. */
export function replayHistory(history: History, onProgress: OnProgress = () => {}, onSettlement?: Replay['onSettlement']): Replayed {
  const startedMs = performance.now();
  const findings = new Findings();
  const keys = auditedKeys(history, findings);
  const cut = keys !== undefined && isCut(history, findings);
  if (keys === undefined || cut) return { findings, replay: undefined, timeMs: performance.now() - startedMs };
  const replay = new Replay(history, keys, findings, onSettlement);
  replay.run((fraction) => onProgress({ phase: 'verify', fraction }));
  return { findings, replay, timeMs: performance.now() - startedMs };
}

/** A history that begins after the contract did proves nothing: trees and queue cannot be rebuilt from their middle. */
function isCut({ fromBlock, deploymentBlock }: History, findings: Findings): boolean {
  if (fromBlock <= deploymentBlock) return false;
  findings.open(
    { block: fromBlock },
    'HISTORY_CUT',
    `history is read from block ${fromBlock}, but the contract began in block ${deploymentBlock}`,
  );
  return true;
}

/** Step 3, and the verdict. */
export function concludeAudit(archive: Archive, { findings, replay, timeMs }: Replayed): AuditReport {
  if (replay !== undefined && !replay.stopped) compareState(archive, replay, findings);
  return report(archive, findings, replay, Math.round(timeMs));
}

/** Checks an archive. Never throws for what the evidence says; the verdict tells. */
export function auditEvidence(archive: Archive, onProgress: OnProgress = () => {}): AuditReport {
  return concludeAudit(archive, replayHistory(archive, onProgress));
}

function report(archive: Archive, { all }: Findings, replay: Replay | undefined, timeMs: number): AuditReport {
  const verdict = verdictOf(all);
  return {
    verdict,
    valid: verdict === 'valid',
    findings: all,
    chainId: BigInt(archive.chainId),
    contract: archive.contract,
    fromBlock: archive.fromBlock,
    toBlock: archive.toBlock,
    toBlockHash: archive.toBlockHash,
    keysHash: archive.parameters.keysHash,
    counts: replay?.counts ?? emptyCounts(),
    state: {
      noteRoot: replay?.ledger.noteRoot ?? 0n,
      nullifierRoot: replay?.ledger.nullifierRoot ?? 0n,
      leafCount: replay?.ledger.leafCount ?? 0n,
      queueHead: replay?.queue.head ?? 0,
      queueTail: replay?.queue.tail ?? 0,
    },
    archiveHash: archiveHash(archive),
    timeMs,
  };
}

function emptyCounts(): AuditReport['counts'] {
  return { settlements: 0, updates: 0, transfers: 0, withdrawals: 0, deposits: 0, forced: 0, dropped: 0, proofs: 0, calldataBytes: 0 };
}
