/** How a long-running command ends: a signal, or the end of the parent that started it with an IPC channel. */

/** Resolves once with what asked for the end. */
export function untilEnd(): Promise<'SIGINT' | 'SIGTERM' | 'parent'> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve('SIGINT'));
    process.once('SIGTERM', () => resolve('SIGTERM'));
    if (process.connected) process.once('disconnect', () => resolve('parent'));
  });
}

/** Tells the parent, where there is one, that the command is up. */
export function announceReady(facts: Readonly<Record<string, string>>): void {
  if (process.connected) process.send?.({ ready: facts });
}
