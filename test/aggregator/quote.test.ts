import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../aggregator/config.js';
import { circuitFor } from '../../aggregator/order.js';
import { QuoteBook, quantised } from '../../aggregator/quote.js';
import { recordOf } from './world.js';

const policy = {
  ...DEFAULT_POLICY.fees,
  required: true,
  gasProven: 70_000n,
  gasSealed: 30_000n,
  quoteMs: 1_000,
  prices: { 0: { numerator: 1n, denominator: 1n }, 3: { numerator: 2n, denominator: 1_000_000n } },
};

function code(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('fee quotes', () => {
  it('are gas times price in the asset, rounded up to two digits', () => {
    const book = new QuoteBook(policy);
    book.setGasPrice(1_234_567n);
    expect(book.quote(0, 5)).toEqual({ asset: 0, feeProven: '87000000000', feeSealed: '38000000000', validUntil: 1_005 });
    expect(book.quote(3, 5)).toMatchObject({ feeProven: '180000', feeSealed: '75000' });
    expect([0n, 7n, 99n, 100n, 101n, 999n].map(quantised)).toEqual([0n, 7n, 99n, 100n, 110n, 1_000n]);
  });

  it('are honoured until they run out, also when the price rises', () => {
    const book = new QuoteBook(policy);
    book.setGasPrice(1_000n);
    const fee = BigInt(book.quote(0, 0).feeProven);
    book.setGasPrice(5_000n);
    const record = recordOf(1, { fee });
    expect(code(() => book.assertPays(record, 'proven', 1, 900))).toBeUndefined();
    expect(code(() => book.assertPays(record, 'proven', 2, 900))).toBe('FEE_TOO_LOW');
    expect(code(() => book.assertPays(record, 'proven', 1, 1_001))).toBe('FEE_TOO_LOW');
  });

  it('refuse assets without a price and fees that are short by one', () => {
    const book = new QuoteBook(policy);
    book.setGasPrice(1_000n);
    expect(code(() => book.quote(9, 0))).toBe('ASSET_UNKNOWN');
    expect(code(() => book.assertPays(recordOf(1, { fee: 10n ** 12n, feeAsset: 9 }), 'proven', 1, 0))).toBe('FEE_ASSET');
    expect(code(() => book.assertPays(recordOf(1, { fee: 29_999_999n }), 'sealed', 1, 0))).toBe('FEE_TOO_LOW');
    expect(code(() => book.assertPays(recordOf(1, { fee: 30_000_000n }), 'sealed', 1, 0))).toBeUndefined();
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
