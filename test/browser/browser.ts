/**
 * A Chromium and a server for its page: native modules straight from dist/, no bundler.
 *
 * The server knows two kinds of address: files below dist/, and the artefacts given by name. An isolated page gets the two
 * headers (COOP, COEP) that browsers ask for before they share memory between threads.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { PageApi } from './page.js';

const DIST = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../dist/' : '../../', import.meta.url));
const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.html': 'text/html' };
const HTML = '<!doctype html><title>engine</title><script type="module" src="/test/browser/page.js"></script>';
/** V8's name for the WebAssembly wide-arithmetic proposal. */
const WIDE_FLAG = '--js-flags=--wasm-wide-arithmetic';

/** The browser's executable, or undefined. CHROMIUM names one that stands elsewhere. */
export function findChromium(): string | undefined {
  return PLACES.find((place) => place !== undefined && existsSync(place));
}

export function launchChromium(executablePath: string, options: { wide: boolean }): Promise<Browser> {
  // The sandbox wants rights that containers rarely have; the page loads nothing but this server's files.
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...(options.wide ? [WIDE_FLAG] : [])] });
}

export interface PageServer {
  /** Address of the test page. */
  readonly url: string;
  close(): Promise<void>;
}

/** @param files artefacts by the name under which the page asks for them */
export async function servePage(files: Readonly<Record<string, string>>, options: { isolated: boolean }): Promise<PageServer> {
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (options.isolated) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    }
    if (path === '/') return response.setHeader('Content-Type', 'text/html').end(HTML);
    const file = files[path.slice(1)] ?? join(DIST, normalize(path));
    if (
      (!files[path.slice(1)] && !file.startsWith(DIST + (DIST.endsWith(sep) ? '' : sep))) ||
      !existsSync(file) ||
      !statSync(file).isFile()
    ) {
      return response.writeHead(404).end();
    }
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
    return createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

declare global {
  var tacit: PageApi | undefined;
}

/** Opens the test page and waits until its modules are there. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('requestfailed', (request) => troubles.push(`${request.url()} failed`));
  page.on('response', (response) => {
    if (response.status() >= 400 && !response.url().endsWith('favicon.ico')) troubles.push(`${response.url()}: ${response.status()}`);
  });
  await page.goto(url);
  await page
    .waitForFunction(() => globalThis.tacit !== undefined, undefined, { timeout: 30_000 })
    .catch((cause: unknown) => {
      throw new Error(`the page did not load: ${troubles.join('; ')}`, { cause });
    });
  return page;
}
