/**
 * What a transfer costs, per asset: its share of a settlement's gas at the present gas price, what the provers take of the
 * fee, and the operator's margin, in the asset's own units, rounded up to two significant digits, so that a fee says little
 * about who asked and when. A quote is honoured until it runs out, also when the price rises meanwhile.
 *
 *   fee · (1 − provers' shares) = gas · price · (1 + margin)
 *
 * because the contract shares every fee out: only what is left to the aggregator can pay for the settlement.
 */
import { TacitError } from '../protocol/errors.js';
import type { AssetId } from '../protocol/flavor.js';
import type { TransferRecord } from '../protocol/record.js';
import type { FeeParts, FeeQuote } from '../queue/service.js';
import type { FeePolicy } from './config.js';
import { GAS_MODEL, type GasShare, transferGas } from './gasModel.js';

const SIGNIFICANT = 100n;
const WHOLE_BPS = 10_000n;

/** What follows from the contract and the node's circuits. */
export interface QuoteTerms {
  /** Of every fee, in 1/10,000, what its provers are credited. */
  readonly proversBps: number;
  /** Transfers that share a farm-proved proof; 1 where the farm proves singly. */
  readonly shareProof: number;
  /** Slots of the largest update circuit in use. */
  readonly updateSlots: number;
}

export type ProvenWhere = 'proven' | 'sealed';

interface GasPriceQuote {
  readonly priceWei: bigint;
  readonly untilMs: number;
}

interface Parts {
  readonly data: bigint;
  readonly proof: bigint;
  readonly state: bigint;
  readonly provers: bigint;
  readonly margin: bigint;
}

export class QuoteBook {
  readonly #policy: FeePolicy;
  readonly #terms: QuoteTerms;
  #given: GasPriceQuote[] = [];
  #latestWei = 0n;

  /** @throws TacitError FEE_SHARES where the provers get all of a fee, so that no fee covers a settlement */
  constructor(policy: FeePolicy, terms: QuoteTerms) {
    if (policy.required && BigInt(terms.proversBps) >= WHOLE_BPS)
      throw new TacitError('FEE_SHARES', 'the contract leaves nothing of a fee to pay for a settlement', {
        expected: `below ${WHOLE_BPS}`,
        got: `${terms.proversBps}`,
      });
    this.#policy = policy;
    this.#terms = terms;
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
    const [proven, sealed] = [this.#parts(asset, 'proven', this.#latestWei), this.#parts(asset, 'sealed', this.#latestWei)];
    return {
      asset,
      feeProven: String(sum(proven)),
      feeSealed: String(sum(sealed)),
      validUntil,
      gasPriceWei: String(this.#latestWei),
      parts: { proven: texts(proven), sealed: texts(sealed) },
    };
  }

  /**
   * Checks that a record pays for `transfers` transfers at a price quoted lately.
   * @throws TacitError FEE_TOO_LOW, FEE_ASSET
   */
  assertPays({ fee, feeAsset }: TransferRecord, where: ProvenWhere, transfers: number, nowMs: number): void {
    if (!this.#policy.required) return;
    if (this.#policy.prices[feeAsset] === undefined)
      throw new TacitError('FEE_ASSET', 'fees are not taken in this asset', {
        expected: Object.keys(this.#policy.prices).join(', '),
        got: `${feeAsset}`,
      });
    const prices = [this.#latestWei, ...this.#given.filter(({ untilMs }) => untilMs > nowMs).map(({ priceWei }) => priceWei)];
    const lowest = prices.sort((a, b) => (a < b ? -1 : 1))[0] as bigint;
    const wanted = BigInt(transfers) * sum(this.#parts(feeAsset, where, lowest));
    if (fee < wanted)
      throw new TacitError('FEE_TOO_LOW', 'the fee does not cover the settlement', { expected: `at least ${wanted}`, got: `${fee}` });
  }

  #parts(asset: AssetId, where: ProvenWhere, priceWei: bigint): Parts {
    const price = this.#policy.prices[asset];
    if (price === undefined)
      throw new TacitError('ASSET_UNKNOWN', 'no fee is quoted in this asset', {
        expected: Object.keys(this.#policy.prices).join(', '),
        got: `${asset}`,
      });
    if (!this.#policy.required) return { data: 0n, proof: 0n, state: 0n, provers: 0n, margin: 0n };
    const gas = this.#gas(where);
    const inUnits = (amount: number): bigint => divideUp(BigInt(Math.ceil(amount)) * priceWei * price.numerator, price.denominator);
    const [data, proof, state] = [inUnits(gas.data), inUnits(gas.proof), inUnits(gas.state)];
    const cost = data + proof + state;
    const wanted = divideUp(cost * (WHOLE_BPS + BigInt(this.#policy.marginBps)), WHOLE_BPS);
    const fee = quantised(divideUp(wanted * WHOLE_BPS, WHOLE_BPS - BigInt(this.#terms.proversBps)));
    const provers = (fee * BigInt(this.#terms.proversBps)) / WHOLE_BPS;
    // Rounding is the operator's gain.
    return { data, proof, state, provers, margin: fee - provers - cost };
  }

  #gas(where: ProvenWhere): GasShare {
    const { shareProof, updateSlots } = this.#terms;
    return transferGas(GAS_MODEL, {
      shareProof: where === 'proven' ? 1 : shareProof,
      updateSlots,
      shareSettlement: this.#policy.expectedTransfers,
    });
  }
}

/** Rounded up to two significant digits. */
export function quantised(fee: bigint): bigint {
  let step = 1n;
  while (fee / step >= SIGNIFICANT) step *= 10n;
  return divideUp(fee, step) * step;
}

function divideUp(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

function sum({ data, proof, state, provers, margin }: Parts): bigint {
  return data + proof + state + provers + margin;
}

function texts(parts: Parts): FeeParts {
  return {
    data: String(parts.data),
    proof: String(parts.proof),
    state: String(parts.state),
    provers: String(parts.provers),
    margin: String(parts.margin),
  };
}
