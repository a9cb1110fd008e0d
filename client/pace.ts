/** How often a wallet asks while it waits: often at first, seldom when it takes long, so that many who wait cost a node little. */

/** A look can come too late by this part of the time waited so far: one in so many. */
const SHARE = 10;
/** Also as seldom as a wallet asks that hears the node's events. */
export const LONGEST_PAUSE_MS = 5_000;

/** Until the next look, after `waitedMs`; never less than `firstMs`. */
export function pauseAfter(waitedMs: number, firstMs: number): number {
  return Math.max(firstMs, Math.min(waitedMs / SHARE, LONGEST_PAUSE_MS));
}
