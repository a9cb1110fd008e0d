/**
 * Portable against wide arithmetic, whole proofs by turns in one Chromium: medians as JSON, a line for each thread count.
 *
 *   node dist/test/browser/compareBackends.js [circuit] [rounds]      default: transfer_1 7
 */

import { readFileSync } from 'node:fs';
import { benchCircuit } from '../../bench/proverInputs.js';
import { verifyProof } from '../../prover/verify.js';
import { findChromium, launchChromium, openPage, servePage } from './browser.js';

const THREAD_COUNTS = [1, 2];
const DEFAULT_ROUNDS = 7;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

const [name = 'transfer_1', rounds = String(DEFAULT_ROUNDS)] = process.argv.slice(2);
const executable = findChromium();
if (executable === undefined) throw new Error('no Chromium: apt-get install chromium, or CHROMIUM=/path');
const circuit = await benchCircuit(name);
const server = await servePage({ zkey: circuit.zkeyPath, wtns: circuit.wtnsPath }, { isolated: true });
const browser = await launchChromium(executable, { wide: true });
try {
  const page = await openPage(browser, server.url);
  const vkey: unknown = JSON.parse(readFileSync(circuit.vkeyPath, 'utf8'));
  for (const threads of THREAD_COUNTS) {
    for (const backend of ['portable', 'wide'] as const) {
      const request = { zkey: '/zkey', wtns: '/wtns', backend, threads };
      const made = await page.evaluate((asked) => globalThis.tacit?.prove(asked), request);
      verifyProof(vkey, made?.publicSignals, made?.proof);
    }
    const asked = { threads, rounds: Number(rounds) };
    const times = await page.evaluate((a) => globalThis.tacit?.compare('/zkey', '/wtns', a.threads, a.rounds), asked);
    if (!times) throw new Error('the page is gone');
    const [portableMs, wideMs] = [median(times.portable), median(times.wide)];
    process.stdout.write(
      `${JSON.stringify({ circuit: name, browser: browser.version(), threads, rounds: asked.rounds, portableMs, wideMs, timesFaster: portableMs / wideMs, samples: times })}\n`,
    );
  }
} finally {
  await browser.close();
  await server.close();
}
