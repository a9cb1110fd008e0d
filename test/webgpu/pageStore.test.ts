/**
 * Crossovers that a browser keeps, in Chromium: in IndexedDB, for the page's origin, and what `auto` and the bench page make of
 * them. Its software adapter is nobody's choice, so the measurements here are given, not made.
 */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BenchPage, serveBenchPage } from '../../bench/page/server.js';
import type { Calibration } from '../../prover/engine/webgpu/calibration.js';
import { findChromium } from '../browser/browser.js';
import { FACTS } from './nobleSums.js';
import type { StorePageApi } from './storePage.js';

declare global {
  var tacitStore: StorePageApi | undefined;
}

const TIMEOUT_MS = 120_000;
const THREADS = 2;

const executablePath = findChromium();
if (executablePath === undefined) process.stderr.write('!! NOT COVERED: no Chromium was found, so the store of a page was not tested.\n');

const calibration = (key: string, crossover: number | null): Calibration => ({
  key,
  adapter: FACTS.name,
  threads: THREADS,
  rows: [{ bases: 4096, gpuMs: 3, wasmMs: 2 }],
  crossover,
});

describe.skipIf(executablePath === undefined)('calibrations in a page', { timeout: TIMEOUT_MS }, () => {
  let browser: Browser;
  let server: BenchPage;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox', '--enable-unsafe-webgpu'] });
    server = await serveBenchPage();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  // Each with a profile of its own, so with nothing stored.
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context?.close());

  const storePage = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(server.url);
    await page.addScriptTag({ url: '/test/webgpu/storePage.js', type: 'module' });
    await page.waitForFunction(() => globalThis.tacitStore !== undefined);
    return page;
  };
  const promising = (page: Page): Promise<boolean> => page.evaluate(() => (globalThis.tacitStore as StorePageApi).promising());
  const read = (page: Page, key: string): Promise<Calibration | undefined> =>
    page.evaluate((wanted) => (globalThis.tacitStore as StorePageApi).read(wanted), key);
  const write = (page: Page, kept: Calibration): Promise<void> =>
    page.evaluate((value) => (globalThis.tacitStore as StorePageApi).write(value), kept);

  it('are kept by key, for other pages of the origin and after a reload', async () => {
    const page = await storePage();
    expect(await promising(page)).toBe(false);
    await write(page, calibration('one', 7000));
    await write(page, calibration('one', 9000));
    await write(page, calibration('two', null));
    const other = await storePage();
    expect(await promising(other)).toBe(true);
    expect(await read(other, 'one')).toEqual(calibration('one', 9000));
    expect((await read(other, 'two'))?.crossover).toBeNull();
    expect(await read(other, 'three')).toBeUndefined();
  });

  it('what is no calibration for its key is not read, and a browser that keeps nothing is no error', async () => {
    const page = await storePage();
    await write(page, calibration('one', 7000));
    for (const bad of [calibration('two', 7000), 'text', { key: 'one', crossover: -1 }, 7]) {
      await page.evaluate((value) => (globalThis.tacitStore as StorePageApi).spoil('one', value), bad);
      expect(await read(page, 'one')).toBeUndefined();
    }
    for (const refusal of ['throw new Error("refused")', 'return undefined']) {
      await page.evaluate(`Object.defineProperty(globalThis, 'indexedDB', { configurable: true, get() { ${refusal}; } })`);
      await write(page, calibration('one', 7000));
      expect(await read(page, 'one')).toBeUndefined();
      expect(await promising(page)).toBe(false);
    }
  });

  it('auto uses hardware from the stored crossover on, and wakes nothing where nothing is stored', async () => {
    const page = await storePage();
    const choose = (software: boolean): Promise<unknown> =>
      page.evaluate(([facts, threads]) => (globalThis.tacitStore as StorePageApi).choose(facts, threads), [
        { ...FACTS, software },
        THREADS,
      ] as const);
    expect(await choose(false)).toEqual({ opened: 0, offered: false, state: 'unmeasured' });
    const key = await page.evaluate(([identity, threads]) => (globalThis.tacitStore as StorePageApi).keyOf(identity, threads), [
      FACTS.identity,
      THREADS,
    ] as const);
    await write(page, calibration(key, null));
    expect(await choose(false)).toEqual({ opened: 1, offered: false, state: 'slower' });
    await write(page, calibration(key, 5000));
    expect(await choose(false)).toEqual({ opened: 1, offered: true, state: 'used' });
    expect(await choose(true)).toEqual({ opened: 0, offered: false, state: 'software' });
  });

  it('the bench page shows what auto does: nothing with a software adapter, from the crossover on with another', async () => {
    const page = await context.newPage();
    const shown = async (): Promise<string> => {
      await page.goto(server.url);
      await page.locator('#calibration', { hasText: 'auto' }).waitFor();
      return (await page.locator('#calibration').textContent()) as string;
    };
    expect(await shown()).toBe('auto leaves it alone.');
    expect(await page.getByRole('button', { name: 'Calibrate' }).isDisabled()).toBe(true);
    // From here on the adapter passes for hardware; nothing is computed on it.
    await page.addInitScript(() => {
      for (const [name, value] of Object.entries({
        vendor: 'tests',
        architecture: 'pretended',
        device: '',
        description: 'a pretended GPU',
      }))
        Object.defineProperty(GPUAdapterInfo.prototype, name, { get: () => value });
      Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false });
    });
    expect(await shown()).toContain('was not measured here yet');
    expect(await page.getByRole('button', { name: 'Calibrate' }).isEnabled()).toBe(true);
    const store = await storePage();
    const threads = Number(await page.getByLabel('threads').inputValue());
    const key = await store.evaluate(
      (count) => (globalThis.tacitStore as StorePageApi).keyOf('tests | pretended |  | a pretended GPU', count),
      threads,
    );
    await write(store, calibration(key, 5000));
    expect(await shown()).toContain('auto: a pretended GPU: sums of 5000 bases and more');
    await page.getByLabel('threads').fill(String(threads + 1));
    await page.getByLabel('threads').blur();
    await page.getByText('was not measured here yet with so many threads').waitFor();
  });
});
