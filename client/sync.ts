/**
 * Reading the chain: from where the last reading ended up to the confirmation depth, events and settlements' calldata
 * only. Every output is tried with every address; every nullifier is compared with the wallet's notes and open
 * transfers. At the end the note root is compared with the contract's own.
 *
 * A reorganisation below the depth shows in the hash of the last block read; the wallet then forgets what it read (not
 * its transfers) and starts over.
 */
import { bytesToHex, uintToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { fieldToBytes } from '../protocol/field.js';
import type { Hex } from '../protocol/flavor.js';
import { recordHash } from '../protocol/record.js';
import { onChain } from '../verifier-contract/contractError.js';
import { type HistoryEvent, readHistory } from '../verifier-contract/history.js';
import type { SettledEntry } from './chainState.js';
import { assertHome, type WalletEnvironment } from './environment.js';
import { Scanner } from './scan.js';
import { isOpen, type StoredDeposit, type StoredNote, type WalletState } from './state.js';
import type { Wallet } from './wallet.js';

export interface SyncOptions {
  /** Blocks done and to do. */
  readonly onProgress?: (doneBlocks: number, totalBlocks: number) => void;
}

export interface SyncResult {
  /** Last block read. */
  readonly block: number;
  /** Notes found and notes seen spent by this reading. */
  readonly received: number;
  readonly spent: number;
}

/** Address indexes beyond those in use that a restored wallet looks at. */
const LOOK_AHEAD = 5;

/** @throws TacitError RPC_UNREACHABLE, HISTORY_MOVED, HISTORY_INCOMPLETE (retryable), HISTORY_MISMATCH, WALLET_ELSEWHERE */
export function sync(wallet: Wallet, environment: WalletEnvironment, options: SyncOptions = {}): Promise<SyncResult> {
  assertHome(wallet.state, environment);
  return wallet.exclusively(() => syncNow(wallet, environment, options));
}

async function syncNow(wallet: Wallet, environment: WalletEnvironment, { onProgress }: SyncOptions): Promise<SyncResult> {
  const { rollup, confirmationDepth, home } = environment;
  const head = await onChain('read the chain head', () => rollup.provider.getBlockNumber());
  const toBlock = head - confirmationDepth;
  if (!(await isOnChain(wallet, environment))) wallet.forgetChain();
  const fromBlock = (wallet.state.cursor?.block ?? home.deploymentBlock - 1) + 1;
  if (toBlock < fromBlock) return { block: fromBlock - 1, received: 0, spent: 0 };
  const history = await readHistory(rollup.provider, home.contract, fromBlock, toBlock, onProgress === undefined ? {} : { onProgress });
  const reader = new Reader(wallet);
  try {
    for (const event of history.events) reader.take(event);
    wallet.chain.endOfRange({ block: history.toBlock, blockHash: history.toBlockHash });
    await assertRoot(wallet, environment);
  } catch (error) {
    // What was half applied must not be built upon.
    wallet.forgetChain();
    throw error;
  }
  const result = await wallet.change((state) => reader.commit(state));
  await wallet.saveChain();
  return { block: history.toBlock, ...result };
}

/** Is the last block that was read still part of the chain? */
async function isOnChain(wallet: Wallet, { rollup }: WalletEnvironment): Promise<boolean> {
  const { cursor } = wallet.state;
  if (cursor === undefined) return true;
  const block = await onChain('read a block', () => rollup.provider.getBlock(cursor.block));
  return block?.hash === cursor.blockHash;
}

/** The contract knows our root, and where the node keeps old state it is the root of that block. */
async function assertRoot(wallet: Wallet, { rollup }: WalletEnvironment): Promise<void> {
  const root = wallet.chain.tree.root;
  if (await rollup.isKnownRoot(root)) return;
  throw new TacitError('HISTORY_MISMATCH', 'the contract does not know the note root that its history gives', {
    got: bytesToHex(fieldToBytes(root)),
    retryable: true,
  });
}

/** Collects what a range of blocks means for the wallet, and applies it in one change at its end. */
class Reader {
  readonly #wallet: Wallet;
  readonly #found: StoredNote[] = [];
  /** Deposits of anybody, by commitment: after a reorganisation the wallet's own may stand elsewhere, or nowhere. */
  readonly #deposits = new Map<Hex, NonNullable<StoredDeposit['mined']>>();
  readonly #spends = new Map<Hex, { by: Hex; block: number; tx: Hex }>();
  #addresses: number;
  #scanner: Scanner;

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
    this.#addresses = wallet.state.addresses;
    this.#scanner = this.#newScanner();
  }

  take(event: HistoryEvent): void {
    if (event.kind === 'deposit') {
      const mined = { block: event.blockNumber, tx: event.transactionHash, queueIndex: event.queueIndex };
      this.#deposits.set(bytesToHex(fieldToBytes(event.commitment)), mined);
    }
    const entries = this.#wallet.chain.apply(event);
    for (const entry of entries) this.#entry(entry, event.blockNumber, event.transactionHash);
  }

  commit(state: WalletState): { received: number; spent: number } {
    const known = new Set(state.notes.map(({ nf }) => nf));
    const fresh = this.#found.filter(({ nf }) => !known.has(nf));
    state.notes.push(...fresh);
    state.addresses = this.#addresses;
    state.cursor = this.#wallet.chain.cursor;
    let spent = 0;
    for (const note of state.notes) {
      const spend = this.#spends.get(note.nf);
      if (spend === undefined || note.spent !== undefined) continue;
      note.spent = spend;
      spent++;
    }
    for (const deposit of state.deposits) {
      const mined = this.#deposits.get(deposit.cm);
      if (mined !== undefined) deposit.mined = mined;
    }
    this.#closeTransfers(state);
    return { received: fresh.length, spent };
  }

  #entry(entry: SettledEntry, block: number, tx: Hex): void {
    const place = { position: entry.position, block, tx };
    if (entry.kind === 'deposit') {
      this.#keep(this.#scanner.scanDeposit(entry.deposit, place));
      return;
    }
    const from = recordHash(entry.record, this.#wallet.domain);
    for (const nf of [entry.record.nf1, entry.record.nf2]) this.#spends.set(bytesToHex(uintToBytes(nf, 32)), { by: from, block, tx });
    this.#keep(this.#scanner.scanRecord(entry.record, { ...place, from }, this.#wallet.chain.assetCount));
  }

  #keep(notes: readonly StoredNote[]): void {
    this.#found.push(...notes);
    const highest = Math.max(-1, ...notes.map(({ account }) => account));
    if (highest < this.#addresses) return;
    this.#addresses = highest + 1;
    this.#scanner = this.#newScanner();
  }

  /** A transfer ends when one of its nullifiers is settled: by its own record, or by a rival's. */
  #closeTransfers(state: WalletState): void {
    for (const transfer of state.transfers) {
      if (!isOpen(transfer) && transfer.status !== 'rejected') continue;
      const ends = transfer.inputs.map((nf) => this.#spends.get(nf)).filter((end) => end !== undefined);
      const [end] = ends;
      if (end === undefined) continue;
      const own = ends.every(({ by }) => by === transfer.id);
      transfer.status = own ? 'settled' : 'failed';
      if (own) transfer.settled = { block: end.block, tx: end.tx };
      else transfer.reason = `another transfer spent one of its notes in block ${end.block}`;
      delete transfer.witness;
      delete transfer.submission;
    }
  }

  #newScanner(): Scanner {
    const count = this.#addresses + (this.#wallet.state.restored ? LOOK_AHEAD : 0);
    return new Scanner(Array.from({ length: count }, (_, index) => this.#wallet.account(index)));
  }
}
