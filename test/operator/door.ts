/**
 * The chain's RPC as a dishonest operator's own node sees it: everything goes through, but settlements are kept back, so that
 * the operator can look at what its production code made, and send something else.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transaction } from 'ethers';
import { rollupInterface } from '../../verifier-contract/abi.js';

export interface Door {
  readonly url: string;
  /** Argument of `settle(bytes)` of every signed settlement that was kept back, and the signed transaction. */
  readonly kept: { readonly bytes: string; readonly raw: string }[];
  /** While true, settlements are kept back. */
  closed: boolean;
  stop(): Promise<void>;
}

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

export async function openDoor(upstream: string): Promise<Door> {
  const kept: Door['kept'] = [];
  const server: Server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const answer = door.closed ? keepBack(JSON.parse(body) as Call, kept) : undefined;
    outgoing.setHeader('content-type', 'application/json');
    if (answer !== undefined) return outgoing.end(JSON.stringify(answer));
    const response = await fetch(upstream, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    outgoing.end(await response.text());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const door: Door = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    kept,
    closed: true,
    stop: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return door;
}

/** Says that a settlement was taken, and takes it only here. */
function keepBack({ id, method, params }: Call, kept: Door['kept']): object | undefined {
  if (method !== 'eth_sendRawTransaction') return undefined;
  const raw = params[0] as string;
  const transaction = Transaction.from(raw);
  const call = rollupInterface().parseTransaction({ data: transaction.data });
  if (call?.name !== 'settle') return undefined;
  kept.push({ bytes: call.args[0] as string, raw });
  return { jsonrpc: '2.0', id, result: transaction.hash };
}
