import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../circuits/paths.js';
import { type DevnetAsset, parsePayments, people } from '../../devnet/payments.js';
import { TacitError } from '../../protocol/errors.js';

const ETH: DevnetAsset = { symbol: 'ETH', decimals: 18, faucetLimit: 10n ** 21n };
const TUSD: DevnetAsset = { symbol: 'TUSD', decimals: 6, faucetLimit: 10n ** 12n };
const HEADER = 'payer,payee,asset,amount,memo';

const parse = (...lines: string[]) => parsePayments([HEADER, ...lines].join('\n'), [ETH, TUSD]);

describe('the payments file', () => {
  it('reads names, withdrawals, amounts and memos', () => {
    const [first, second] = parse('alice,bob,ETH,0.25,rent', 'bob,0x70997970C51812dc3A010C7d01b50e0d17dc79C8,TUSD,1.000001,');
    expect(first).toMatchObject({
      line: 2,
      payer: 'alice',
      payee: { kind: 'person', name: 'bob' },
      amount: 25n * 10n ** 16n,
      memo: 'rent',
    });
    expect(second).toMatchObject({
      line: 3,
      payee: { kind: 'withdrawal', recipient: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8' },
      amount: 1_000_001n,
    });
  });

  it('accepts what spreadsheets write: a byte order mark, CRLF, an empty last line', () => {
    expect(parsePayments(`\uFEFF${HEADER}\r\nalice,bob,ETH,1,x\r\n\r\n`, [ETH])).toHaveLength(1);
  });

  it.each([
    ['too few columns', 'alice,bob,ETH,1', '5 columns'],
    ['a bad payer', '1alice,bob,ETH,1,', 'a payer name'],
    ['a bad payee', 'alice,0x1234,ETH,1,', 'a payee name'],
    ['the zero address', `alice,0x${'0'.repeat(40)},ETH,1,`, 'a payee name'],
    ['an unknown asset', 'alice,bob,DOGE,1,', 'an asset among ETH, TUSD'],
    ['nothing', 'alice,bob,ETH,0,', 'a positive amount'],
    ['a negative amount', 'alice,bob,ETH,-1,', 'a positive amount'],
    ['an exponent', 'alice,bob,ETH,1e3,', 'a positive amount'],
    ['too many decimals', 'alice,bob,TUSD,0.0000001,', 'at most 6 decimals'],
    ['more than the faucet gives', 'alice,bob,TUSD,1000001,', 'at most 1000000 TUSD'],
    ['a memo of 13 bytes', 'alice,bob,ETH,1,thirteen byte', 'at most 12 bytes'],
    ['a memo of 12 characters and more bytes', 'alice,bob,ETH,1,twelve chärs', 'at most 12 bytes'],
  ])('names the line of %s and what was expected', (_what, line, expected) => {
    const error = caught(() => parse('alice,bob,ETH,1,fine', line));
    expect(error.code).toBe('PAYMENTS_INVALID');
    expect(error.message).toContain('line 3');
    expect(error.expected).toContain(expected);
  });

  it('refuses another header and a file without payments', () => {
    expect(caught(() => parsePayments('a,b\n', [ETH])).message).toContain('line 1');
    expect(caught(() => parse()).expected).toBe('at least one payment');
  });

  it('holds the example: at least 12 payments among 4 people, two assets, one withdrawal', () => {
    const payments = parsePayments(readFileSync(join(packageRoot(), 'examples', 'payments.csv'), 'utf8'), [ETH, TUSD]);
    expect(payments.length).toBeGreaterThanOrEqual(12);
    expect(people(payments)).toHaveLength(4);
    expect(new Set(payments.map(({ asset }) => asset.symbol)).size).toBe(2);
    expect(payments.filter(({ payee }) => payee.kind === 'withdrawal')).toHaveLength(1);
  });
});

function caught(action: () => unknown): TacitError {
  try {
    action();
  } catch (error) {
    if (error instanceof TacitError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
