/**
 * Serves the bench page: one HTML file, and the compiled modules as they are, without a bundler. The two headers make the
 * page isolated, which browsers ask for before they share memory between threads. Loopback only.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { packageRoot } from '../../circuits/paths.js';

const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.html': 'text/html; charset=utf-8' };

export interface BenchPage {
  readonly url: string;
  close(): Promise<void>;
}

/** @param port 0 for any that is free */
export async function serveBenchPage(port = 0): Promise<BenchPage> {
  const dist = join(packageRoot(), 'dist');
  const page = join(packageRoot(), 'bench', 'page', 'index.html');
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const file = path === '/' ? page : join(dist, normalize(path));
    const known = file === page || (file.startsWith(dist + sep) && extname(file) === '.js');
    if (!known || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
    return createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
