/**
 * The payments file of the main job: CSV with a header line `payer,payee,asset,amount,memo`.
 *
 * A payer is a name; a payee is a name (a private payment) or an EVM address (a withdrawal to it). Amounts are
 * decimal numbers in the asset's unit. Every line is checked before anything is spent; the first bad one is named
 * by its number, counted from 1 with the header as line 1.
 */
import { formatAmount, parseAmount } from '../client/amount.js';
import { encodeMemo } from '../protocol/encryption.js';
import { TacitError } from '../protocol/errors.js';
import type { Amount, EvmAddress } from '../protocol/flavor.js';

export interface Payment {
  /** Line in the file, the header being 1. */
  readonly line: number;
  readonly payer: string;
  readonly payee: { readonly kind: 'person'; readonly name: string } | { readonly kind: 'withdrawal'; readonly recipient: EvmAddress };
  readonly asset: DevnetAsset;
  readonly amount: Amount;
  readonly memo: string;
}

/** An asset that the devnet offers. */
export interface DevnetAsset {
  readonly symbol: string;
  readonly decimals: number;
  /** Most that the devnet's faucet gives for one payment, in the smallest unit. */
  readonly faucetLimit: Amount;
}

const HEADER = 'payer,payee,asset,amount,memo';
const COLUMNS = HEADER.split(',').length;
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;
const EVM_ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** @throws TacitError PAYMENTS_INVALID naming the first bad line */
export function parsePayments(text: string, assets: readonly DevnetAsset[]): Payment[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines[0]?.trim() !== HEADER) throw invalid(1, `the header "${HEADER}"`, quote(lines[0] ?? ''));
  const payments = lines.slice(1).flatMap((text, i) => (text.trim() === '' ? [] : [parseLine(text, i + 2, assets)]));
  if (payments.length === 0) throw invalid(2, 'at least one payment', 'none');
  return payments;
}

/** Everyone named in the file, in order of appearance. */
export function people(payments: readonly Payment[]): string[] {
  const names = payments.flatMap((p) => (p.payee.kind === 'person' ? [p.payer, p.payee.name] : [p.payer]));
  return [...new Set(names)];
}

function parseLine(text: string, line: number, assets: readonly DevnetAsset[]): Payment {
  const cells = text.split(',').map((cell) => cell.trim());
  if (cells.length !== COLUMNS) throw invalid(line, `${COLUMNS} columns (${HEADER})`, String(cells.length));
  const [payer, payee, symbol, amountText, memo] = cells as [string, string, string, string, string];
  if (!NAME.test(payer)) throw invalid(line, 'a payer name (a letter, then letters, digits, _ or -; at most 32)', quote(payer));
  const asset = assets.find((a) => a.symbol === symbol);
  if (asset === undefined) throw invalid(line, `an asset among ${assets.map((a) => a.symbol).join(', ')}`, quote(symbol));
  return {
    line,
    payer,
    payee: parsePayee(payee, line),
    asset,
    amount: parsePositive(amountText, asset, line),
    memo: parseMemo(memo, line),
  };
}

function parsePayee(text: string, line: number): Payment['payee'] {
  if (EVM_ADDRESS.test(text) && !/^0x0{40}$/.test(text)) return { kind: 'withdrawal', recipient: text.toLowerCase() };
  if (NAME.test(text)) return { kind: 'person', name: text };
  throw invalid(line, 'a payee name, or 0x and 40 hexadecimal digits for a withdrawal', quote(text));
}

function parsePositive(text: string, asset: DevnetAsset, line: number): Amount {
  const expected = `a positive amount of ${asset.symbol} with at most ${asset.decimals} decimals, such as 1.5`;
  let amount: Amount;
  try {
    amount = parseAmount(text, asset.decimals);
  } catch (cause) {
    throw invalid(line, expected, quote(text), cause);
  }
  if (amount === 0n) throw invalid(line, expected, quote(text));
  if (amount > asset.faucetLimit)
    throw invalid(line, `at most ${formatAmount(asset.faucetLimit, asset.decimals)} ${asset.symbol} a payment`, quote(text));
  return amount;
}

function parseMemo(text: string, line: number): string {
  try {
    encodeMemo(text);
  } catch (cause) {
    throw invalid(line, 'a memo of at most 12 bytes of UTF-8', `${new TextEncoder().encode(text).length} bytes`, cause);
  }
  return text;
}

function quote(text: string): string {
  return `"${text.slice(0, 60)}"`;
}

function invalid(line: number, expected: string, got: string, cause?: unknown): TacitError {
  return new TacitError('PAYMENTS_INVALID', `line ${line} of the payments file`, { expected, got, cause });
}
