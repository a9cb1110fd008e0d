/** A chain's RPC that can be taken away, slowed down, or made to lie: an HTTP proxy before the real one. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';

export type Mood =
  | { readonly kind: 'honest' }
  /** Connections are cut. */
  | { readonly kind: 'down' }
  /** Connections are taken and nothing is answered. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** Says that the chain's head is so many blocks further, or earlier. */
  | { readonly kind: 'head'; readonly by: number }
  /** Takes transactions and forgets them. */
  | { readonly kind: 'swallow' }
  /** Refuses transactions as paying too little. */
  | { readonly kind: 'underpriced' };

interface Question {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

export class RpcProxy {
  mood: Mood = { kind: 'honest' };
  /** Transactions that were offered while it refused or forgot them. */
  offered = 0;
  /** Block ranges, both ends included, whose events were asked for. */
  readonly ranges: [number, number][] = [];
  readonly #target: string;
  readonly #server: Server;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#serve(request, response).catch(() => request.socket.destroy()));
  }

  static async start(target: string): Promise<RpcProxy> {
    const proxy = new RpcProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const question = JSON.parse(Buffer.concat(chunks).toString()) as Question;
    const { mood } = this;
    if (question.method === 'eth_getLogs') this.ranges.push(rangeOf(question));
    if (mood.kind === 'down') return void request.socket.destroy();
    if (mood.kind === 'silent') return;
    if (mood.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, mood.ms));
    const answer = this.#invented(question) ?? (await this.#forward(question));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  }

  async #forward(question: Question): Promise<unknown> {
    const response = await fetch(this.#target, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
    });
    const answer = (await response.json()) as { result?: string };
    if (this.mood.kind === 'head' && question.method === 'eth_blockNumber')
      return { ...answer, result: `0x${Math.max(0, Number(answer.result) + this.mood.by).toString(16)}` };
    return answer;
  }

  #invented({ id, method, params }: Question): unknown {
    if (method !== 'eth_sendRawTransaction' || (this.mood.kind !== 'swallow' && this.mood.kind !== 'underpriced')) return undefined;
    this.offered++;
    if (this.mood.kind === 'underpriced')
      return { jsonrpc: '2.0', id, error: { code: -32000, message: 'replacement transaction underpriced' } };
    return { jsonrpc: '2.0', id, result: bytesToHex(keccak_256(hexToBytes(params[0] as string))) };
  }
}

function rangeOf({ params }: Question): [number, number] {
  const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
  return [Number(fromBlock), Number(toBlock)];
}
