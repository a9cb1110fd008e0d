/** Amounts as people write them: decimal numbers in the asset's unit, exact, without exponents or signs. */
import { TacitError } from '../protocol/errors.js';
import type { Amount } from '../protocol/flavor.js';
import { assertAmount } from '../protocol/note.js';

const DIGITS_MAX = 40;

/**
 * "1.5" with 6 decimals is 1500000n.
 * @throws TacitError AMOUNT_FORMAT (also for more decimals than the asset has: nothing is rounded), AMOUNT_RANGE
 */
export function parseAmount(text: string, decimals: number): Amount {
  const match = new RegExp(`^(\\d{1,${DIGITS_MAX}})(?:\\.(\\d{1,${DIGITS_MAX}}))?$`).exec(text);
  const [, whole = '', fraction = ''] = match ?? [];
  if (match === null || fraction.length > decimals)
    throw new TacitError('AMOUNT_FORMAT', 'not an amount', {
      expected: `a decimal number with at most ${decimals} decimals, such as 1.5`,
      got: JSON.stringify(text.slice(0, DIGITS_MAX)),
    });
  return assertAmount(BigInt(whole + fraction.padEnd(decimals, '0')));
}

/** The inverse, without trailing zeros. */
export function formatAmount(amount: Amount, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const [whole, fraction] = [digits.slice(0, digits.length - decimals), digits.slice(digits.length - decimals).replace(/0+$/, '')];
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
