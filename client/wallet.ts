/**
 * An open wallet: its secrets in memory, its file on disk, the public chain state beside it.
 *
 * `change` is the only way to alter what is remembered: the change is made at once, so that two payments of one wallet
 * never see the same free note, and the promise resolves when it is on disk. The chain state is a cache in a file of
 * its own, `<wallet>.chain`, without secrets; where it and the wallet disagree about how far the chain was read, both
 * begin anew.
 */
import { readFile } from 'node:fs/promises';
import { encodeAddress } from '../protocol/address.js';
import { hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { type AccountKeys, deriveAccount } from '../protocol/keys.js';
import type { Domain } from '../protocol/record.js';
import { ChainState } from './chainState.js';
import { decodeState, encodeState, type WalletState } from './state.js';
import { type KdfCost, WalletFile, writeWhole } from './walletFile.js';

export class Wallet {
  readonly #file: WalletFile;
  readonly #state: WalletState;
  readonly #accounts = new Map<number, AccountKeys>();
  #chain: ChainState;
  #syncing: Promise<unknown> = Promise.resolve();

  private constructor(file: WalletFile, state: WalletState, chain: ChainState) {
    this.#file = file;
    this.#state = state;
    this.#chain = chain;
  }

  /** @throws TacitError WALLET_EXISTS, WALLET_LOCKED, PASSPHRASE_EMPTY */
  static async create(path: string, passphrase: string, state: WalletState, cost?: KdfCost): Promise<Wallet> {
    const file = await WalletFile.create(path, passphrase, encodeState(state), cost);
    return new Wallet(file, state, new ChainState());
  }

  /** @throws TacitError WALLET_MISSING, WALLET_LOCKED, WALLET_FORMAT, PASSPHRASE_WRONG */
  static async open(path: string, passphrase: string): Promise<Wallet> {
    const { file, contents } = await WalletFile.open(path, passphrase);
    const state = decodeState(contents);
    const cached = ChainState.decode(await readFile(cachePath(file.path), 'utf8').catch(() => ''));
    const wallet = new Wallet(file, state, cached ?? new ChainState());
    if (wallet.#chain.cursor?.blockHash !== state.cursor?.blockHash) wallet.forgetChain();
    return wallet;
  }

  get path(): string {
    return this.#file.path;
  }

  /** What is remembered. Read only; see `change`. */
  get state(): Readonly<WalletState> {
    return this.#state;
  }

  get chain(): ChainState {
    return this.#chain;
  }

  get domain(): Domain {
    return { chainId: BigInt(this.#state.chainId), contract: this.#state.contract };
  }

  /** Keys of an address index. */
  account(index: number): AccountKeys {
    const known = this.#accounts.get(index);
    if (known !== undefined) return known;
    const keys = deriveAccount(hexToBytes(this.#state.seed), this.#state.network, index);
    this.#accounts.set(index, keys);
    return keys;
  }

  /** The text of an address in use. @throws TacitError ADDRESS_INDEX */
  address(index = 0): string {
    if (index >= this.#state.addresses)
      throw new TacitError('ADDRESS_INDEX', 'the wallet has no such address yet', {
        expected: `0 to ${this.#state.addresses - 1}`,
        got: String(index),
      });
    return encodeAddress(this.account(index).address);
  }

  /** A fresh address, unlinkable to the others. It receives what is settled from now on. */
  async newAddress(): Promise<string> {
    const index = await this.change((state) => state.addresses++);
    return this.address(index);
  }

  /** Alters the state at once, writes it, resolves when it is on disk. @throws TacitError WALLET_WRITE, WALLET_CLOSED */
  async change<T>(alter: (state: WalletState) => T): Promise<T> {
    const result = alter(this.#state);
    await this.#file.save(encodeState(this.#state));
    return result;
  }

  /** One reader of the chain at a time. */
  exclusively<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#syncing.then(act, act);
    this.#syncing = turn.catch(() => {});
    return turn;
  }

  /** Back to before the first block: after a reorganisation, or when the cache is lost. Transfers stay. */
  forgetChain(): void {
    this.#chain = new ChainState();
    this.#state.cursor = undefined;
    this.#state.notes = [];
    // What had come to an end on the forgotten chain has not on the new one, until it is read.
    for (const transfer of this.#state.transfers) {
      if (transfer.status !== 'settled' && transfer.status !== 'failed') continue;
      transfer.status = 'submitted';
      delete transfer.settled;
      delete transfer.reason;
    }
    for (const deposit of this.#state.deposits) delete deposit.mined;
  }

  /** Writes the public cache. Losing it costs a rescan, so a failure is no error. */
  async saveChain(): Promise<void> {
    await writeWhole(cachePath(this.path), this.#chain.encode()).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#syncing;
    await this.#file.close();
    this.#accounts.clear();
  }
}

function cachePath(path: string): string {
  return `${path}.chain`;
}
