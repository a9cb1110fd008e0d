/**
 * The contract's past, from L1 alone: events in bounded ranges of `eth_getLogs`, and for each settlement the calldata
 * of its transaction. No filters (nodes forget them), no trust in order (sorted here), nothing cached.
 */
import type { Log, Provider } from 'ethers';
import { hexToBytes } from '../protocol/bytes.js';
import { ZERO_ADDRESS } from '../protocol/constants.js';
import { TacitError } from '../protocol/errors.js';
import type { Amount, AssetId, EvmAddress, Field, Hex } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { rollupInterface } from './abi.js';
import { onChain } from './contractError.js';

/** Where on the chain something happened. */
export interface LogPlace {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly transactionHash: Hex;
  readonly transactionIndex: number;
  readonly logIndex: number;
}

export interface DepositEvent extends LogPlace {
  readonly kind: 'deposit';
  readonly queueIndex: number;
  readonly asset: AssetId;
  readonly value: Amount;
  readonly owner: Field;
  readonly commitment: Field;
  /** 32 bytes each. */
  readonly ephemeral: Hex;
  readonly ciphertext: Hex;
}

export interface ForcedEvent extends LogPlace {
  readonly kind: 'forced';
  readonly queueIndex: number;
  /** Packed. */
  readonly record: Hex;
  readonly prover: EvmAddress;
  readonly refund: EvmAddress;
  /** Statement and proof, 256 bytes packed, that the contract has verified on entry. */
  readonly anchor: Field;
  readonly h: Field;
  readonly proof: Hex;
}

export interface DroppedEvent extends LogPlace {
  readonly kind: 'dropped';
  readonly queueIndex: number;
  /** Who was credited the reward. */
  readonly rewarded: EvmAddress;
}

export interface SettledEvent extends LogPlace {
  readonly kind: 'settled';
  readonly index: number;
  readonly noteRoot: Field;
  readonly nullRoot: Field;
  readonly leafCount: bigint;
  /** The queue's head afterwards. */
  readonly queueHead: number;
  /** Who sent it. */
  readonly settler: EvmAddress;
  /** The argument of settle(bytes), from the transaction's input. */
  readonly data: Hex;
}

export interface AssetEvent extends LogPlace {
  readonly kind: 'asset';
  readonly id: AssetId;
  readonly token: EvmAddress;
}

export interface DeferredEvent extends LogPlace {
  readonly kind: 'deferred';
  readonly recipient: EvmAddress;
  readonly asset: AssetId;
  readonly value: Amount;
}

export interface ClaimedEvent extends LogPlace {
  readonly kind: 'claimed';
  readonly account: EvmAddress;
  readonly asset: AssetId;
  readonly amount: Amount;
  readonly to: EvmAddress;
}

export type HistoryEvent = DepositEvent | ForcedEvent | DroppedEvent | SettledEvent | AssetEvent | DeferredEvent | ClaimedEvent;

export interface History {
  readonly domain: Domain;
  /** Both included. */
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly toBlockHash: Hex;
  /** In chain order. */
  readonly events: readonly HistoryEvent[];
}

export interface ReadHistoryOptions {
  /** Most blocks in one request. Default 2,000. */
  readonly rangeBlocks?: number;
  readonly onProgress?: (doneBlocks: number, totalBlocks: number) => void;
  /** Leave settlement transactions unread (`data` is `0x`, `settler` zero): for a reader that judges them byte by byte itself. */
  readonly skipCalldata?: boolean;
}

const RANGE_BLOCKS = 2_000;
/** Requests for transactions at a time. */
const PARALLEL_READS = 8;

/**
 * @param toBlock default: the head when the call begins
 * @throws TacitError RPC_UNREACHABLE, HISTORY_MOVED when the chain was reorganised below `toBlock` meanwhile (retryable),
 *   HISTORY_INCOMPLETE when the node withholds a block or a transaction, CONTRACT_ABSENT
 */
export async function readHistory(
  provider: Provider,
  contract: EvmAddress,
  fromBlock: number,
  toBlock?: number,
  options: ReadHistoryOptions = {},
): Promise<History> {
  const address = contract.toLowerCase();
  const [{ chainId }, end] = await onChain(
    'read the chain head',
    async () => [await provider.getNetwork(), toBlock ?? (await provider.getBlockNumber())] as const,
  );
  const before = await blockHash(provider, end);
  const logs = await readLogs(provider, address, fromBlock, end, options);
  const events = await inGroups(logs, PARALLEL_READS, (log) => toEvent(provider, address, log, options.skipCalldata === true));
  if ((await blockHash(provider, end)) !== before)
    throw new TacitError('HISTORY_MOVED', 'the chain was reorganised while it was read', { expected: before, retryable: true });
  return {
    domain: { chainId, contract: address },
    fromBlock,
    toBlock: end,
    toBlockHash: before,
    events: events.filter((event) => event !== undefined),
  };
}

/** Halves the range when the node refuses it, so that any provider's limit is found. */
async function readLogs(
  provider: Provider,
  address: EvmAddress,
  from: number,
  to: number,
  { rangeBlocks = RANGE_BLOCKS, onProgress }: ReadHistoryOptions,
): Promise<Log[]> {
  const logs: Log[] = [];
  let [start, width] = [from, rangeBlocks];
  while (start <= to) {
    const end = Math.min(to, start + width - 1);
    try {
      logs.push(...(await onChain('read events', () => provider.getLogs({ address, fromBlock: start, toBlock: end }))));
    } catch (error) {
      if (width === 1 || (error as TacitError).code === 'RPC_UNREACHABLE') throw error;
      width = Math.ceil(width / 2);
      continue;
    }
    start = end + 1;
    onProgress?.(start - from, to - from + 1);
  }
  return logs.filter(({ removed }) => !removed).sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index);
}

async function toEvent(provider: Provider, contract: EvmAddress, log: Log, skipCalldata: boolean): Promise<HistoryEvent | undefined> {
  const parsed = rollupInterface().parseLog(log);
  if (parsed === null) return undefined;
  const place: LogPlace = {
    blockNumber: log.blockNumber,
    blockHash: log.blockHash,
    transactionHash: log.transactionHash,
    transactionIndex: log.transactionIndex,
    logIndex: log.index,
  };
  const { args } = parsed;
  const number = (name: string): number => Number(args[name] as bigint);
  const address = (name: string): EvmAddress => (args[name] as string).toLowerCase();
  switch (parsed.name) {
    case 'Deposit':
      return {
        kind: 'deposit',
        ...place,
        queueIndex: number('queueIndex'),
        asset: number('asset'),
        value: args.value,
        owner: args.owner,
        commitment: args.commitment,
        ephemeral: args.ephemeral,
        ciphertext: args.ciphertext,
      };
    case 'Forced':
      return {
        kind: 'forced',
        ...place,
        queueIndex: number('queueIndex'),
        record: args.record,
        prover: address('prover'),
        refund: address('refund'),
        anchor: args.anchor,
        h: args.h,
        proof: args.proof,
      };
    case 'Dropped':
      return { kind: 'dropped', ...place, queueIndex: number('queueIndex'), rewarded: address('rewarded') };
    case 'Settled':
      return {
        kind: 'settled',
        ...place,
        index: number('settlementIndex'),
        noteRoot: args.noteRoot,
        nullRoot: args.nullRoot,
        leafCount: args.leafCount,
        queueHead: number('queueHead'),
        ...(skipCalldata ? { settler: ZERO_ADDRESS, data: '0x' } : await readSettlement(provider, contract, log)),
      };
    case 'AssetRegistered':
      return { kind: 'asset', ...place, id: number('id'), token: address('token') };
    case 'WithdrawalDeferred':
      return { kind: 'deferred', ...place, recipient: address('recipient'), asset: number('asset'), value: args.value };
    case 'Claimed':
      return { kind: 'claimed', ...place, account: address('account'), asset: number('asset'), amount: args.amount, to: address('to') };
    default:
      return undefined;
  }
}

/** The settlement's bytes: the contract made sure that they are in the transaction itself. */
async function readSettlement(provider: Provider, contract: EvmAddress, log: Log): Promise<{ settler: EvmAddress; data: Hex }> {
  const transaction = await onChain('read a settlement transaction', () => provider.getTransaction(log.transactionHash));
  if (transaction === null || transaction.blockHash !== log.blockHash) {
    throw new TacitError('HISTORY_INCOMPLETE', 'the node does not give a settlement transaction', {
      expected: log.transactionHash,
      retryable: true,
    });
  }
  return {
    settler: transaction.from.toLowerCase(),
    data: settlementArgument(transaction.to, transaction.data, contract, log.transactionHash),
  };
}

/** @throws TacitError HISTORY_INCOMPLETE when the transaction is not a plain call of settle on this contract */
function settlementArgument(to: string | null, input: Hex, contract: EvmAddress, hash: Hex): Hex {
  const call = to?.toLowerCase() === contract ? rollupInterface().parseTransaction({ data: input }) : null;
  if (call?.name !== 'settle')
    throw new TacitError('HISTORY_INCOMPLETE', 'a settlement event stands in a transaction that does not settle', { got: hash });
  return call.args[0] as string;
}

/** The bytes of a settled event. */
export function settlementBytes(event: SettledEvent): Uint8Array {
  return hexToBytes(event.data);
}

async function blockHash(provider: Provider, number: number): Promise<Hex> {
  const block = await onChain('read a block', () => provider.getBlock(number));
  if (block?.hash == null)
    throw new TacitError('HISTORY_INCOMPLETE', 'the node does not have this block', { got: `${number}`, retryable: true });
  return block.hash;
}

async function inGroups<T, R>(items: readonly T[], size: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += size) results.push(...(await Promise.all(items.slice(at, at + size).map(work))));
  return results;
}
