/**
 * The evidence of an audit, and the archive file that carries it: what L1 says about one contract, enough to check
 * everything again without a network.
 *
 * The file is one line of JSON, keys in the order of the schema, numbers as below, and a newline: one archive, one
 * spelling. Parsing writes it again and compares. Schema for other programs: docs/schemas/archive.schema.json, generated
 * from the definitions here; the words are those of verifier-contract/jsonFile.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { z } from 'zod';
import { bytesToHex } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { address, count, decimal, hex32, hexBytes, parseJson } from '../verifier-contract/jsonFile.js';

export const ARCHIVE_FORMAT = 'tacit-archive';
export const ARCHIVE_VERSION = 1;

/** Every event: where it happened. Events stand in chain order (block, then logIndex). */
const at = { block: count, timeSeconds: count, tx: hex32, logIndex: count };

const depositEvent = z.strictObject({
  kind: z.literal('deposit'),
  ...at,
  item: count,
  asset: count,
  value: decimal,
  owner: hex32,
  commitment: hex32,
  ephemeral: hex32,
  ciphertext: hex32,
});
const forcedEvent = z.strictObject({
  kind: z.literal('forced'),
  ...at,
  item: count,
  record: hexBytes,
  prover: address,
  refund: address,
  /** Statement and proof that the contract has verified on entry. */
  anchor: hex32,
  h: hex32,
  proof: hexBytes,
});
const droppedEvent = z.strictObject({
  kind: z.literal('dropped'),
  ...at,
  item: count,
  /** Who was credited the reward. */
  rewarded: address,
});
const settledEvent = z.strictObject({
  kind: z.literal('settled'),
  ...at,
  ordinal: count,
  noteRoot: hex32,
  nullifierRoot: hex32,
  leafCount: count,
  queueHead: count,
  sender: address,
  /** Input of the transaction, selector included. */
  calldata: hexBytes,
});
const claimedEvent = z.strictObject({ kind: z.literal('claimed'), ...at, account: address, asset: count, amount: decimal });
const deferredEvent = z.strictObject({ kind: z.literal('deferred'), ...at, recipient: address, asset: count, value: decimal });
const assetEvent = z.strictObject({ kind: z.literal('asset'), ...at, id: count, token: address });

export const archiveEvent = z.discriminatedUnion('kind', [
  depositEvent,
  forcedEvent,
  droppedEvent,
  settledEvent,
  claimedEvent,
  deferredEvent,
  assetEvent,
]);

const parameters = z.strictObject({
  aggregator: address,
  queueDelaySeconds: count,
  slotFeeWei: decimal,
  bondWei: decimal,
  dropRewardWei: decimal,
  transferProverBps: count.max(10_000),
  updateProverBps: count.max(10_000),
  circuitsHash: hex32,
  keysHash: hex32,
});

/** What the contract's storage says at the last block. */
const contractState = z.strictObject({
  noteRoot: hex32,
  nullifierRoot: hex32,
  leafCount: count,
  settlementCount: count,
  queueHead: count,
  queueTail: count,
  /** For every root that a settlement has ever produced: whether transfers may be anchored to it. Ascending. */
  roots: z.array(z.strictObject({ root: hex32, known: z.boolean() })),
  /** For every account and asset that history credits. Ascending by account, then asset. */
  credits: z.array(z.strictObject({ account: address, asset: count, amount: decimal })),
  /** What the contract owns of each asset that history names. Ascending. */
  balances: z.array(z.strictObject({ asset: count, amount: decimal })),
});

export const archiveSchema = z.strictObject({
  format: z.literal(ARCHIVE_FORMAT),
  version: z.literal(ARCHIVE_VERSION),
  chainId: decimal,
  contract: address,
  deploymentBlock: count,
  fromBlock: count,
  toBlock: count,
  toBlockHash: hex32,
  parameters,
  /** The contract's table of verifying keys. */
  keys: hexBytes,
  events: z.array(archiveEvent),
  state: contractState,
});

export type Archive = z.infer<typeof archiveSchema>;
export type ArchiveEvent = z.infer<typeof archiveEvent>;
export type EventOf<K extends ArchiveEvent['kind']> = Extract<ArchiveEvent, { kind: K }>;
export type ContractState = z.infer<typeof contractState>;
export type ContractParameters = z.infer<typeof parameters>;
/** An archive before the contract has been asked for its state. */
export type History = Omit<Archive, 'state'>;

/** The one spelling of an archive. */
export function encodeArchive(archive: Archive): string {
  return `${JSON.stringify(archiveSchema.parse(archive))}\n`;
}

/** @throws ARCHIVE_FORMAT (not an archive, or of another version), ARCHIVE_SPELLING (not canonical) */
export function parseArchive(text: string): Archive {
  const archive = parseJson(text, archiveSchema, 'ARCHIVE_FORMAT', 'the file is no archive of this version');
  if (encodeArchive(archive) !== text) {
    throw new TacitError('ARCHIVE_SPELLING', 'the archive is not in its canonical spelling', {
      expected: 'the bytes that `tacit export` writes',
    });
  }
  return archive;
}

/** SHA-256 of the file. */
export function archiveHash(archive: Archive): Hex {
  return bytesToHex(sha256(new TextEncoder().encode(encodeArchive(archive))));
}
