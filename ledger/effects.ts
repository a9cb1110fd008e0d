/**
 * The one port through which every outside effect of the node goes: disk, queue, chain.
 *
 * Why one: a crash can fall between any two effects, and only what passes a single place can be interrupted there on
 * purpose. `withFaultPoints` puts a hook before and after each method of each port; a test that throws from
 * the hook, or kills the process in it, is a crash at exactly that step.
 *
 * Invariant for callers: an effect that another party can see (queue, chain, a reply) comes after the journal
 * transaction that remembers the intention, and is safe to repeat.
 */
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import type { BlockRef, TableName, Tables } from './schema.js';

type Key<N extends TableName> = Tables[N]['key'];
type Row<N extends TableName> = Tables[N]['row'];

/** Bounds of an iteration over keys in ascending order (descending with `reverse`). */
export interface RangeOptions<K> {
  /** First key, included. */
  readonly from?: K;
  /** Last key, excluded. */
  readonly to?: K;
  /** From the greatest key downwards; `from` and `to` keep their meaning. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface TableReader<K, R> {
  get(key: K): R | undefined;
  has(key: K): boolean;
  /** Snapshot of the rows in key order. */
  range(options?: RangeOptions<K>): { key: K; row: R }[];
  /** Rows in key order. */
  rows(options?: RangeOptions<K>): R[];
  count(): number;
  /** The greatest key, if any. */
  lastKey(): K | undefined;
}

export interface TableWriter<K, R> extends TableReader<K, R> {
  put(key: K, row: R): void;
  /** Puts a row where there must be none. @throws JOURNAL_DUPLICATE */
  add(key: K, row: R): void;
  /** Changes an existing row. @throws JOURNAL_MISSING */
  update(key: K, change: (row: R) => R): R;
  /** @returns whether there was one */
  remove(key: K): boolean;
}

export type ReadTables = { readonly [N in TableName]: TableReader<Key<N>, Row<N>> };
export type WriteTables = { readonly [N in TableName]: TableWriter<Key<N>, Row<N>> } & {
  /** Takes the next value of a counter; the first is 0. */
  next(counter: string): number;
};

export interface JournalPort {
  /**
   * Runs `body` in one transaction. Resolves when all of it is on disk; on a throw nothing of it is. `body` must be
   * synchronous: an effect inside a transaction could not be undone.
   */
  transaction<T>(body: (tables: WriteTables) => T): Promise<T>;
  /** The last committed rows. */
  readonly read: ReadTables;
}

export interface QueueJob {
  /** Idempotency key: a second job of the same id is the same job. */
  readonly id: string;
  readonly kind: 'transfer' | 'update';
  /** JSON of the job contract; for a transfer this is ciphertext. */
  readonly data: unknown;
}

export type QueueOutcome =
  | { readonly state: 'waiting' | 'active' }
  | { readonly state: 'done'; readonly result: unknown }
  | { readonly state: 'failed'; readonly reason: string }
  /** The queue knows nothing of it: never sent, or lost. */
  | { readonly state: 'absent' };

export interface QueuePort {
  /** Resolves when the queue holds the job. Safe to repeat. */
  publish(job: QueueJob): Promise<void>;
  outcome(id: string): Promise<QueueOutcome>;
  /** Forgets the job, whatever its state. Safe to repeat. */
  forget(id: string): Promise<void>;
}

export interface TransactionRequest {
  readonly to: EvmAddress;
  readonly data: Hex;
  readonly valueWei: bigint;
  readonly nonce: number;
  readonly gasLimit: bigint;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}

export interface TransactionReceipt {
  readonly hash: Hex;
  readonly succeeded: boolean;
  readonly block: BlockRef;
  readonly gasUsed: bigint;
  /** Wei per gas that was paid. */
  readonly gasPriceWei: bigint;
}

export interface ChainPort {
  head(): Promise<BlockRef>;
  /** Undefined where the chain has no block of that number. */
  block(number: number): Promise<BlockRef | undefined>;
  /** Transactions mined from the node's own account: its next nonce by the chain's account. */
  minedNonce(): Promise<number>;
  feeSuggestion(): Promise<{ maxFeePerGasWei: bigint; maxPriorityFeePerGasWei: bigint }>;
  /** Signs; sends nothing. */
  sign(request: TransactionRequest): Promise<{ raw: Hex; hash: Hex }>;
  /** Sends signed bytes. Resolves also when the node knows them already. */
  broadcast(raw: Hex): Promise<void>;
  /** Undefined while not mined, or mined in a block that a reorg has removed. */
  receipt(hash: Hex): Promise<TransactionReceipt | undefined>;
}

/** The ports of a node. A caller with more to ask of its queue or chain extends those two. */
export interface Effects<Q extends QueuePort = QueuePort, C extends ChainPort = ChainPort> {
  readonly journal: JournalPort;
  readonly queue: Q;
  readonly chain: C;
}

/** Called with `port.method:before` and `port.method:after`; what it throws takes the place of the call's result. */
export type FaultHook = (point: string) => Promise<void> | void;

/**
 * The same ports with `hook` around each method call. Every method of a port returns a promise, so that the hook may
 * take its time; properties pass untouched. When the method fails, `:after` is not reached.
 */
export function withFaultPoints<T extends object>(effects: T, hook: FaultHook): T {
  const guarded = Object.entries(effects).map(([name, port]) => [name, guard(name, port as object, hook)]);
  return Object.fromEntries(guarded) as T;
}

function guard<P extends object>(name: string, port: P, hook: FaultHook): P {
  return new Proxy(port, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const point = `${name}.${String(property)}`;
      return async (...args: unknown[]) => {
        await hook(`${point}:before`);
        const result: unknown = await Reflect.apply(value, target, args);
        await hook(`${point}:after`);
        return result;
      };
    },
  });
}
