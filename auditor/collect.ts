/**
 * Evidence from an RPC: everything that an archive holds, read at one block, and nothing from anywhere else.
 *
 * History first; then, when the replay has shown which roots, accounts and assets there are, the contract's own word on
 * each of them at the same block.
 */

import { bytesToHex } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Field, Hex } from '../protocol/flavor.js';
import { type HistoryEvent, readHistory } from '../verifier-contract/history.js';
import { RollupContract } from '../verifier-contract/rollup.js';
import { type RawTransaction, readBalance, readBlockTime, readTransaction } from '../verifier-contract/transactions.js';
import { ARCHIVE_FORMAT, ARCHIVE_VERSION, type ArchiveEvent, type ContractState, type History } from './archive.js';
import type { OnProgress } from './audit.js';
import type { Replay } from './replay.js';

/** The connection that the bindings use; its type is theirs. */
export type ChainReader = RollupContract['provider'];

/** Requests under way at a time. */
const PARALLEL_READS = 8;

/**
 * @param fromBlock default: the block of the contract's deployment
 * @throws TacitError when the RPC does not give what is needed (CONTRACT_ABSENT, RPC_UNREACHABLE, HISTORY_…)
 */
export async function collectHistory(
  reader: ChainReader,
  contract: EvmAddress,
  fromBlock: number | undefined,
  onProgress: OnProgress,
): Promise<History> {
  const rollup = new RollupContract(contract, reader);
  await rollup.assertDeployed();
  const [config, domain, keys] = await Promise.all([rollup.config(), rollup.domain(), rollup.keyBlob()]);
  const from = fromBlock ?? config.deploymentBlock;
  const onBlocks = (done: number, total: number) => onProgress({ phase: 'read', fraction: (done / total) * 0.5 });
  const past = await readHistory(reader, rollup.address, from, undefined, { skipCalldata: true, onProgress: onBlocks });
  const facts = new ChainFacts(reader);
  let done = 0;
  const events = await inGroups(past.events, async (event) => {
    const archived = await archiveEvent(event, facts);
    onProgress({ phase: 'read', fraction: 0.5 + (++done / past.events.length) * 0.5 });
    return archived;
  });
  const { shares, aggregator, queueDelaySeconds, slotFeeWei, bondWei, dropRewardWei, deploymentBlock, keysHash, circuitsHash } = config;
  return {
    format: ARCHIVE_FORMAT,
    version: ARCHIVE_VERSION,
    chainId: domain.chainId.toString(),
    contract: rollup.address,
    deploymentBlock,
    fromBlock: from,
    toBlock: past.toBlock,
    toBlockHash: past.toBlockHash,
    parameters: {
      aggregator,
      queueDelaySeconds,
      slotFeeWei: slotFeeWei.toString(),
      bondWei: bondWei.toString(),
      dropRewardWei: dropRewardWei.toString(),
      transferProverBps: shares.transferProverBps,
      updateProverBps: shares.updateProverBps,
      circuitsHash,
      keysHash,
    },
    keys: bytesToHex(keys),
    events,
  };
}

/** What the contract says at the history's last block about everything that the replay has met. */
export async function collectState(
  reader: ChainReader,
  { contract, toBlock, events }: History,
  replay: Replay | undefined,
): Promise<ContractState> {
  const rollup = new RollupContract(contract, reader);
  const { noteRoot, nullifierRoot, leafCount, settlementCount, queueHead, queueTail } = await rollup.state(toBlock);
  const made = [...(replay?.madeRoots ?? [])].sort((a, b) => (a < b ? -1 : 1));
  const roots = await inGroups(made, async (root) => ({ root: word(root), known: await rollup.isKnownRoot(root, toBlock) }));
  const credits = await inGroups(replay?.credits.credits() ?? [], async ({ account, asset }) => ({
    account,
    asset,
    amount: (await rollup.credits(account, asset, toBlock)).toString(),
  }));
  const tokens = new Map(events.flatMap((event) => (event.kind === 'asset' ? [[event.id, event.token] as const] : [])));
  const balances = await inGroups(replay?.credits.holdings() ?? [], async ({ asset }) => {
    const token = tokens.get(asset);
    if (asset !== 0 && token === undefined)
      throw new TacitError('HISTORY_INCOMPLETE', 'an asset is used that was never registered', { got: String(asset) });
    return { asset, amount: (await readBalance(reader, contract, token, toBlock)).toString() };
  });
  return {
    noteRoot: word(noteRoot),
    nullifierRoot: word(nullifierRoot),
    leafCount: Number(leafCount),
    settlementCount,
    queueHead,
    queueTail,
    roots,
    credits,
    balances,
  };
}

/** Facts that several events share, each asked for once. */
class ChainFacts {
  readonly #times = new Map<number, Promise<number>>();
  readonly #transactions = new Map<Hex, Promise<RawTransaction>>();
  constructor(readonly reader: ChainReader) {}

  time(block: number): Promise<number> {
    return once(this.#times, block, () => readBlockTime(this.reader, block));
  }

  transaction(hash: Hex, block: number): Promise<RawTransaction> {
    return once(this.#transactions, hash, () => readTransaction(this.reader, hash, block));
  }
}

function once<K, V>(cache: Map<K, Promise<V>>, key: K, read: () => Promise<V>): Promise<V> {
  const found = cache.get(key) ?? read();
  cache.set(key, found);
  return found;
}

async function archiveEvent(event: HistoryEvent, facts: ChainFacts): Promise<ArchiveEvent> {
  const { blockNumber: block, transactionHash: tx, logIndex } = event;
  const at = { block, timeSeconds: await facts.time(block), tx, logIndex };
  switch (event.kind) {
    case 'deposit': {
      const { queueIndex: item, asset, value, owner, commitment, ephemeral, ciphertext } = event;
      return {
        kind: 'deposit',
        ...at,
        item,
        asset,
        value: value.toString(),
        owner: word(owner),
        commitment: word(commitment),
        ephemeral,
        ciphertext,
      };
    }
    case 'forced': {
      const { queueIndex: item, record, prover, refund, anchor, h, proof } = event;
      return { kind: 'forced', ...at, item, record, prover, refund, anchor: word(anchor), h: word(h), proof };
    }
    case 'dropped':
      return { kind: 'dropped', ...at, item: event.queueIndex, rewarded: event.rewarded };
    case 'settled': {
      const { from, input } = await facts.transaction(tx, block);
      const { index: ordinal, noteRoot, nullRoot, leafCount, queueHead } = event;
      return {
        kind: 'settled',
        ...at,
        ordinal,
        noteRoot: word(noteRoot),
        nullifierRoot: word(nullRoot),
        leafCount: Number(leafCount),
        queueHead,
        sender: from,
        calldata: input,
      };
    }
    case 'claimed':
      return { kind: 'claimed', ...at, account: event.account, asset: event.asset, amount: event.amount.toString() };
    case 'deferred':
      return { kind: 'deferred', ...at, recipient: event.recipient, asset: event.asset, value: event.value.toString() };
    case 'asset':
      return { kind: 'asset', ...at, id: event.id, token: event.token };
  }
}

function word(value: Field): Hex {
  return `0x${value.toString(16).padStart(64, '0')}`;
}

async function inGroups<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += PARALLEL_READS)
    results.push(...(await Promise.all(items.slice(at, at + PARALLEL_READS).map(work))));
  return results;
}
