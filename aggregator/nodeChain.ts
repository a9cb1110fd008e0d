/**
 * The node's chain port over JSON-RPC: the account's transactions (verifier-contract/chain.ts) and the contract's history
 * in the few kinds that the node follows.
 */
import { hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import { type Domain, decodeRecord } from '../protocol/record.js';
import { RpcChain } from '../verifier-contract/chain.js';
import { onChain } from '../verifier-contract/contractError.js';
import { type HistoryEvent, readHistory, settlementBytes } from '../verifier-contract/history.js';
import { openRpc } from '../verifier-contract/rpc.js';
import type { ChainEvent, NodeChain } from './chainPort.js';

type Provider = Awaited<ReturnType<typeof openRpc>>;

export class RpcNodeChain extends RpcChain implements NodeChain {
  readonly #provider: Provider;
  readonly #contract: EvmAddress;

  private constructor(provider: Provider, settlerKey: Hex, contract: EvmAddress) {
    super(provider, settlerKey);
    this.#provider = provider;
    this.#contract = contract;
  }

  /** @throws TacitError RPC_UNREACHABLE, CHAIN_FOREIGN */
  static async open(rpcUrl: string, settlerKey: Hex, domain: Domain): Promise<RpcNodeChain> {
    const provider = await openRpc(rpcUrl);
    const { chainId } = await provider.getNetwork();
    if (chainId === domain.chainId) return new RpcNodeChain(provider, settlerKey, domain.contract);
    provider.destroy();
    throw new TacitError('CHAIN_FOREIGN', 'the RPC serves another chain', { expected: `${domain.chainId}`, got: `${chainId}` });
  }

  async headSeconds(number: number): Promise<number> {
    const block = await onChain('read a block', () => this.#provider.getBlock(number));
    if (block === null) throw new TacitError('HISTORY_MOVED', 'a block is gone', { got: `${number}`, retryable: true });
    return block.timestamp;
  }

  async history(from: number, to: number): Promise<ChainEvent[]> {
    const { events } = await readHistory(this.#provider, this.#contract, from, to);
    const settling = new Set(events.flatMap((event) => (event.kind === 'settled' ? [event.transactionHash] : [])));
    const followed: ChainEvent[] = [];
    for (const event of events) {
      // What a settlement drops is in its bytes.
      if (event.kind === 'dropped' && settling.has(event.transactionHash)) continue;
      const translated = await this.#translate(event);
      if (translated !== undefined) followed.push(translated);
    }
    return followed;
  }

  balanceWei(): Promise<bigint> {
    return onChain('read a balance', () => this.#provider.getBalance(this.address));
  }

  estimateGas(data: Hex): Promise<bigint> {
    // Against the last block, not the pending one: there our own transaction, waiting to be replaced, has moved the state already.
    // (The provider's own method names no block.)
    return onChain('estimate a call', async () =>
      BigInt((await this.#provider.send('eth_estimateGas', [{ to: this.#contract, from: this.address, data }, 'latest'])) as string),
    );
  }

  async close(): Promise<void> {
    this.#provider.destroy();
  }

  async #translate(event: HistoryEvent): Promise<ChainEvent | undefined> {
    const block = { number: event.blockNumber, hash: event.blockHash };
    switch (event.kind) {
      case 'deposit':
        return {
          kind: 'deposit',
          item: event.queueIndex,
          block,
          queuedAtSeconds: await this.headSeconds(block.number),
          commitment: event.commitment,
        };
      case 'forced':
        return {
          kind: 'forced',
          item: event.queueIndex,
          block,
          queuedAtSeconds: await this.headSeconds(block.number),
          record: decodeRecord(hexToBytes(event.record)),
          prover: event.prover,
          refund: event.refund,
        };
      case 'dropped':
        return { kind: 'dropped', item: event.queueIndex, block };
      case 'settled':
        return {
          kind: 'settlement',
          block,
          tx: event.transactionHash,
          bytes: settlementBytes(event),
          noteRoot: event.noteRoot,
          nullRoot: event.nullRoot,
        };
      default:
        return undefined;
    }
  }
}
