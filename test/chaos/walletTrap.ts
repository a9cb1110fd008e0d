/**
 * A wallet's touches of the world, counted, and its death at a chosen one: around each rename that makes a new state of its
 * file the file, around each request to the node, before each question to the chain. The functions of Node that the wallet
 * calls are wrapped from outside; the wallet itself knows nothing of it.
 */
import fs from 'node:fs/promises';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { WalletDeath, WalletPoint, WalletReport } from './walletMessages.js';

/**
 * To be called before the wallet is imported, so that what is captured at import is wrapped.
 * @param death where the process ends with SIGKILL
 * @returns the passages, counted from now on
 */
export function wrapTheWorld(death: WalletDeath | undefined): WalletReport['passages'] {
  const passages: Partial<Record<WalletPoint, number>> = {};
  const pass = (point: WalletPoint): void => {
    const passage = (passages[point] ?? 0) + 1;
    passages[point] = passage;
    if (death?.point === point && death.passage === passage) process.kill(process.pid, 'SIGKILL');
  };
  const { rename } = fs;
  fs.rename = async (from, to) => {
    pass('disk:before');
    await rename(from, to);
    pass('disk:after');
  };
  const { fetch: ask } = globalThis;
  globalThis.fetch = async (...request) => {
    pass('node:before');
    const response = await ask(...request);
    pass('node:after');
    return response;
  };
  const { request } = http;
  http.request = ((...args: Parameters<typeof request>) => {
    pass('chain:before');
    return request(...args);
  }) as typeof request;
  syncBuiltinESMExports();
  return passages;
}
