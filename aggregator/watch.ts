/**
 * Following the chain: from the last view's head to the present one. Views of the last blocks are kept; when a block was
 * taken back, following goes on from the newest view that is still on the chain, or else from the contract's beginning.
 */

import { isTacitError } from '../protocol/errors.js';
import { type ChainView, extendView, genesisView } from './chainView.js';
import type { NodeContext } from './context.js';
import { alignWithChain } from './reconcile.js';
import { recheckMined } from './settle.js';

/** More than a reorg takes back on the chains this is for. */
const VIEWS_KEPT = 64;

export class ChainWatcher {
  readonly #ctx: NodeContext;
  /** Oldest first; the last is the node's present view. */
  #views: ChainView[] = [];

  constructor(ctx: NodeContext) {
    this.#ctx = ctx;
  }

  /** Reads all of the contract's history and aligns the journal with it. */
  async start(): Promise<void> {
    const { chain } = this.#ctx.effects;
    const head = await chain.head();
    const view = await this.#extended(await this.#beginning(), head);
    this.#views = [view];
    await alignWithChain(this.#ctx, view, true);
  }

  /** @returns whether the chain had moved */
  async follow(): Promise<boolean> {
    const { chain } = this.#ctx.effects;
    const head = await chain.head();
    const latest = this.#views[this.#views.length - 1];
    if (head.hash === latest?.head.hash) return false;
    const base = await this.#newestOnChain();
    const reorg = base !== latest;
    // An RPC whose head is behind a block that it gives itself: what was seen is not read a second time.
    if (!reorg && head.number <= base.head.number) return false;
    if (reorg) this.#ctx.log(`blocks after ${base.head.number} were taken back`);
    const view = await this.#extendedOrForgotten(base, head);
    if (reorg) await recheckMined(this.#ctx);
    await alignWithChain(this.#ctx, view, reorg);
    this.#views = [...this.#views.filter(({ head: { number } }) => number < head.number), view].slice(-VIEWS_KEPT);
    return true;
  }

  /** Drops views of blocks that are gone; the contract's beginning where none is left. */
  async #newestOnChain(): Promise<ChainView> {
    const { chain } = this.#ctx.effects;
    for (let view = this.#views[this.#views.length - 1]; view !== undefined; view = this.#views[this.#views.length - 1]) {
      if ((await chain.block(view.head.number))?.hash === view.head.hash) return view;
      this.#views.pop();
    }
    return this.#beginning();
  }

  async #beginning(): Promise<ChainView> {
    const number = this.#ctx.config.deploymentBlock - 1;
    return genesisView((await this.#ctx.effects.chain.block(number)) ?? { number, hash: '0x' });
  }

  /** A history that contradicts itself was read while the chain moved, or from an RPC that lied: it is read anew, from the beginning. */
  async #extendedOrForgotten(base: ChainView, head: { number: number; hash: string }): Promise<ChainView> {
    try {
      return await this.#extended(base, head);
    } catch (error) {
      if (isTacitError(error, 'HISTORY_INCONSISTENT')) {
        this.#ctx.log('the history contradicts what was read before; everything is read again');
        this.#views = [];
      }
      throw error;
    }
  }

  async #extended(view: ChainView, head: { number: number; hash: string }): Promise<ChainView> {
    const { chain } = this.#ctx.effects;
    const events = head.number > view.head.number ? await chain.history(view.head.number + 1, head.number) : [];
    return extendView(view, events, head, await chain.headSeconds(head.number), this.#ctx.domain);
  }
}
