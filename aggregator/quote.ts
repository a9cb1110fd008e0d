/**
 * What a transfer costs, per asset: its share of a settlement's gas at the present gas price, what the provers take of the
 * fee, and the operator's margin, in the asset's own units, rounded up to two significant digits, so that a fee says little
 * about who asked and when. A quote is honoured until it runs out, also when the price rises meanwhile.
 *
 *   fee · (1 − provers' shares) = gas · price · (1 + margin)      and the same again for what a withdrawal adds
 *
 * because the contract shares every fee out: only what is left to the aggregator can pay for the settlement.
 */
import { TacitError } from '../protocol/errors.js';
import type { AssetId } from '../protocol/flavor.js';
import type { TransferRecord } from '../protocol/record.js';
import type { FeeParts, FeeQuote } from '../queue/service.js';
import type { FeePolicy } from './config.js';
import { GAS_MODEL, type GasShare, gasOf, transferGas, WITHDRAWAL_GAS } from './gasModel.js';

const SIGNIFICANT = 100n;
const WHOLE_BPS = 10_000n;
/** Asset id of the chain's coin. */
const NATIVE = 0;

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

export interface PricedTransfer {
  readonly record: TransferRecord;
  readonly where: ProvenWhere;
}

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
  #latestWei: bigint | undefined;

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

  /** @throws TacitError ASSET_UNKNOWN for an asset without a price; GAS_PRICE_UNKNOWN (retryable) */
  quote(asset: AssetId, nowMs: number): FeeQuote {
    const validUntil = nowMs + this.#policy.quoteMs;
    const latestWei = this.#price();
    this.#given = [
      ...this.#given.filter(({ untilMs, priceWei }) => untilMs > nowMs && priceWei !== latestWei),
      { priceWei: latestWei, untilMs: validUntil },
    ];
    const priced = (gas: GasShare): Parts => this.#parts(asset, gas, latestWei);
    const [proven, sealed] = [priced(this.#gas('proven')), priced(this.#gas('sealed'))];
    const [native, token] = [priced(WITHDRAWAL_GAS.native), priced(WITHDRAWAL_GAS.token)];
    return {
      asset,
      feeProven: String(sum(proven)),
      feeSealed: String(sum(sealed)),
      withdrawals: { native: String(sum(native)), token: String(sum(token)) },
      validUntil,
      gasPriceWei: String(latestWei),
      parts: { proven: texts(proven), sealed: texts(sealed), native: texts(native), token: texts(token) },
    };
  }

  /**
   * Checks that a record pays for itself at a price quoted lately.
   * @throws TacitError FEE_TOO_LOW, FEE_ASSET, GAS_PRICE_UNKNOWN (retryable)
   */
  assertPays(record: TransferRecord, where: ProvenWhere, nowMs: number): void {
    const { fee, feeAsset } = record;
    const wanted = this.#wanted(feeAsset, [{ record, where }], nowMs);
    if (fee < wanted)
      throw new TacitError('FEE_TOO_LOW', 'the fee does not cover the settlement', { expected: `at least ${wanted}`, got: `${fee}` });
  }

  /**
   * Checks that one half of a pair pays for both, each by where it is proven, or each half for itself.
   * @throws TacitError PAIR_UNDERPAID, FEE_ASSET, GAS_PRICE_UNKNOWN (retryable)
   */
  assertPairPays(halves: readonly [PricedTransfer, PricedTransfer], nowMs: number): void {
    if (!this.#policy.required) return;
    const payers = halves.filter(({ record }) => record.fee !== 0n);
    if (payers.length === 0) throw underpaid('a fee in one of them', 0n);
    for (const payer of payers) {
      const covered = payers.length === 1 ? halves : [payer];
      const { fee, feeAsset } = payer.record;
      const wanted = this.#wanted(feeAsset, covered, nowMs);
      if (fee < wanted) throw underpaid(`at least ${wanted} of asset ${feeAsset}`, fee);
    }
  }

  /** Gas that a quote counts with, by where the transfer is proven. */
  gasPerTransfer(): Record<ProvenWhere, number> {
    return { proven: gasOf(this.#gas('proven')), sealed: gasOf(this.#gas('sealed')) };
  }

  /** What the fees of records leave to the operator when the provers have their shares, in wei at the policy's prices. */
  incomeWei(records: readonly Pick<TransferRecord, 'fee' | 'feeAsset'>[]): bigint {
    return records.reduce((income, { fee, feeAsset }) => {
      const price = this.#policy.prices[feeAsset];
      if (price === undefined || price.numerator === 0n) return income;
      const left = fee - (fee * BigInt(this.#terms.proversBps)) / WHOLE_BPS;
      return income + (left * price.denominator) / price.numerator;
    }, 0n);
  }

  /** Fees of so many transfers, at the lowest price that is still honoured. @throws TacitError FEE_ASSET */
  #wanted(asset: AssetId, transfers: readonly PricedTransfer[], nowMs: number): bigint {
    if (!this.#policy.required) return 0n;
    if (this.#policy.prices[asset] === undefined)
      throw new TacitError('FEE_ASSET', 'fees are not taken in this asset', {
        expected: Object.keys(this.#policy.prices).join(', '),
        got: `${asset}`,
      });
    const latestWei = this.#price();
    const honoured = [latestWei, ...this.#given.filter(({ untilMs }) => untilMs > nowMs).map(({ priceWei }) => priceWei)];
    const [lowest = latestWei] = honoured.sort((a, b) => (a < b ? -1 : 1));
    const feeFor = (gas: GasShare): bigint => sum(this.#parts(asset, gas, lowest));
    return transfers.reduce((fee, { where, record }) => fee + feeFor(this.#gas(where)) + withdrawalFee(record, feeFor), 0n);
  }

  /** One that was never asked for is none that nothing costs. */
  #price(): bigint {
    if (this.#latestWei !== undefined || !this.#policy.required) return this.#latestWei ?? 0n;
    throw new TacitError('GAS_PRICE_UNKNOWN', 'the node has not heard of a gas price since its start', { retryable: true });
  }

  #parts(asset: AssetId, gas: GasShare, priceWei: bigint): Parts {
    const price = this.#policy.prices[asset];
    if (price === undefined)
      throw new TacitError('ASSET_UNKNOWN', 'no fee is quoted in this asset', {
        expected: Object.keys(this.#policy.prices).join(', '),
        got: `${asset}`,
      });
    if (!this.#policy.required) return { data: 0n, proof: 0n, state: 0n, provers: 0n, margin: 0n };
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

function underpaid(expected: string, fee: bigint): TacitError {
  return new TacitError('PAIR_UNDERPAID', 'the fees of this pair do not cover both of its transfers', {
    expected,
    got: `${fee}`,
    docs: 'gas.md',
  });
}

function withdrawalFee({ outAsset, outValue }: TransferRecord, feeFor: (gas: GasShare) => bigint): bigint {
  return outValue === 0n ? 0n : feeFor(outAsset === NATIVE ? WITHDRAWAL_GAS.native : WITHDRAWAL_GAS.token);
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
