import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../aggregator/config.js';
import { GAS_MODEL, settlementGas } from '../../aggregator/gasModel.js';
import { circuitFor } from '../../aggregator/order.js';
import { QuoteBook, quantised } from '../../aggregator/quote.js';
import type { GasResult } from '../../bench/gas.js';
import { packageRoot } from '../../circuits/paths.js';
import { CIRCUITS, type CircuitName } from '../../protocol/circuit.js';
import { recordOf } from './world.js';

const policy = {
  ...DEFAULT_POLICY.fees,
  required: true,
  marginBps: 1_000,
  expectedTransfers: 64,
  quoteMs: 1_000,
  prices: { 0: { numerator: 1n, denominator: 1n }, 3: { numerator: 2n, denominator: 1_000_000n } },
};

const TERMS = { proversBps: 6_000, shareProof: 8, updateSlots: 32 };

function code(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('fee quotes', () => {
  it('cover the settlement with what the contract leaves of the fee, and show their parts', () => {
    const book = new QuoteBook(policy, TERMS);
    book.setGasPrice(1_234_567n);
    const quote = book.quote(0, 5);
    expect(quote).toMatchObject({ asset: 0, validUntil: 1_005, gasPriceWei: '1234567' });
    for (const [fee, parts, share] of [
      [quote.feeProven, quote.parts.proven, 1],
      [quote.feeSealed, quote.parts.sealed, 8],
    ] as const) {
      const { data, proof, state, provers, margin } = parts;
      const amounts = [data, proof, state, provers, margin].map(BigInt);
      expect(amounts.reduce((sum, part) => sum + part)).toBe(BigInt(fee));
      expect(amounts.every((part) => part >= 0n)).toBe(true);
      const cost = BigInt(data) + BigInt(proof) + BigInt(state);
      // What the provers leave pays for the gas and a tenth more; rounding to two digits adds less than a tenth again.
      const left = BigInt(fee) - BigInt(provers);
      expect(left * 10n).toBeGreaterThanOrEqual(cost * 11n - 10n);
      expect(left * 100n).toBeLessThan(cost * 122n);
      const gas = settlementGas(GAS_MODEL, { records: 64, transferProofs: 64 / share, updates: 2 }) / 64;
      expect(Number(cost) / 1_234_567).toBeGreaterThanOrEqual(gas);
      expect(Number(cost) / 1_234_567).toBeLessThan(gas + 4);
    }
    expect(BigInt(quote.feeSealed) * 3n).toBeLessThan(BigInt(quote.feeProven));
    expect(BigInt(book.quote(3, 5).feeSealed)).toBe(quantised(BigInt(book.quote(3, 5).feeSealed)));
    expect([0n, 7n, 99n, 100n, 101n, 999n].map(quantised)).toEqual([0n, 7n, 99n, 100n, 110n, 1_000n]);
  });

  it('are nothing where none is asked, and impossible where the provers get all', () => {
    const free = new QuoteBook({ ...policy, required: false }, TERMS);
    free.setGasPrice(5n);
    expect(free.quote(0, 0)).toMatchObject({ feeProven: '0', feeSealed: '0' });
    expect(code(() => new QuoteBook(policy, { ...TERMS, proversBps: 10_000 }))).toBe('FEE_SHARES');
  });

  it('are honoured until they run out, also when the price rises', () => {
    const book = new QuoteBook(policy, TERMS);
    book.setGasPrice(1_000n);
    const fee = BigInt(book.quote(0, 0).feeProven);
    book.setGasPrice(5_000n);
    const record = recordOf(1, { fee });
    expect(code(() => book.assertPays(record, 'proven', 900))).toBeUndefined();
    expect(code(() => book.assertPays(record, 'proven', 1_001))).toBe('FEE_TOO_LOW');
  });

  it('are not given before a gas price is known, and nothing is let in for nothing meanwhile', () => {
    const book = new QuoteBook(policy, TERMS);
    expect(code(() => book.quote(0, 0))).toBe('GAS_PRICE_UNKNOWN');
    expect(code(() => book.assertPays(recordOf(1), 'proven', 0))).toBe('GAS_PRICE_UNKNOWN');
    book.setGasPrice(1_000n);
    expect(code(() => book.assertPays(recordOf(1), 'proven', 1))).toBe('FEE_TOO_LOW');
    const free = new QuoteBook({ ...policy, required: false }, TERMS);
    expect(free.quote(0, 0)).toMatchObject({ feeProven: '0', gasPriceWei: '0' });
  });

  it('bind a pair: what one half pays, or both, is held against where each is proven', () => {
    const book = new QuoteBook(policy, TERMS);
    book.setGasPrice(1_000n);
    const [quote, inAsset] = [book.quote(0, 0), book.quote(3, 0)];
    const [proven, sealed] = [BigInt(quote.feeProven), BigInt(quote.feeSealed)];
    const pays = (a: [bigint, 'proven' | 'sealed'], b: [bigint, 'proven' | 'sealed'], feeAsset = 0) =>
      code(() =>
        book.assertPairPays(
          [
            { record: recordOf(1, { fee: a[0] }), where: a[1] },
            { record: recordOf(2, { fee: b[0], feeAsset }), where: b[1] },
          ],
          0,
        ),
      );
    expect(pays([0n, 'proven'], [2n * proven, 'proven'])).toBeUndefined();
    expect(pays([0n, 'proven'], [2n * proven - 1n, 'proven'])).toBe('PAIR_UNDERPAID');
    expect(pays([0n, 'proven'], [2n * sealed, 'sealed'])).toBe('PAIR_UNDERPAID');
    expect(pays([0n, 'proven'], [proven + sealed, 'sealed'])).toBeUndefined();
    expect(pays([0n, 'sealed'], [2n * BigInt(inAsset.feeSealed), 'sealed'], 3)).toBeUndefined();
    expect(pays([0n, 'sealed'], [2n * BigInt(inAsset.feeSealed) - 1n, 'sealed'], 3)).toBe('PAIR_UNDERPAID');
    // What one pays too much is not the other's.
    expect(pays([sealed - 1n, 'sealed'], [3n * sealed, 'sealed'])).toBe('PAIR_UNDERPAID');
    expect(pays([sealed, 'sealed'], [sealed, 'sealed'])).toBeUndefined();
    expect(pays([0n, 'sealed'], [0n, 'sealed'])).toBe('PAIR_UNDERPAID');
    expect(pays([0n, 'sealed'], [10n ** 12n, 'sealed'], 9)).toBe('FEE_ASSET');
  });

  it('ask more of a withdrawal, by what it pays out', () => {
    const book = new QuoteBook(policy, TERMS);
    book.setGasPrice(1_000n);
    const { feeSealed, withdrawals, parts } = book.quote(0, 0);
    for (const [fee, { data, proof, state, provers, margin }] of [
      [withdrawals.native, parts.native],
      [withdrawals.token, parts.token],
    ] as const) {
      expect([data, proof, state, provers, margin].reduce((sum, part) => sum + BigInt(part), 0n)).toBe(BigInt(fee));
      expect(BigInt(fee) - BigInt(provers)).toBeGreaterThanOrEqual(((BigInt(data) + BigInt(state)) * 11n) / 10n);
    }
    const pays = (fee: bigint, outAsset: number) => code(() => book.assertPays(recordOf(1, { fee, outAsset, outValue: 5n }), 'sealed', 0));
    const owed = (extra: string) => BigInt(feeSealed) + BigInt(extra);
    expect(pays(BigInt(feeSealed), 0)).toBe('FEE_TOO_LOW');
    expect([pays(owed(withdrawals.native) - 1n, 0), pays(owed(withdrawals.native), 0)]).toEqual(['FEE_TOO_LOW', undefined]);
    expect([pays(owed(withdrawals.native), 3), pays(owed(withdrawals.token), 3)]).toEqual(['FEE_TOO_LOW', undefined]);
    const both = (fee: bigint) =>
      code(() =>
        book.assertPairPays(
          [
            { record: recordOf(1, { outAsset: 3, outValue: 5n }), where: 'sealed' },
            { record: recordOf(2, { fee }), where: 'sealed' },
          ],
          0,
        ),
      );
    const wanted = 2n * BigInt(feeSealed) + BigInt(withdrawals.token);
    expect([both(wanted - 1n), both(wanted)]).toEqual(['PAIR_UNDERPAID', undefined]);
  });

  it('leave the operator what the contract leaves, in wei at the policy’s prices', () => {
    const book = new QuoteBook(policy, TERMS);
    const fees = [
      { fee: 1_000n, feeAsset: 0 },
      { fee: 20n, feeAsset: 3 },
      { fee: 7n, feeAsset: 9 },
      { fee: 0n, feeAsset: 0 },
    ];
    // Four tenths of a fee; of asset 3, two units are a million wei; nothing is known of asset 9.
    expect(book.incomeWei(fees)).toBe(400n + 4_000_000n);
  });

  it('refuse assets without a price and fees that are short by one', () => {
    const book = new QuoteBook(policy, TERMS);
    book.setGasPrice(1_000n);
    expect(code(() => book.quote(9, 0))).toBe('ASSET_UNKNOWN');
    expect(code(() => book.assertPays(recordOf(1, { fee: 10n ** 12n, feeAsset: 9 }), 'proven', 0))).toBe('FEE_ASSET');
    const fee = BigInt(book.quote(0, 0).feeSealed);
    expect(code(() => book.assertPays(recordOf(1, { fee: fee - 1n }), 'sealed', 0))).toBe('FEE_TOO_LOW');
    expect(code(() => book.assertPays(recordOf(1, { fee }), 'sealed', 0))).toBeUndefined();
  });
});

describe('circuit of a batch', () => {
  it('is the smallest that holds it, else the largest that may be used with so few', () => {
    const all = ['update_32', 'update_2', 'update_8'] as const;
    expect([0, 1, 2, 3, 8, 9, 40].map((count) => circuitFor(all, count))).toEqual([
      undefined,
      'update_2',
      'update_2',
      'update_8',
      'update_8',
      'update_32',
      'update_32',
    ]);
    expect(circuitFor(['update_32'], 8)).toBeUndefined();
    expect(circuitFor(['update_2', 'update_32'], 8)).toBe('update_2');
  });
});

describe('the gas model', () => {
  it('is what the benchmark measured, within three in a hundred', () => {
    const { rows } = JSON.parse(readFileSync(join(packageRoot(), 'bench', 'results', 'gas.json'), 'utf8')) as GasResult;
    expect(rows.length).toBeGreaterThan(10);
    for (const { transfer, transfers, updates, gas } of rows) {
      const proofs = transfers / CIRCUITS[transfer as CircuitName].size;
      const model = settlementGas(GAS_MODEL, { records: transfers, transferProofs: proofs, updates });
      expect(Math.abs(model - gas) / gas).toBeLessThan(0.03);
    }
  });
});
