/** What people type and paste: addresses, words, amounts, payment files, and the arguments of the command line. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { backendFrom, threadsFrom } from '../../cli/prove.js';
import { amountOf, assetNamed, oneOf, wholeNumber } from '../../cli/walletSession.js';
import { formatAmount, parseAmount } from '../../client/amount.js';
import { type DevnetAsset, parsePayments } from '../../devnet/payments.js';
import { decodeAddress, encodeAddress } from '../../protocol/address.js';
import { decodeMemo, encodeMemo } from '../../protocol/encryption.js';
import { assertEvmAddress } from '../../protocol/evmAddress.js';
import { mnemonicToSeed } from '../../protocol/mnemonic.js';
import { nonZeroAddress } from '../protocol/arbitraries.js';
import { account } from '../protocol/walletSupport.js';
import { canonical, FUZZ_TEST_MS, fuzz, refusedOr, spoiledBytes, spoiledText } from './fuzz.js';

const ASSETS: readonly DevnetAsset[] = [
  { symbol: 'ETH', decimals: 18, faucetLimit: 10n ** 24n },
  { symbol: 'TUSD', decimals: 6, faucetLimit: 10n ** 18n },
];
const REGISTERED = ASSETS.map((asset, id) => ({ ...asset, id, token: `0x${'00'.repeat(20)}` }));
const addresses = fc.constantFrom(...[0, 1, 2, 3].map((index) => encodeAddress(account('fuzz', index).address)));
const amounts = fc
  .tuple(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.nat({ max: 18 }))
  .map(([amount, decimals]) => formatAmount(amount, decimals));
const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

describe('addresses', () => {
  it(
    'Tacit addresses have one text each',
    () => {
      fuzz(spoiledText(addresses), canonical(decodeAddress, encodeAddress));
    },
    FUZZ_TEST_MS,
  );

  it(
    'EVM addresses have one text each',
    () => {
      fuzz(
        spoiledText(nonZeroAddress),
        canonical(
          (text: string) => assertEvmAddress(text, 'recipient'),
          (address) => address,
        ),
      );
    },
    FUZZ_TEST_MS,
  );
});

describe('words', () => {
  // BIP-39's own vectors (entropy 80…80 and 7f…7f); their words are none of the refusal's: 'expect' is in the list, and 'expected' in the refusal.
  const phrases = [
    'letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless',
    'legal winner thank year wave sausage worth useful legal winner thank yellow',
  ];
  it(
    'give a seed of 64 bytes or are refused, and the refusal does not repeat them',
    () => {
      fuzz(spoiledText(fc.constantFrom(...phrases)), (text) => {
        try {
          must(mnemonicToSeed(text).length === 64, 'a seed of another size');
        } catch (error) {
          refusedOr(() => {
            throw error;
          });
          for (const word of text.split(' ').filter((one) => one.length > 4))
            must(!String(error).includes(word), `the refusal tells ${word}`);
        }
      });
    },
    FUZZ_TEST_MS,
  );
});

describe('amounts', () => {
  it(
    'are exact or refused',
    () => {
      fuzz(fc.tuple(spoiledText(amounts), fc.nat({ max: 255 })), ([text, decimals]) => {
        const amount = refusedOr(() => parseAmount(text, decimals));
        if (amount === undefined) return;
        must(/^\d+(\.\d+)?$/.test(text), 'a sign, an exponent or a foreign digit was accepted');
        must(amount >= 0n && amount < 1n << 128n, 'an amount out of range');
        must(parseAmount(formatAmount(amount, decimals), decimals) === amount, 'written and read again it is another');
      });
    },
    FUZZ_TEST_MS,
  );
});

describe('memos', () => {
  it(
    'come back as they were written, whatever 12 bytes are read',
    () => {
      fuzz(spoiledText(fc.string({ maxLength: 12 })), (text) => {
        const bytes = refusedOr(() => encodeMemo(text));
        if (bytes !== undefined && Buffer.from(text).toString() === text && !text.endsWith('\0'))
          must(decodeMemo(bytes) === text, 'another text');
      });
      fuzz(spoiledBytes(fc.uint8Array({ minLength: 12, maxLength: 12 })), (bytes) => void refusedOr(() => decodeMemo(bytes)));
    },
    FUZZ_TEST_MS,
  );
});

describe('payment files', () => {
  const line = fc.tuple(
    fc.constantFrom('alice', 'bob'),
    fc.oneof(fc.constant('carol'), nonZeroAddress),
    fc.constantFrom('ETH', 'TUSD'),
    fc.nat({ max: 10 ** 6 }),
    fc.constantFrom('', 'rent', 'ä'),
  );
  const csv = fc
    .array(line, { minLength: 1, maxLength: 5 })
    .map((lines) => `payer,payee,asset,amount,memo\n${lines.map((cells) => cells.join(',')).join('\n')}\n`);
  it(
    'are payments in every line, or one named line is wrong',
    () => {
      fuzz(spoiledText(csv), (text) => {
        for (const { amount, asset, payer, memo } of refusedOr(() => parsePayments(text, ASSETS)) ?? []) {
          must(amount > 0n && amount <= asset.faucetLimit && /^[A-Za-z]/.test(payer), 'a payment that the file does not allow');
          must(new TextEncoder().encode(memo).length <= 12, 'a memo that does not fit');
        }
      });
    },
    FUZZ_TEST_MS,
  );
});

describe('arguments of the command line', () => {
  it(
    'amounts, assets, whole numbers, threads, choices',
    () => {
      fuzz(fc.tuple(spoiledText(amounts), fc.constantFrom(...REGISTERED)), ([text, asset]) => void refusedOr(() => amountOf(asset, text)));
      fuzz(spoiledText(fc.constantFrom('0', '1', 'ETH', 'tusd')), (text) => {
        const asset = refusedOr(() => assetNamed(REGISTERED, text));
        if (asset !== undefined)
          must(asset.symbol.toLowerCase() === text.toLowerCase() || BigInt(text) === BigInt(asset.id), 'another asset');
      });
      fuzz(spoiledText(fc.nat().map(String)), (text) => {
        const number = refusedOr(() => wholeNumber('workers', text));
        if (number !== undefined) must(Number.isSafeInteger(number) && number >= 0 && BigInt(text) === BigInt(number), 'another number');
      });
      fuzz(spoiledText(fc.integer({ min: 1, max: 64 }).map(String)), (text) => {
        const threads = refusedOr(() => threadsFrom(text));
        if (threads !== undefined) must(/^\d+$/.test(text) && threads === Number(text) && threads > 0, 'a number in another spelling');
      });
      fuzz(spoiledText(fc.constantFrom('auto', 'wasm')), (text) => void refusedOr(() => backendFrom(text)));
      fuzz(spoiledText(fc.constantFrom('home', 'farm')), (text) => void refusedOr(() => oneOf('prove', text, ['home', 'farm'])));
    },
    FUZZ_TEST_MS,
  );
});
