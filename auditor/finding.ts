/**
 * What an audit finds and what it says in the end.
 *
 * `broken`: something contradicts the rules or itself. `open`: something could not be checked with the data at hand.
 * One broken thing makes the verdict invalid; else one open thing makes it undecided.
 */
import { isTacitError } from '../protocol/errors.js';
import type { EvmAddress, Field, Hex } from '../protocol/flavor.js';

export type Verdict = 'valid' | 'invalid' | 'undecided';

/** Where on the chain something was found. */
export interface Place {
  readonly block?: number;
  readonly tx?: Hex;
  /** Ordinal number of a settlement, from 0. */
  readonly settlement?: number;
  /** Index of a queue item. */
  readonly item?: number;
}

export interface Finding extends Place {
  readonly severity: 'broken' | 'open';
  /** For programs, like the codes of `TacitError`. */
  readonly code: string;
  readonly reason: string;
}

export interface AuditCounts {
  settlements: number;
  updates: number;
  /** Records settled, forced ones included. */
  transfers: number;
  withdrawals: number;
  deposits: number;
  forced: number;
  dropped: number;
  /** Groth16 proofs verified. */
  proofs: number;
  calldataBytes: number;
}

/** Where the audited state ended up, as rebuilt. */
export interface AuditedState {
  readonly noteRoot: Field;
  readonly nullifierRoot: Field;
  readonly leafCount: bigint;
  readonly queueHead: number;
  readonly queueTail: number;
}

export interface AuditReport {
  readonly verdict: Verdict;
  /** verdict === 'valid' */
  readonly valid: boolean;
  readonly findings: readonly Finding[];
  readonly chainId: bigint;
  readonly contract: EvmAddress;
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly toBlockHash: Hex;
  readonly keysHash: Hex;
  readonly counts: AuditCounts;
  readonly state: AuditedState;
  /** SHA-256 of the archive that holds the same evidence: what two auditors compare. */
  readonly archiveHash: Hex;
  readonly timeMs: number;
}

export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ severity }) => severity === 'broken')) return 'invalid';
  return findings.length > 0 ? 'undecided' : 'valid';
}

/** Collects findings at a place that the caller moves along. */
export class Findings {
  readonly all: Finding[] = [];

  broken(place: Place, code: string, reason: string): void {
    this.all.push({ severity: 'broken', code, reason, ...place });
  }

  open(place: Place, code: string, reason: string): void {
    this.all.push({ severity: 'open', code, reason, ...place });
  }

  get brokenCount(): number {
    return this.all.filter(({ severity }) => severity === 'broken').length;
  }

  /** Runs a check; an error of the project's family becomes a broken finding, any other is a fault of the auditor. */
  check<T>(place: Place, what: string, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      if (!isTacitError(error)) throw error;
      this.broken(place, error.code, `${what}: ${error.message}`);
      return undefined;
    }
  }
}

/** One line for people. */
export function findingText({ severity, code, reason, block, tx, settlement, item }: Finding): string {
  const where = [
    ...(block === undefined ? [] : [`block ${block}`]),
    ...(settlement === undefined ? [] : [`settlement ${settlement}`]),
    ...(item === undefined ? [] : [`queue item ${item}`]),
    ...(tx === undefined ? [] : [`transaction ${tx}`]),
  ].join(', ');
  return `${severity === 'broken' ? 'INVALID' : 'OPEN'} ${where === '' ? '' : `${where}: `}${reason} [${code}]`;
}
