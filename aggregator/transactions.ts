/**
 * The nonce ledger: every transaction of the node's account, by nonce, journaled before it is broadcast. A nonce that has
 * been signed for before is signed for again only with a fee that replaces the earlier one, whatever that was for.
 */
import type { WriteTables } from '../ledger/effects.js';
import type { TransactionRow } from '../ledger/schema.js';
import { bytesToHex, uintToBytes } from '../protocol/bytes.js';
import type { Hex } from '../protocol/flavor.js';
import type { NodeContext } from './context.js';

/** An estimate can fall short: the state may move, and a precompile that starves returns false. */
export const GAS_MARGIN_PERCENT = 125n;
/** EIP-7825: no transaction may ask for more. */
export const GAS_CAP = 16_777_216n;
/** Nodes take a replacement only when it pays at least a tenth more. */
const BUMP_PERMILLE = 1_125n;
const WEI_BYTES = 32;
/** So many times what the chain asks now is enough: bids do not climb without end while a chain or an RPC stands still. */
const PLENTY = 8n;

export interface Intent {
  readonly purpose: TransactionRow['purpose'];
  readonly data: Hex;
  readonly nonce: number;
  /** As estimated; the margin is added here. */
  readonly gas: bigint;
  readonly settlement?: number;
}

/**
 * Signs and journals; nothing is sent yet.
 * @param also goes into the same journal transaction
 */
export async function signTransaction(ctx: NodeContext, intent: Intent, also: (tables: WriteTables) => void): Promise<TransactionRow> {
  const { purpose, data, nonce, gas, settlement } = intent;
  const suggestion = await ctx.effects.chain.feeSuggestion();
  const earlier = transactionsOf(ctx, nonce);
  const maxFeePerGasWei = above(
    suggestion.maxFeePerGasWei,
    earlier.map(({ maxFeePerGas }) => maxFeePerGas),
  );
  const maxPriorityFeePerGasWei = above(
    suggestion.maxPriorityFeePerGasWei,
    earlier.map(({ maxPriorityFeePerGas }) => maxPriorityFeePerGas),
  );
  const { raw, hash } = await ctx.effects.chain.sign({
    to: ctx.domain.contract,
    data,
    valueWei: 0n,
    nonce,
    gasLimit: gasLimitFor(gas),
    maxFeePerGasWei,
    maxPriorityFeePerGasWei,
  });
  const transaction: TransactionRow = {
    hash,
    nonce,
    ...(settlement === undefined ? {} : { settlement }),
    purpose,
    raw,
    maxFeePerGas: weiHex(maxFeePerGasWei),
    maxPriorityFeePerGas: weiHex(maxPriorityFeePerGasWei),
    state: 'signed',
    signedMs: ctx.nowMs(),
  };
  await ctx.journal.transaction((tables) => {
    for (const { hash: old } of earlier) tables.transactions.update(old, (entry) => ({ ...entry, state: 'replaced' }));
    tables.transactions.put(hash, transaction);
    tables.nonces.put(nonce, [...(tables.nonces.get(nonce) ?? []), hash]);
    also(tables);
  });
  return transaction;
}

export async function broadcast(ctx: NodeContext, { hash, raw }: TransactionRow): Promise<void> {
  await ctx.effects.chain.broadcast(raw);
  await ctx.journal.transaction((tables) => tables.transactions.update(hash, (entry) => ({ ...entry, state: 'broadcast' })));
}

/** True where a higher bid would not help. */
export async function bidsPlenty(ctx: NodeContext, { maxFeePerGas }: TransactionRow): Promise<boolean> {
  const { maxFeePerGasWei } = await ctx.effects.chain.feeSuggestion();
  return BigInt(maxFeePerGas) >= PLENTY * maxFeePerGasWei;
}

/** Everything ever signed with this nonce, oldest first. */
export function transactionsOf(ctx: NodeContext, nonce: number): TransactionRow[] {
  return (ctx.journal.read.nonces.get(nonce) ?? []).flatMap((hash) => ctx.journal.read.transactions.get(hash) ?? []);
}

/** At least `wanted`, and enough to replace each of `paid`. */
function above(wanted: bigint, paid: readonly Hex[]): bigint {
  return paid.reduce((fee, old) => {
    const replacing = (BigInt(old) * BUMP_PERMILLE) / 1_000n + 1n;
    return replacing > fee ? replacing : fee;
  }, wanted);
}

function gasLimitFor(gas: bigint): bigint {
  const limit = (gas * GAS_MARGIN_PERCENT) / 100n;
  return limit < GAS_CAP ? limit : GAS_CAP;
}

function weiHex(wei: bigint): Hex {
  return bytesToHex(uintToBytes(wei, WEI_BYTES));
}
