/**
 * What the contract owes to whom, rebuilt from history: fee shares, slot fees, bonds, drop rewards, deferred
 * withdrawals, less what was claimed. And what it must own so that it can pay.
 */
import { NATIVE_ASSET } from '../protocol/constants.js';
import type { Amount, AssetId, EvmAddress } from '../protocol/flavor.js';
import type { TransferRecord } from '../protocol/record.js';
import type { ContractParameters } from './archive.js';

const WHOLE_BPS = 10_000n;

export interface Credit {
  readonly account: EvmAddress;
  readonly asset: AssetId;
  readonly amount: Amount;
}

export class CreditBook {
  readonly #credits = new Map<string, bigint>();
  readonly #holdings = new Map<AssetId, bigint>();

  constructor(readonly parameters: ContractParameters) {}

  /** Money that came into the contract. */
  received(asset: AssetId, amount: Amount): void {
    this.#holdings.set(asset, (this.#holdings.get(asset) ?? 0n) + amount);
  }

  /** Money that left it. */
  paid(asset: AssetId, amount: Amount): void {
    this.received(asset, -amount);
  }

  credit(account: EvmAddress, asset: AssetId, amount: Amount): void {
    const key = `${account} ${asset}`;
    this.#credits.set(key, (this.#credits.get(key) ?? 0n) + amount);
  }

  claimed(account: EvmAddress, asset: AssetId, amount: Amount): void {
    this.credit(account, asset, -amount);
    this.paid(asset, amount);
  }

  /** The three shares of a transfer's fee, each rounded down, the rest to the aggregator. */
  fee({ fee, feeAsset }: TransferRecord, transferProver: EvmAddress, updateProver: EvmAddress): void {
    if (fee === 0n) return;
    const proving = (fee * BigInt(this.parameters.transferProverBps)) / WHOLE_BPS;
    const updating = (fee * BigInt(this.parameters.updateProverBps)) / WHOLE_BPS;
    this.credit(transferProver, feeAsset, proving);
    this.credit(updateProver, feeAsset, updating);
    this.credit(this.parameters.aggregator, feeAsset, fee - proving - updating);
  }

  slotFee(updateProver: EvmAddress): void {
    this.credit(updateProver, NATIVE_ASSET, BigInt(this.parameters.slotFeeWei));
  }

  bond(refund: EvmAddress): void {
    this.credit(refund, NATIVE_ASSET, BigInt(this.parameters.bondWei));
  }

  /** The bond of a dropped item: a fixed reward, the rest back. */
  drop(refund: EvmAddress, rewarded: EvmAddress): void {
    const reward = BigInt(this.parameters.dropRewardWei);
    this.credit(refund, NATIVE_ASSET, BigInt(this.parameters.bondWei) - reward);
    this.credit(rewarded, NATIVE_ASSET, reward);
  }

  /** Every account and asset that history has touched, ascending. */
  credits(): Credit[] {
    return [...this.#credits]
      .map(([key, amount]) => {
        const [account, asset] = key.split(' ') as [string, string];
        return { account, asset: Number(asset), amount };
      })
      .sort((a, b) => (a.account === b.account ? a.asset - b.asset : a.account < b.account ? -1 : 1));
  }

  /** What the contract must own at least, by asset, ascending. */
  holdings(): { asset: AssetId; amount: Amount }[] {
    return [...this.#holdings].map(([asset, amount]) => ({ asset, amount })).sort((a, b) => a.asset - b.asset);
  }
}
