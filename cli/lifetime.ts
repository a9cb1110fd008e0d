/** How a long-running command ends: a signal, or the end of the parent that started it with an IPC channel. */

/** Resolves once with what asked for the end. */
export function untilEnd(): Promise<'SIGINT' | 'SIGTERM' | 'parent'> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve('SIGINT'));
    process.once('SIGTERM', () => resolve('SIGTERM'));
    onParentGone(() => resolve('parent'));
  });
}

/** Calls back when the parent is gone. The channel to it does not keep this process alive. */
export function onParentGone(callback: () => void): void {
  if (!process.connected) return;
  process.once('disconnect', callback);
  process.channel?.unref();
}

/** Tells the parent, where there is one, that the command is up. */
export function announceReady(facts: Readonly<Record<string, string>>): void {
  if (process.connected) process.send?.({ ready: facts });
}

/** A clean end may wait for somebody who is gone (Redis, the chain). After so long the process ends without one, with exit code 1. */
const END_LIMIT_MS = 20_000;

/** Call when the end begins. The timer does not keep the process alive. */
export function endWithinLimit(): void {
  setTimeout(() => {
    process.stderr.write(`not ended within ${END_LIMIT_MS / 1000} s; leaving without a clean end\n`);
    process.exit(1);
  }, END_LIMIT_MS).unref();
}
