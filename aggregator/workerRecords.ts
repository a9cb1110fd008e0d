/**
 * Workers' records on a running node: kept in the journal, mirrored in memory, counted up as the farm's answers come in.
 *
 * Counted after what the answer did is journaled: a crash between the two forgets one count, and never counts one twice.
 */
import type { JournalPort } from '../ledger/effects.js';
import type { WorkerFault, WorkerRow } from '../ledger/schema.js';
import { ZERO_ADDRESS } from '../protocol/constants.js';
import type { EvmAddress } from '../protocol/flavor.js';
import { newWorker, pointsAt, type Standing, standingAt, withFault, withProof, withVerdict } from './reputation.js';

export interface WorkerRecord extends WorkerRow {
  readonly standing: Standing;
}

export class WorkerRecords {
  readonly #journal: JournalPort;
  readonly #rows: Map<EvmAddress, WorkerRow>;
  readonly #nowMs: () => number;
  readonly #log: (line: string) => void;
  /** Workers that said they would prove a task, by task. Memory only: what was said to an earlier run speaks against nobody. */
  readonly #claims = new Map<string, Set<EvmAddress>>();
  readonly #contradicted = new Set<string>();
  /** Workers that kept a piece of work until their time was up, by work. */
  readonly #lapsed = new Map<string, Set<EvmAddress>>();

  constructor(journal: JournalPort, nowMs: () => number, log: (line: string) => void) {
    this.#journal = journal;
    this.#nowMs = nowMs;
    this.#log = log;
    this.#rows = new Map(journal.read.workers.rows().map((row) => [row.address, row]));
  }

  standing(worker: EvmAddress): Standing {
    const row = this.#rows.get(worker);
    return row === undefined ? 'good' : standingAt(row, this.#nowMs());
  }

  /** Has the operator named it welcome? */
  isAdmitted(worker: EvmAddress): boolean {
    return this.#rows.get(worker)?.verdict === 'admitted';
  }

  hasProved(worker: EvmAddress): boolean {
    return (this.#rows.get(worker)?.accepted ?? 0) > 0;
  }

  /** More is better: for choosing where there are more than can be taken. */
  rank(worker: EvmAddress): number {
    const row = this.#rows.get(worker);
    return row === undefined ? 0 : pointsAt(row, this.#nowMs()) + row.accepted;
  }

  /** Those who get no jobs, ascending. */
  unwelcome(): EvmAddress[] {
    return [...this.#rows.keys()].filter((worker) => this.standing(worker) !== 'good').sort();
  }

  list(): WorkerRecord[] {
    const nowMs = this.#nowMs();
    const records = [...this.#rows.values()].map((row) => ({ ...row, points: pointsAt(row, nowMs), standing: standingAt(row, nowMs) }));
    return records.sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  accepted(worker: EvmAddress): Promise<void> {
    return worker === ZERO_ADDRESS ? Promise.resolve() : this.#change(worker, (row, nowMs) => withProof(row, nowMs));
  }

  async fault(worker: EvmAddress, fault: WorkerFault): Promise<void> {
    await this.#change(worker, (row, nowMs) => withFault(row, fault, nowMs));
    const row = this.#rows.get(worker) as WorkerRow;
    const state = this.standing(worker) === 'removed' ? '; it is removed and gets no jobs' : '';
    this.#log(`farm: worker ${worker}, ${fault}, ${row.points.toFixed(0)} points${state}`);
  }

  /** It refused what another has proved: charged once, also where it has to be proved again. */
  async contradict(worker: EvmAddress, work: string): Promise<void> {
    const name = `${work} ${worker}`;
    if (this.#contradicted.has(name)) return;
    this.#contradicted.add(name);
    await this.fault(worker, 'contradicted');
  }

  async verdict(worker: EvmAddress, verdict: NonNullable<WorkerRow['verdict']>): Promise<WorkerRecord> {
    await this.#change(worker, (row, nowMs) => withVerdict(row, verdict, nowMs));
    this.#log(`farm: worker ${worker} is ${verdict} by the operator`);
    return { ...(this.#rows.get(worker) as WorkerRow), standing: this.standing(worker) };
  }

  /** @returns false where it said so of this task before */
  claim(task: string, worker: EvmAddress): boolean {
    const claimed = this.#claims.get(task) ?? new Set();
    if (claimed.has(worker)) return false;
    this.#claims.set(task, claimed.add(worker));
    return true;
  }

  /** The task's time was up. @param work what it was to prove, under names that outlive the task */
  lapse(task: string, work: readonly string[]): void {
    for (const name of work) this.#lapsed.set(name, new Set([...(this.#lapsed.get(name) ?? []), ...(this.#claims.get(task) ?? [])]));
    this.#claims.delete(task);
  }

  /** Somebody proved it: whoever had kept it is charged, once. */
  async proven(task: string, work: readonly string[], prover: EvmAddress): Promise<void> {
    const late = new Set(work.flatMap((name) => [...(this.#lapsed.get(name) ?? [])]));
    this.forget(task, work);
    for (const worker of late) if (worker !== prover) await this.fault(worker, 'lapsed');
    await this.accepted(prover);
  }

  /** Nobody will prove it any more. */
  forget(task: string, work: readonly string[]): void {
    this.#claims.delete(task);
    for (const name of work) this.#lapsed.delete(name);
  }

  async #change(worker: EvmAddress, change: (row: WorkerRow, nowMs: number) => WorkerRow): Promise<void> {
    const nowMs = this.#nowMs();
    const row = change(this.#rows.get(worker) ?? newWorker(worker, nowMs), nowMs);
    await this.#journal.transaction((tables) => tables.workers.put(worker, row));
    this.#rows.set(worker, row);
  }
}
