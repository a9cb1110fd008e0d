/**
 * A JSON-RPC server that passes everything on to another and may change the answers: an RPC that cannot be trusted.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RpcRequest {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** @param lie gets each request with its honest result and returns the result to send */
export async function startLyingRpc(
  upstream: string,
  lie: (request: RpcRequest, result: unknown) => unknown,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const server: Server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const answer = await fetch(upstream, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const json = (await answer.json()) as { result?: unknown };
    if ('result' in json) json.result = lie(JSON.parse(body) as RpcRequest, json.result);
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify(json));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const stop = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
