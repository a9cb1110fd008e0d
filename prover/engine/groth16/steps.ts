/**
 * The tasks of one proof: submitted to the pool, counted, offered to a helper, and stopped together.
 *
 * What can be cut is cut into pieces, so that no thread waits long for another's last one.
 */
import { PACKED_BYTES } from '../field/parameters.js';
import { settleAll } from '../pool/settleAll.js';
import type { KernelCall, Task } from '../pool/task.js';
import type { SumHelper, SumPoint } from './helper.js';
import type { LoadedKey } from './key.js';
import type { BaseName } from './layout.js';

export interface RunOptions {
  readonly threads: number;
  /** Throws when the proof is no longer wanted; asked before each stage. */
  readonly assertWanted: () => void;
  readonly onStep: (phase: string, elapsedMs: number, doneSteps: number, allSteps: number) => void;
  readonly helper?: SumHelper | undefined;
  /** For the helper: what `assertWanted` asks. */
  readonly signal?: AbortSignal | undefined;
  /** The helper has computed this sum. */
  readonly onHelped?: (name: BaseName) => void;
}

/** Work on the quotient goes first: everything of H waits for it. */
export const PRIORITY = { quotient: 2, witness: 1 } as const;
/** Pieces of a pointwise pass for each thread. */
const PIECES_PER_THREAD = 2;

/** What the helper has computed. */
export type HelpedSums = Map<BaseName, SumPoint>;

/**
 * Submits the proof's tasks and counts them.
 * After a failure or an abort nothing more is submitted: the next proof on this memory must not meet stragglers.
 */
export class Steps {
  private done = 0;
  private all = 0;
  private stopped: { readonly reason: unknown } | undefined;

  constructor(
    private readonly key: LoadedKey,
    private readonly options: RunOptions,
  ) {}

  async run(phase: string, tasks: readonly Task[], priority: number): Promise<void> {
    if (this.stopped) throw this.stopped.reason;
    this.options.assertWanted();
    this.all += tasks.length;
    await settleAll(
      tasks.map(async (task) => {
        const elapsedMs = await this.key.pool.submit(task, priority).catch((reason: unknown) => this.stop(reason));
        this.options.onStep(phase, elapsedMs, ++this.done, this.all);
      }),
    );
  }

  /**
   * Offers a sum to the helper; its result goes into `helped`.
   * @returns false where the pool has to compute it
   */
  async offer(name: BaseName, packed: number, helped: HelpedSums): Promise<boolean> {
    const { helper, signal, onStep, onHelped } = this.options;
    if (!helper?.takes(name)) return false;
    this.all++;
    const sum = await helper.sum(name, () => gatherScalars(this.key, name, packed), signal).catch(() => undefined);
    onStep(`${name} ${helper.backend}`, sum?.elapsedMs ?? 0, ++this.done, this.all);
    if (!sum) return false;
    helped.set(name, sum.point);
    onHelped?.(name);
    return true;
  }

  private stop(reason: unknown): never {
    if (!this.stopped) {
      this.stopped = { reason };
      void this.key.pool.cancel(reason);
    }
    throw reason;
  }

  /** Announces steps that will be submitted later, so that progress does not jump back. */
  expect(count: number): void {
    this.all += count;
  }

  arrived(count: number): void {
    this.all -= count;
  }

  /** Waits for what steps wait for, and has them announced meanwhile. */
  async expecting(count: number, before: Promise<void>): Promise<void> {
    this.expect(count);
    await before;
    this.arrived(count);
  }
}

/** A copy of the scalars of the bases that were kept, from integers that are not split. */
function gatherScalars(key: LoadedKey, name: BaseName, packed: number): Uint8Array {
  const { words } = key.instance;
  const values = packed / 4;
  const indices = key.layout.indices[name] / 4;
  const scalarWords = PACKED_BYTES / 4;
  const gathered = new Uint32Array(scalarWords * key.counts[name]);
  for (let i = 0, to = 0; to < gathered.length; i++) {
    const from = values + scalarWords * (words[indices + i] as number);
    for (let word = 0; word < scalarWords; word++) gathered[to++] = words[from + word] as number;
  }
  return new Uint8Array(gathered.buffer);
}

/** Tasks for n items in consecutive pieces. */
export function pieces(n: number, threads: number, call: (from: number, count: number) => KernelCall[]): Task[] {
  const parts = threads === 1 ? 1 : threads * PIECES_PER_THREAD;
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((n * i) / parts);
    const count = Math.floor((n * (i + 1)) / parts) - from;
    return { type: 'calls', calls: call(from, count) } as const;
  });
}
