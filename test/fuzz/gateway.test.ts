/** HTTP in both directions: every route of the gateway with spoiled requests, and a wallet's client with spoiled answers. */
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { verifySoftConfirmation } from '../../protocol/softConfirmation.js';
import { EventLog } from '../../queue/eventStream.js';
import { buildGateway, GATEWAY_LIMITS } from '../../queue/gateway.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { verifyRoster } from '../../queue/roster.js';
import { readEventStream } from '../../queue/sse.js';
import { DOMAIN, SmallNode } from '../queue/smallNode.js';
import { FUZZ_TEST_MS, fuzz, fuzzAsync, refusedOrLater, spoiledBytes, spoiledJsonText, spoiledText } from './fuzz.js';

const word = (digit: string): string => `0x${digit.repeat(64)}`;
const proven = {
  id: word('a'),
  record: `0x${'11'.repeat(231)}`,
  proof: { circuit: 'transfer_1', anchor: word('1'), prover: `0x${'00'.repeat(20)}`, h: word('2'), proof: `0x${'33'.repeat(256)}` },
};
const sealed = {
  id: word('b'),
  record: `0x${'11'.repeat(231)}`,
  anchor: word('1'),
  sealed: {
    recordHash: word('b'),
    rosterId: word('4'),
    expiry: 2_000_000_000,
    recipients: [{ address: `0x${'01'.repeat(20)}`, ephemeral: word('5'), wrapped: `0x${'66'.repeat(48)}` }],
    nonce: `0x${'77'.repeat(24)}`,
    ciphertext: `0x${'88'.repeat(64)}`,
  },
};
const submissions = fc.constantFrom<unknown>(proven, sealed);

let node: SmallNode;
let app: FastifyInstance;
beforeAll(async () => {
  node = new SmallNode();
  app = await buildGateway(node, GATEWAY_LIMITS);
});
afterAll(() => app?.close());

/** Only what an HTTP parser lets through as a path; the rest never reaches the gateway. */
const path = (text: string): string =>
  text.replace(/[^\x21-\x7e]/gu, (letter) => `%${(letter.codePointAt(0) as number & 0xff).toString(16)}`).replace(/^[^/]*/, '/');

function assertAnswer(statusCode: number, body: string, expected: readonly number[]): void {
  if (!expected.includes(statusCode)) throw new Error(`status ${statusCode}: ${body.slice(0, 300)}`);
  const json = JSON.parse(body) as { error?: { code?: unknown; message?: unknown; retryable?: unknown } };
  if (statusCode < 400) return;
  const { code, message, retryable } = json.error ?? {};
  if (typeof code !== 'string' || typeof message !== 'string' || typeof retryable !== 'boolean')
    throw new Error(`not an error body: ${body}`);
  if (/ at .*\.(ts|js):\d/.test(body)) throw new Error(`a stack goes out: ${body}`);
}

describe('requests', () => {
  it(
    'POST /v1/transfers: 202, or a refusal that leaves nothing behind',
    async () => {
      await fuzzAsync(
        fc.tuple(spoiledJsonText(submissions), fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/plain', '')),
        async ([body, type]) => {
          const before = node.accepted;
          const answer = await app.inject({
            method: 'POST',
            url: '/v1/transfers',
            payload: body,
            headers: type === '' ? {} : { 'content-type': type },
          });
          assertAnswer(answer.statusCode, answer.body, [202, 400, 409, 413, 415]);
          if (answer.statusCode !== 202 && node.accepted !== before) throw new Error('a refused submission was kept');
        },
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'bytes that are no text',
    async () => {
      await fuzzAsync(spoiledBytes(submissions.map((value) => new TextEncoder().encode(JSON.stringify(value)))), async (bytes) => {
        const answer = await app.inject({
          method: 'POST',
          url: '/v1/transfers',
          payload: Buffer.from(bytes),
          headers: { 'content-type': 'application/json' },
        });
        assertAnswer(answer.statusCode, answer.body, [202, 400, 409, 413]);
      });
    },
    FUZZ_TEST_MS,
  );

  it(
    'GET of every route, spoiled',
    async () => {
      const routes = fc.constantFrom(
        `/v1/transfers/${word('a')}`,
        '/v1/info',
        '/v1/roster',
        '/v1/quote?asset=0',
        '/v1/leaves/0',
        '/v1/health',
        '/v1/openapi.json',
      );
      await fuzzAsync(
        fc.record({
          url: spoiledText(routes).map(path),
          method: fc.constantFrom('GET' as const, 'HEAD' as const, 'PUT' as const, 'DELETE' as const, 'OPTIONS' as const, 'PATCH' as const),
        }),
        async ({ url, method }) => {
          // A stream of events does not end by itself.
          if (url.startsWith('/v1/events')) return;
          const answer = await app.inject({ method, url });
          if (method === 'HEAD') return;
          assertAnswer(answer.statusCode, answer.body, [200, 400, 404, 414]);
        },
        [...['/v1/quote?asset=0&asset=1', '/v1/transfers/%', '/v1/leaves/%ff', '//'].map((url) => ({ url, method: 'GET' as const }))],
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'the id that an event stream is resumed by',
    () => {
      const log = new EventLog();
      for (let block = 1; block < 5; block++)
        log.add({
          type: 'settlement',
          settlement: { txHash: word('a'), block, noteRoot: word('b'), nullifierRoot: word('c'), transfers: [], queueItems: 0 },
        });
      const id = /id: (\S+)/.exec(log.since('nonsense'))?.[1] as string;
      fuzz(spoiledText(fc.constant(id.replace(/\d+$/, '2'))), (text) => {
        const past = log.since(text);
        if (past !== '' && !/^id: [0-9a-f]{8}-\d+\nevent: (reset|settlement)\n/.test(past))
          throw new Error(`not a stream of events: ${past}`);
      });
    },
    FUZZ_TEST_MS,
  );
});

describe('answers', () => {
  it(
    'a client never takes what is not an answer',
    async () => {
      const asked = {
        info: await node.info(),
        quote: await node.quote(0),
        roster: await node.roster(),
        page: await node.leafPage(0),
        status: {
          id: word('a'),
          status: 'confirmed',
          times: { queued: 1 },
          confirmation: { recordHash: word('a'), sequence: 1, sealedIndex: 0, signature: `0x${'11'.repeat(65)}` },
        },
        error: { error: { code: 'NODE_BUSY', message: 'busy', retryable: true } },
      };
      const answers = fc.constantFrom<unknown>(...Object.values(asked));
      const { operator } = asked.info;
      await fuzzAsync(fc.tuple(spoiledJsonText(answers), fc.constantFrom(200, 202, 400, 404, 429, 500, 503)), async ([body, status]) => {
        const client = new GatewayClient('http://node', { fetch: async () => new Response(body, { status }) });
        await refusedOrLater(async () => {
          const { contract, operator: named, confirmationDepth } = await client.info();
          void [contract.toLowerCase(), named.toLowerCase(), confirmationDepth + 1];
        });
        await refusedOrLater(async () => BigInt((await client.quote(0)).feeProven));
        await refusedOrLater(async () => verifyRoster(await client.roster(), DOMAIN, operator, 1_000));
        await refusedOrLater(async () => (await client.leafPage(0))?.leaves.map(BigInt));
        await refusedOrLater(async () => {
          const { confirmation } = (await client.status(word('a'))) ?? {};
          if (confirmation !== undefined) verifySoftConfirmation(confirmation, DOMAIN, operator);
        });
        await refusedOrLater(() => client.submit(proven as Parameters<GatewayClient['submit']>[0]));
        await refusedOrLater(() => client.health());
      });
    },
    FUZZ_TEST_MS,
  );

  it(
    'a stream of events is messages and an end, whatever the bytes and wherever they are cut',
    async () => {
      const stream = [
        'retry: 1000',
        '',
        'id: 0a0b0c0d-1',
        'event: settlement',
        'data: {"a":1}',
        'data: 2',
        '',
        ': still here',
        '',
        '',
      ].join('\n');
      await fuzzAsync(fc.tuple(spoiledBytes(fc.constant(new TextEncoder().encode(stream))), fc.nat({ max: 200 })), async ([bytes, cut]) => {
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => {
            for (const part of [bytes.slice(0, cut), bytes.slice(cut)]) if (part.length > 0) controller.enqueue(part);
            controller.close();
          },
        });
        for await (const { event, data } of readEventStream(body))
          if (typeof event !== 'string' || typeof data !== 'string') throw new Error('not a message');
      });
    },
    FUZZ_TEST_MS,
  );

  it('answers of the right kind go through unchanged', async () => {
    const client = new GatewayClient('http://node', {
      fetch: async (input) =>
        new Response((await app.inject({ method: 'GET', url: new URL(String(input)).pathname + new URL(String(input)).search })).body),
    });
    const same = (a: unknown, b: unknown): void => {
      if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error('changed on the way');
    };
    same(await client.info(), await node.info());
    same(await client.quote(0), await node.quote(0));
    same(await client.leafPage(0), await node.leafPage(0));
  });
});
