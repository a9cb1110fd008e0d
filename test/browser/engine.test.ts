/**
 * The engine in a real browser: native modules from dist/ in Chromium, with and without shared memory, with and without
 * wide arithmetic. Whole proofs of transfer(1) are checked here, in Node, by two verifiers.
 *
 * Needs a Chromium (Debian: apt-get install chromium, elsewhere CHROMIUM=/path) and the compiled dist/.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { benchCircuit } from '../../bench/proverInputs.js';
import { compactKey } from '../../prover/engine/groth16/compactWriter.js';
import { insecureProveWithFixedBlinding, loadProvingKey, type ProveResult } from '../../prover/engine/prove.js';
import { verifyProof } from '../../prover/verify.js';
import { findChromium, launchChromium, openPage, type PageServer, servePage } from './browser.js';
import type { PageProof, PageRequest } from './page.js';

const TIMEOUT_MS = 300_000;
const BLINDING = ['1234567890123456789', '9876543210987654321'] as const;
interface Snarkjs {
  groth16: { verify(vkey: unknown, publicSignals: string[], proof: unknown): Promise<boolean> };
}
// @ts-expect-error snarkjs ships no types
const snarkjs = (await import('snarkjs')) as Snarkjs;

const executable = findChromium();
if (executable === undefined) {
  process.stderr.write('!! NOT COVERED: no Chromium was found, so the engine was not tested in a browser nor on wide arithmetic.\n');
  process.stderr.write('!! Debian: apt-get install chromium; elsewhere set CHROMIUM to the executable and run again.\n');
}

describe.skipIf(executable === undefined)('the engine in Chromium', () => {
  let circuit: ProverCircuit;
  let small: ProverCircuit;
  let isolated: PageServer;
  let plain: PageServer;
  let wideBrowser: Browser;
  let browser: Browser;
  let expected: ProveResult;

  beforeAll(async () => {
    circuit = await benchCircuit('transfer_1');
    const files = { zkey: circuit.zkeyPath, wtns: circuit.wtnsPath };
    small = await buildProverCircuit(productChain(6, 3n));
    const compactPath = join(mkdtempSync(join(tmpdir(), 'tacit-compact-')), 'small.tzkc');
    writeFileSync(compactPath, await compactKey(new Uint8Array(readFileSync(small.zkeyPath))));
    const smallFiles = { small: small.zkeyPath, compact: compactPath, 'small.wtns': small.wtnsPath };
    isolated = await servePage({ ...files, ...smallFiles }, { isolated: true });
    plain = await servePage(files, { isolated: false });
    wideBrowser = await launchChromium(executable as string, { wide: true });
    browser = await launchChromium(executable as string, { wide: false });
    const key = await loadProvingKey(circuit.zkeyPath, { threads: 2, backend: 'portable' });
    const [r, s] = BLINDING.map(BigInt) as [bigint, bigint];
    expected = await insecureProveWithFixedBlinding(key, circuit.wtnsPath, { r, s });
    await key.close();
  }, TIMEOUT_MS);

  afterAll(async () => {
    await Promise.all([wideBrowser?.close(), browser?.close(), isolated?.close(), plain?.close()]);
  });

  const prove = (page: Page, request: Partial<PageRequest>): Promise<PageProof> => {
    const whole: PageRequest = { zkey: '/zkey', wtns: '/wtns', backend: 'auto', threads: 2, ...request };
    return page.evaluate((asked) => (globalThis.tacit as NonNullable<typeof globalThis.tacit>).prove(asked), whole);
  };
  const capabilities = (page: Page): Promise<unknown> => page.evaluate(() => globalThis.tacit?.capabilities());

  /** The proof is the one that Node's portable backend makes of the same blinding, and is accepted. */
  const expectAccepted = async ({ proof, publicSignals }: ProveResult): Promise<void> => {
    expect({ proof, publicSignals }).toEqual({ proof: expected.proof, publicSignals: expected.publicSignals });
    const vkey: unknown = JSON.parse(readFileSync(circuit.vkeyPath, 'utf8'));
    expect(await snarkjs.groth16.verify(vkey, publicSignals, proof)).toBe(true);
    verifyProof(vkey, publicSignals, proof);
  };

  it(
    'every kernel of both backends agrees with the bigint reference',
    async () => {
      const page = await openPage(wideBrowser, isolated.url);
      for (const backend of ['portable', 'wide'] as const) {
        const comparisons = await page.evaluate((name) => globalThis.tacit?.checkKernels(name), backend);
        expect(comparisons).toBeGreaterThan(10_000);
      }
      await page.close();
    },
    TIMEOUT_MS,
  );

  it(
    'with shared memory and wide arithmetic: two workers prove transfer(1), and end with the key',
    async () => {
      const page = await openPage(wideBrowser, isolated.url);
      expect(await capabilities(page)).toEqual({ isolated: true, sharedMemory: true, wide: true });
      const proof = await prove(page, { blinding: BLINDING, keepOpen: true });
      expect(proof.backend).toBe('wide');
      await expectAccepted(proof);
      expect(page.workers()).toHaveLength(2);
      const ended = Promise.all(page.workers().map((worker) => worker.waitForEvent('close')));
      await page.evaluate(() => globalThis.tacit?.closeAll());
      await ended;
      expect(page.workers()).toHaveLength(0);
      await page.close();
    },
    TIMEOUT_MS,
  );

  it(
    'with shared memory, without wide arithmetic: auto is portable, wide is refused with BACKEND_MISSING',
    async () => {
      const page = await openPage(browser, isolated.url);
      expect(await capabilities(page)).toEqual({ isolated: true, sharedMemory: true, wide: false });
      expect(await page.evaluate(() => globalThis.tacit?.refusal('/zkey', 'wide'))).toBe('BACKEND_MISSING');
      const proof = await prove(page, { blinding: BLINDING });
      expect(proof.backend).toBe('portable');
      await expectAccepted(proof);
      await page.close();
    },
    TIMEOUT_MS,
  );

  it(
    'without shared memory (no COOP and COEP): one thread, the page itself, proves transfer(1)',
    async () => {
      const page = await openPage(wideBrowser, plain.url);
      expect(await capabilities(page)).toEqual({ isolated: false, sharedMemory: false, wide: true });
      const proof = await prove(page, { blinding: BLINDING, keepOpen: true });
      expect(page.workers()).toHaveLength(0);
      await expectAccepted(proof);
      await page.close();
    },
    TIMEOUT_MS,
  );

  it(
    'a small circuit, by its zkey and by its compact key: proofs are those of Node on every backend',
    async () => {
      const key = await loadProvingKey(small.zkeyPath, { threads: 1, backend: 'portable' });
      const [r, s] = BLINDING.map(BigInt) as [bigint, bigint];
      const { proof } = await insecureProveWithFixedBlinding(key, small.wtnsPath, { r, s });
      await key.close();
      const page = await openPage(wideBrowser, isolated.url);
      for (const backend of ['portable', 'wide'] as const) {
        for (const zkey of ['/small', '/compact']) {
          const made = await prove(page, { zkey, wtns: '/small.wtns', backend, blinding: BLINDING });
          expect(made.backend).toBe(backend);
          expect(made.proof, `${backend} ${zkey}`).toEqual(proof);
        }
      }
      await page.close();
    },
    TIMEOUT_MS,
  );

  it('a key that is not there is refused with ARTIFACT_MISSING', async () => {
    const page = await openPage(browser, plain.url);
    expect(await page.evaluate(() => globalThis.tacit?.refusal('/no-such-key', 'portable'))).toBe('ARTIFACT_MISSING');
    await page.close();
  });
});
