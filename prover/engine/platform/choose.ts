/** The choice between Node and a web page, made by what runs, when it is first needed. */
import type { Platform } from './platform.js';

let chosen: Promise<Platform> | undefined;

export function platform(): Promise<Platform> {
  chosen ??= runsInNode() ? import('./node.js').then((m) => m.nodePlatform) : import('./web.js').then((m) => m.webPlatform);
  return chosen;
}

function runsInNode(): boolean {
  return typeof globalThis.process !== 'undefined' && typeof globalThis.process.versions?.node === 'string';
}
