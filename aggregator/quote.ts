/**
 * What a transfer costs, per asset: the settlement's gas at the present gas price, in the asset's own units, rounded up to
 * two significant digits, so that a fee says little about who asked and when. A quote is honoured until it runs out, also
 * when the price rises meanwhile.
 */
import { TacitError } from '../protocol/errors.js';
import type { AssetId } from '../protocol/flavor.js';
import type { TransferRecord } from '../protocol/record.js';
import type { FeeQuote } from '../queue/service.js';
import type { FeePolicy } from './config.js';

const SIGNIFICANT = 100n;

interface GasPriceQuote {
  readonly priceWei: bigint;
  readonly untilMs: number;
}

export class QuoteBook {
  readonly #policy: FeePolicy;
  #given: GasPriceQuote[] = [];
  #latestWei = 0n;

  constructor(policy: FeePolicy) {
    this.#policy = policy;
  }

  /** The gas price that the next quotes are made from. */
  setGasPrice(priceWei: bigint): void {
    this.#latestWei = priceWei;
  }

  /** @throws TacitError ASSET_UNKNOWN for an asset without a price */
  quote(asset: AssetId, nowMs: number): FeeQuote {
    const validUntil = nowMs + this.#policy.quoteMs;
    this.#given = [
      ...this.#given.filter(({ untilMs, priceWei }) => untilMs > nowMs && priceWei !== this.#latestWei),
      { priceWei: this.#latestWei, untilMs: validUntil },
    ];
    return {
      asset,
      feeProven: String(this.#fee(asset, this.#policy.gasProven, this.#latestWei)),
      feeSealed: String(this.#fee(asset, this.#policy.gasSealed, this.#latestWei)),
      validUntil,
    };
  }

  /**
   * Checks that a record pays for `transfers` transfers at a price quoted lately.
   * @throws TacitError FEE_TOO_LOW, FEE_ASSET
   */
  assertPays({ fee, feeAsset }: TransferRecord, kind: 'proven' | 'sealed', transfers: number, nowMs: number): void {
    if (!this.#policy.required) return;
    if (this.#policy.prices[feeAsset] === undefined)
      throw new TacitError('FEE_ASSET', 'fees are not taken in this asset', {
        expected: Object.keys(this.#policy.prices).join(', '),
        got: `${feeAsset}`,
      });
    const prices = [this.#latestWei, ...this.#given.filter(({ untilMs }) => untilMs > nowMs).map(({ priceWei }) => priceWei)];
    const lowest = prices.sort((a, b) => (a < b ? -1 : 1))[0] as bigint;
    const wanted = BigInt(transfers) * this.#fee(feeAsset, kind === 'proven' ? this.#policy.gasProven : this.#policy.gasSealed, lowest);
    if (fee < wanted)
      throw new TacitError('FEE_TOO_LOW', 'the fee does not cover the settlement', { expected: `at least ${wanted}`, got: `${fee}` });
  }

  #fee(asset: AssetId, gas: bigint, priceWei: bigint): bigint {
    const price = this.#policy.prices[asset];
    if (price === undefined)
      throw new TacitError('ASSET_UNKNOWN', 'no fee is quoted in this asset', {
        expected: Object.keys(this.#policy.prices).join(', '),
        got: `${asset}`,
      });
    if (!this.#policy.required) return 0n;
    return quantised((gas * priceWei * price.numerator + price.denominator - 1n) / price.denominator);
  }
}

/** Rounded up to two significant digits. */
export function quantised(fee: bigint): bigint {
  let step = 1n;
  while (fee / step >= SIGNIFICANT) step *= 10n;
  return ((fee + step - 1n) / step) * step;
}
