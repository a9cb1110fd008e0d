/**
 * Following the chain: from the last view's head to the present one. Views of the last blocks are kept; when a block was
 * taken back, following goes on from the newest view that is still on the chain, or else from the stored one
 * (checkpoint.ts), or else from the contract's beginning.
 */

import { isTacitError, TacitError } from '../protocol/errors.js';
import { type ChainView, extendView, genesisView } from './chainView.js';
import { forgetCheckpoint, readCheckpoint, storeCheckpoint } from './checkpoint.js';
import type { NodeContext } from './context.js';
import { alignWithChain } from './reconcile.js';
import { recheckMined } from './settle.js';

/** More than a reorg takes back on the chains this is for. */
const VIEWS_KEPT = 64;

export class ChainWatcher {
  readonly #ctx: NodeContext;
  /** Oldest first; the last is the node's present view. */
  #views: ChainView[] = [];
  /** The view that the checkpoint on disk holds; undefined where there is none or its block is gone. */
  #stored: ChainView | undefined;
  /** Blocks were taken back, and the journal does not know of it yet. */
  #takenBack = false;

  constructor(ctx: NodeContext) {
    this.#ctx = ctx;
  }

  /** Reads the contract's history, from the checkpoint on where one fits, and aligns the journal with it. */
  async start(): Promise<void> {
    const head = await this.#ctx.effects.chain.head();
    const base = await this.#beginning();
    const isStored = base === this.#stored;
    const view = await this.#extendedOrForgotten(base, head).catch(async (error: unknown) => {
      // What a checkpoint contradicts may be the checkpoint's fault.
      if (!isStored || !isTacitError(error, 'HISTORY_INCONSISTENT')) throw error;
      return this.#extended(await this.#beginning(), head);
    });
    const continuesStored = isStored && base === this.#stored;
    // Blocks may have been taken back while nobody looked.
    await recheckMined(this.#ctx);
    await alignWithChain(this.#ctx, view, { since: continuesStored ? base.settled.count : 0, everything: true });
    this.#views = continuesStored && base !== view ? [base, view] : [view];
    await this.#store();
  }

  /** @returns whether the chain had moved */
  async follow(): Promise<boolean> {
    const { chain } = this.#ctx.effects;
    const head = await chain.head();
    const latest = this.#views[this.#views.length - 1];
    if (!this.#takenBack && head.hash === latest?.head.hash) return false;
    const base = await this.#newestOnChain();
    // Stands until the journal has followed: a step that fails in between is taken again as what it is.
    this.#takenBack ||= base !== latest;
    // An RPC whose head is behind a block that it gives itself: what was seen is not read a second time.
    if (!this.#takenBack && head.number <= base.head.number) return false;
    if (base !== latest) this.#ctx.log(`blocks after ${base.head.number} were taken back`);
    if (this.#stored !== undefined && this.#stored.head.number > base.head.number) this.#stored = undefined;
    const view = await this.#extendedOrForgotten(base, head);
    if (this.#takenBack) await recheckMined(this.#ctx);
    await alignWithChain(this.#ctx, view, { since: base.settled.count, everything: this.#takenBack });
    this.#takenBack = false;
    this.#views = [...this.#views.filter(({ head: { number } }) => number < head.number), view].slice(-VIEWS_KEPT);
    await this.#store();
    return true;
  }

  /** Drops views of blocks that are gone; the stored view or the contract's beginning where none is left. */
  async #newestOnChain(): Promise<ChainView> {
    const { chain } = this.#ctx.effects;
    for (let view = this.#views[this.#views.length - 1]; view !== undefined; view = this.#views[this.#views.length - 1]) {
      if ((await chain.block(view.head.number))?.hash === view.head.hash) return view;
      this.#views.pop();
    }
    return this.#beginning();
  }

  /** Where reading begins: the checkpoint if it is whole and on the chain, else the block before the contract's. */
  async #beginning(): Promise<ChainView> {
    const { config, effects, journal, log } = this.#ctx;
    try {
      this.#stored = await readCheckpoint(journal, effects.chain);
      if (this.#stored !== undefined) {
        const { head, settled } = this.#stored;
        log(`the checkpoint of block ${head.number} fits the chain: ${settled.count} settlements need not be read`);
        return this.#stored;
      }
    } catch (error) {
      this.#stored = undefined;
      if (!(error instanceof TacitError) || !error.code.startsWith('CHECKPOINT_')) throw error;
      log(`the checkpoint is left aside, ${error.code}: all of the history is read`);
    }
    const number = config.deploymentBlock - 1;
    return genesisView((await effects.chain.block(number)) ?? { number, hash: '0x' });
  }

  /** A history that contradicts itself was read while the chain moved, or from an RPC that lied: it is read anew, from the beginning. */
  async #extendedOrForgotten(base: ChainView, head: { number: number; hash: string }): Promise<ChainView> {
    try {
      return await this.#extended(base, head);
    } catch (error) {
      if (isTacitError(error, 'HISTORY_INCONSISTENT')) {
        this.#ctx.log('the history contradicts what was read before; everything is read again');
        this.#views = [];
        this.#stored = undefined;
        await forgetCheckpoint(this.#ctx.journal);
      }
      throw error;
    }
  }

  async #extended(view: ChainView, head: { number: number; hash: string }): Promise<ChainView> {
    const { chain } = this.#ctx.effects;
    // An RPC that lags behind a block which it gives itself: nothing is undone for that.
    if (head.number < view.head.number) return view;
    const events = head.number > view.head.number ? await chain.history(view.head.number + 1, head.number) : [];
    return extendView(view, events, head, await chain.headSeconds(head.number), this.#ctx.domain);
  }

  /** Stores the newest view that the confirmation depth has buried, now and then. */
  async #store(): Promise<void> {
    const { journal, policy, config, view } = this.#ctx;
    const deep = this.#views.filter(({ head }) => head.number <= view.head.number - policy.confirmationDepth).pop();
    const storedAt = this.#stored?.head.number ?? config.deploymentBlock - 1;
    if (deep === undefined || deep.head.number - storedAt < policy.checkpointBlocks) return;
    await storeCheckpoint(journal, deep, this.#stored);
    this.#stored = deep;
  }
}
