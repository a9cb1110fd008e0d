/**
 * Single facts of the chain that the contract's events do not carry: a transaction's sender and input as they are, the
 * time of a block, what an account owns.
 */
import type { Provider } from 'ethers';
import { bytesToHex } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { evmAddressToWord } from '../protocol/evmAddress.js';
import type { Amount, EvmAddress, Hex } from '../protocol/flavor.js';
import { onChain } from './contractError.js';
import type { BlockTag } from './rollup.js';

export interface RawTransaction {
  readonly from: EvmAddress;
  readonly input: Hex;
}

/** Selector of an ERC-20's `balanceOf(address)`. */
const BALANCE_OF = '0x70a08231';

/** @throws TacitError HISTORY_INCOMPLETE when the node does not have it in that block (retryable), RPC_UNREACHABLE */
export async function readTransaction(provider: Provider, hash: Hex, blockNumber: number): Promise<RawTransaction> {
  const transaction = await onChain('read a transaction', () => provider.getTransaction(hash));
  if (transaction === null || transaction.blockNumber !== blockNumber) {
    throw new TacitError('HISTORY_INCOMPLETE', 'the node does not give this transaction', {
      expected: `${hash} in block ${blockNumber}`,
      retryable: true,
    });
  }
  return { from: transaction.from.toLowerCase(), input: transaction.data };
}

/** Seconds since the epoch. @throws TacitError HISTORY_INCOMPLETE (retryable), RPC_UNREACHABLE */
export async function readBlockTime(provider: Provider, blockNumber: number): Promise<number> {
  const block = await onChain('read a block', () => provider.getBlock(blockNumber));
  if (block === null)
    throw new TacitError('HISTORY_INCOMPLETE', 'the node does not have this block', { got: `${blockNumber}`, retryable: true });
  return block.timestamp;
}

/** What an account owns: of the native coin, or of a token. @param token undefined for the native coin */
export async function readBalance(
  provider: Provider,
  account: EvmAddress,
  token: EvmAddress | undefined,
  blockTag: BlockTag,
): Promise<Amount> {
  if (token === undefined) return onChain('read a balance', () => provider.getBalance(account, blockTag));
  const data = `${BALANCE_OF}${bytesToHex(evmAddressToWord(account)).slice(2)}`;
  const answer = await onChain('read a token balance', () => provider.call({ to: token, data, blockTag }));
  return answer === '0x' ? 0n : BigInt(answer);
}
