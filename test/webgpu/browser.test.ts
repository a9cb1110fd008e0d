/**
 * Every kernel by itself and whole sums in Chromium: its own compiler of WGSL, its own validation, and the SwiftShader that it
 * brings where there is no GPU. Whole proofs by these kernels are made there in `hostBrowser.test.ts`. Needs a Chromium
 * (Debian: apt-get install chromium, elsewhere CHROMIUM=/path) and the compiled dist/.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { findChromium, servePage } from '../browser/browser.js';
import type { KernelPage } from './page.js';

const TIMEOUT_MS = 600_000;
const HTML = '<!doctype html><title>kernels</title><script type="module" src="/test/webgpu/page.js"></script>';
/** Chromium keeps WebGPU from software adapters unless it is told otherwise. */
const ARGUMENTS = ['--no-sandbox', '--enable-unsafe-webgpu'];

/** Sums of 2^0 … 2^14 terms. */
const LOGS = Array.from({ length: 15 }, (_, log) => log);

const executablePath = findChromium();
if (executablePath === undefined) {
  process.stderr.write('!! NOT COVERED: no Chromium was found, so the kernels in WGSL were not run in a browser.\n');
  process.stderr.write('!! Debian: apt-get install chromium; elsewhere set CHROMIUM to the executable and run again.\n');
}

describe.skipIf(executablePath === undefined)('kernels in WGSL in Chromium', () => {
  it(
    'agree with bigints, alone and in whole sums of 2^0 … 2^14 terms',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'tacit-kernels-'));
      writeFileSync(join(folder, 'kernels.html'), HTML);
      const server = await servePage({ 'kernels.html': join(folder, 'kernels.html') }, { isolated: true });
      const browser = await chromium.launch({ executablePath: executablePath as string, args: ARGUMENTS });
      try {
        const page = await browser.newPage();
        page.setDefaultTimeout(TIMEOUT_MS);
        await page.goto(`${server.url}kernels.html`);
        await page.waitForFunction(() => globalThis.tacitKernels !== undefined);
        const counts = await page.evaluate((logs) => (globalThis.tacitKernels as KernelPage).check(logs), LOGS);
        expect(counts).toMatchObject({ gathered: 600, resident: 98, sums: 17, sizes: LOGS.length });
        expect(counts.field).toBeGreaterThan(5000);
      } finally {
        await browser.close();
        await server.close();
        rmSync(folder, { recursive: true });
      }
    },
    TIMEOUT_MS,
  );
});
