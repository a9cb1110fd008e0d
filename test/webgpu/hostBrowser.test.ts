/**
 * Proofs with WebGPU in Chromium, on its SwiftShader: the page's proof is the one that Node makes of the same blinding,
 * snarkjs accepts it, and a destroyed device costs nothing but time.
 * The proof of transfer(1) takes a software adapter a minute of both cores. Needs a Chromium and the compiled dist/.
 */
import { readFileSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchPage, serveBenchPage } from '../../bench/page/server.js';
import { buildProverCircuit, type ProverCircuit, productChain } from '../../bench/proverCircuits.js';
import { benchCircuit } from '../../bench/proverInputs.js';
import { insecureProveWithFixedBlinding, loadProvingKey } from '../../prover/engine/prove.js';
import { findChromium, openPage, type PageServer, servePage } from '../browser/browser.js';
import { SnarkjsOracle } from '../engine/snarkjs.js';
import type { GpuPageApi } from './hostPage.js';

declare global {
  var tacitGpu: GpuPageApi | undefined;
}

const TIMEOUT_MS = 600_000;
const LONG_TIMEOUT_MS = 3_600_000;
const BLINDING = ['1234567890123456789', '9876543210987654321'] as const;
const ON_GPU = { a: 'webgpu', b1: 'webgpu', b2: 'wasm', c: 'webgpu', h: 'webgpu' };
const ON_WASM = { a: 'wasm', b1: 'wasm', b2: 'wasm', c: 'wasm', h: 'wasm' };

const executablePath = findChromium();
if (executablePath === undefined) process.stderr.write('!! NOT COVERED: no Chromium was found, so WebGPU was not tested in a browser.\n');

describe.skipIf(executablePath === undefined)('WebGPU in Chromium', () => {
  let browser: Browser;
  let oracle: SnarkjsOracle;
  const servers: (PageServer | BenchPage)[] = [];

  beforeAll(async () => {
    oracle = await SnarkjsOracle.create();
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox', '--enable-unsafe-webgpu'] });
  }, TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) await server.close();
    await oracle?.close();
  });

  const pageOf = async (circuit: ProverCircuit): Promise<Page> => {
    const server = await servePage({ zkey: circuit.zkeyPath, wtns: circuit.wtnsPath }, { isolated: true });
    servers.push(server);
    const page = await openPage(browser, server.url);
    await page.addScriptTag({ url: '/test/webgpu/hostPage.js', type: 'module' });
    await page.waitForFunction(() => globalThis.tacitGpu !== undefined);
    page.setDefaultTimeout(0);
    return page;
  };

  const expectProof = async (circuit: ProverCircuit): Promise<void> => {
    const page = await pageOf(circuit);
    const made = await page.evaluate((blinding) => globalThis.tacitGpu?.prove('/zkey', '/wtns', blinding), BLINDING);
    await page.close();
    const key = await loadProvingKey(circuit.zkeyPath, { threads: 2 });
    const [r, s] = BLINDING.map(BigInt) as [bigint, bigint];
    const { proof, publicSignals } = await insecureProveWithFixedBlinding(key, circuit.wtnsPath, { r, s });
    await key.close();
    expect(made).toMatchObject({ adapter: { software: true }, proof, publicSignals, sums: ON_GPU, failures: [] });
    expect(made?.without).toEqual({ proof, sums: ON_WASM, failures: ['WEBGPU_LOST'] });
    const vkey: unknown = JSON.parse(readFileSync(circuit.vkeyPath, 'utf8'));
    expect(await oracle.verify(vkey, { proof: made?.proof as typeof proof, publicSignals })).toBe(true);
  };

  it('a proof of a small circuit, and one after the device is gone', { timeout: TIMEOUT_MS }, async () => {
    await expectProof(await buildProverCircuit(productChain(6, 3n)));
  });

  it('a proof of transfer(1)', { timeout: LONG_TIMEOUT_MS }, async () => {
    await expectProof(await benchCircuit('transfer_1'));
  });

  it('the bench page names a software adapter and makes no claim of speed', { timeout: TIMEOUT_MS }, async () => {
    const server = await serveBenchPage();
    servers.push(server);
    const page = await browser.newPage({ viewport: { width: 1000, height: 700 } });
    await page.goto(server.url);
    await page.getByText('A software adapter').waitFor();
    for (const [label, value] of [
      ['from 2^', '4'],
      ['to 2^', '5'],
      ['runs', '1'],
    ] as const) {
      await page.getByLabel(label).fill(value);
    }
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByText('Done').waitFor({ timeout: TIMEOUT_MS });
    const report = JSON.parse((await page.locator('#json').textContent()) ?? '') as { rows: { bases: number; timesFaster: unknown }[] };
    expect(report.rows.map(({ bases, timesFaster }) => [bases, timesFaster])).toEqual([
      [16, null],
      [32, null],
    ]);
    if (process.env.TACIT_SCREENSHOT) await page.screenshot({ path: process.env.TACIT_SCREENSHOT, fullPage: true });
    await page.close();
  });
});
