/**
 * The node's chain port (ledger/effects.ts) over JSON-RPC: signs with explicit nonce and fees, sends raw bytes, looks
 * things up. It keeps no nonce of its own and starts no background polling; the node's journal is the memory.
 */
import { type Provider, Transaction, Wallet } from 'ethers';
import type { ChainPort, TransactionReceipt, TransactionRequest } from '../ledger/effects.js';
import type { BlockRef } from '../ledger/schema.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import { contractError, onChain } from './contractError.js';

// What a node says of bytes that it holds, or has mined, already.
const KNOWN_ALREADY = /already known|already imported|known transaction|nonce too low|already in (the )?(mempool|pool)/i;
// Head room for the base fee: it can double in about six blocks.
const BASE_FEE_FACTOR = 2n;
const PRIORITY_FEE_FLOOR_WEI = 1_000_000_000n;

/** A port for one account on one chain. */
export class RpcChain implements ChainPort {
  readonly address: EvmAddress;
  readonly #wallet: Wallet;
  #chainId: bigint | undefined;

  /** @param privateKey of the account that pays for the node's transactions */
  constructor(
    private readonly provider: Provider,
    privateKey: Hex,
  ) {
    this.#wallet = new Wallet(privateKey);
    this.address = this.#wallet.address.toLowerCase();
  }

  async head(): Promise<BlockRef> {
    const number = await onChain('read the chain head', () => this.provider.getBlockNumber());
    const block = await this.block(number);
    if (block === undefined)
      throw new TacitError('RPC_FAILED', 'the node does not give its own head', { got: `${number}`, retryable: true });
    return block;
  }

  async block(number: number): Promise<BlockRef | undefined> {
    const block = await onChain('read a block', () => this.provider.getBlock(number));
    return block?.hash == null ? undefined : { number: block.number, hash: block.hash };
  }

  minedNonce(): Promise<number> {
    return onChain('read the account nonce', () => this.provider.getTransactionCount(this.address, 'latest'));
  }

  async feeSuggestion(): Promise<{ maxFeePerGasWei: bigint; maxPriorityFeePerGasWei: bigint }> {
    const [block, suggestion] = await onChain('read the fee level', () =>
      Promise.all([this.provider.getBlock('latest'), this.provider.getFeeData()]),
    );
    const base = block?.baseFeePerGas ?? 0n;
    const suggested = suggestion.maxPriorityFeePerGas ?? 0n;
    const maxPriorityFeePerGasWei = suggested > PRIORITY_FEE_FLOOR_WEI ? suggested : PRIORITY_FEE_FLOOR_WEI;
    return { maxFeePerGasWei: BASE_FEE_FACTOR * base + maxPriorityFeePerGasWei, maxPriorityFeePerGasWei };
  }

  async sign(request: TransactionRequest): Promise<{ raw: Hex; hash: Hex }> {
    this.#chainId ??= (await onChain('read the chain id', () => this.provider.getNetwork())).chainId;
    const { to, data, valueWei, nonce, gasLimit, maxFeePerGasWei, maxPriorityFeePerGasWei } = request;
    const raw = await this.#wallet.signTransaction({
      type: 2,
      chainId: this.#chainId,
      to,
      data,
      value: valueWei,
      nonce,
      gasLimit,
      maxFeePerGas: maxFeePerGasWei,
      maxPriorityFeePerGas: maxPriorityFeePerGasWei,
    });
    return { raw, hash: Transaction.from(raw).hash as Hex };
  }

  /** @throws TacitError RPC_UNREACHABLE, FUNDS_TOO_LOW, TRANSACTION_REPLACED when another with this nonce pays more */
  async broadcast(raw: Hex): Promise<void> {
    try {
      await this.provider.broadcastTransaction(raw);
    } catch (error) {
      if (KNOWN_ALREADY.test(error instanceof Error ? error.message : '') && (await this.#isKnown(raw))) return;
      throw contractError(error, 'broadcast a transaction');
    }
  }

  async receipt(hash: Hex): Promise<TransactionReceipt | undefined> {
    const receipt = await onChain('read a receipt', () => this.provider.getTransactionReceipt(hash));
    if (receipt === null) return undefined;
    const { status, blockNumber: number, blockHash, gasUsed, gasPrice: gasPriceWei } = receipt;
    return { hash, succeeded: status === 1, block: { number, hash: blockHash }, gasUsed, gasPriceWei };
  }

  /** "Nonce too low" may also mean that another transaction took the place. */
  async #isKnown(raw: Hex): Promise<boolean> {
    const { hash } = Transaction.from(raw);
    return (await onChain('look up a transaction', () => this.provider.getTransaction(hash as Hex))) !== null;
  }
}
