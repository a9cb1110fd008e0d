/** Which roots a transfer may be anchored to. */

import { TacitError } from '../protocol/errors.js';
import type { Field, Hex } from '../protocol/flavor.js';
import { isKnownRoot } from './chainView.js';
import type { NodeContext } from './context.js';
import { fieldHex } from './hex.js';

/**
 * A root that the contract knows, or that a standing seal will make. A seal on its way to the chain counts only where its
 * root will be kept: the last of its settlement, or one that was flagged when the settlement was written.
 * @throws TacitError ANCHOR_UNKNOWN (retryable: a wallet refreshes the anchor and proves again)
 */
export function assertUsableAnchor(ctx: NodeContext, anchor: Field): void {
  if (isKnownRoot(ctx.view, anchor)) return;
  const root = fieldHex(anchor);
  const seal = ctx.seals.find(({ noteRootNew }) => noteRootNew === root);
  if (seal !== undefined && (seal.state !== 'settling' || isKept(ctx, seal.index))) return;
  throw new TacitError('ANCHOR_UNKNOWN', 'the transfer is anchored to a root that the contract does not know', {
    expected: 'a settled root, or that of a sealed update',
    got: root,
    retryable: true,
  });
}

/** Index of the standing seal that makes this root, if there is one. */
export function sealOfRoot(ctx: Pick<NodeContext, 'seals'>, root: Hex): number | undefined {
  return ctx.seals.find(({ noteRootNew }) => noteRootNew === root)?.index;
}

/** Seals whose root survives the settlement under way. */
function isKept(ctx: NodeContext, seal: number): boolean {
  const settling = ctx.seals.filter(({ state }) => state === 'settling');
  return settling[settling.length - 1]?.index === seal;
}
