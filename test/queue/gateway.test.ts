import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evmAddressOfKey } from '../../protocol/eip712.js';
import { verifySoftConfirmation } from '../../protocol/softConfirmation.js';
import { buildGateway, GATEWAY_LIMITS, type RunningGateway, startGateway } from '../../queue/gateway.js';
import { type ClientEvent, GatewayClient } from '../../queue/gatewayClient.js';
import { verifyRoster } from '../../queue/roster.js';
import type { ProvenSubmission, SealedSubmission } from '../../queue/service.js';
import { code } from '../prover/code.js';
import { DOMAIN, OPERATOR_KEY, PARTS, SmallNode } from './smallNode.js';

const HEARTBEAT_MS = 50;
const word = (digit: string): string => `0x${digit.repeat(64)}`;
const submission = (digit: string): ProvenSubmission => ({
  id: word(digit),
  record: `0x${'11'.repeat(231)}`,
  proof: { circuit: 'transfer_1', anchor: word('1'), prover: `0x${'00'.repeat(20)}`, h: word('2'), proof: `0x${'33'.repeat(256)}` },
});
const sealed = (digit: string): SealedSubmission => ({
  id: word(digit),
  record: `0x${'11'.repeat(231)}`,
  sealed: {
    recordHash: word(digit),
    rosterId: word('4'),
    expiry: 2_000_000_000,
    recipients: [{ address: `0x${'01'.repeat(20)}`, ephemeral: word('5'), wrapped: `0x${'66'.repeat(48)}` }],
    nonce: `0x${'77'.repeat(24)}`,
    ciphertext: `0x${'88'.repeat(64)}`,
  },
  anchor: word('1'),
});

let node: SmallNode;
let gateway: RunningGateway;
let client: GatewayClient;

beforeEach(async () => {
  node = new SmallNode();
  gateway = await startGateway({
    service: node,
    limits: { concurrentSubmissions: 2, eventStreams: 2, heartbeatMs: HEARTBEAT_MS, retryAfterSeconds: 3 },
  });
  client = new GatewayClient(gateway.url);
});

afterEach(async () => {
  await gateway.close();
  expect(node.subscribers).toBe(0);
});

const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  fetch(`${gateway.url}/v1/transfers`, { method: 'POST', headers, body });

describe('submitting', () => {
  it('is idempotent: the same content gives its status, other content 409', async () => {
    const first = await client.submit(submission('a'));
    expect(await client.submit(submission('a'))).toEqual(first);
    expect(node.accepted).toBe(1);
    const other = { ...submission('a'), record: `0x${'12'.repeat(231)}` };
    const response = await post(JSON.stringify(other));
    expect(response.status).toBe(409);
    expect(await response.json()).toEqual({
      error: {
        code: 'SUBMISSION_CONFLICT',
        message: expect.any(String),
        expected: 'the same content',
        got: 'other content',
        retryable: false,
      },
    });
    expect(await code(() => client.submit(other))).toBe('SUBMISSION_CONFLICT');
    expect(await client.submit(sealed('b'))).toMatchObject({ id: word('b'), status: 'queued' });
    expect(await client.status(word('a'))).toEqual(first);
    expect(await client.status(word('e'))).toBeUndefined();
  });

  it('answers 429 with Retry-After when the node is full, and when too many are in hand', async () => {
    node.capacity = 0;
    const full = await post(JSON.stringify(submission('a')));
    expect([full.status, full.headers.get('retry-after'), ((await full.json()) as { error: { code: string } }).error.code]).toEqual([
      429,
      '3',
      'NODE_BUSY',
    ]);
    await expect(client.submit(submission('a'))).rejects.toMatchObject({ code: 'NODE_BUSY', retryable: true });
    node.capacity = Number.POSITIVE_INFINITY;
    let open = (): void => {};
    node.gate = new Promise((resolve) => {
      open = resolve;
    });
    const inHand = [client.submit(submission('b')), client.submit(submission('c'))];
    // Two are inside the node; requests are handled in the order they come in.
    const third = client.submit(submission('d')).catch((error: { code: string }) => error.code);
    expect(await Promise.race([third, inHand[0]])).toBe('NODE_BUSY');
    open();
    expect((await Promise.all(inHand)).map(({ status }) => status)).toEqual(['queued', 'queued']);
  });

  it('refuses what is malformed, by name, before the node sees it', async () => {
    const good = submission('a');
    const cases: [unknown, string][] = [
      [{ ...good, id: word('A') }, 'SUBMISSION_MALFORMED'],
      [{ ...good, record: '0x1' }, 'SUBMISSION_MALFORMED'],
      [{ ...good, record: `0x${'11'.repeat(281)}` }, 'SUBMISSION_MALFORMED'],
      [{ ...good, note: 'hello' }, 'SUBMISSION_MALFORMED'],
      [{ ...good, proof: { ...good.proof, circuit: 'update_2' } }, 'SUBMISSION_MALFORMED'],
      [{ id: good.id, record: good.record }, 'SUBMISSION_MALFORMED'],
      [{ ...good, sealed: sealed('a').sealed }, 'SUBMISSION_MALFORMED'],
      [{ ...sealed('a'), sealed: sealed('b').sealed }, 'SUBMISSION_MALFORMED'],
      [[], 'SUBMISSION_MALFORMED'],
    ];
    for (const [body, expected] of cases) {
      const response = await post(JSON.stringify(body));
      expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([400, expected]);
    }
    const errorOf = async (response: Response) => [response.status, ((await response.json()) as { error: { code: string } }).error.code];
    expect(await errorOf(await post('{'))).toEqual([400, 'BODY_MALFORMED']);
    expect(await errorOf(await post('x', { 'content-type': 'text/xml' }))).toEqual([415, 'MEDIA_TYPE']);
    expect(await errorOf(await post(`"${'x'.repeat(200_000)}"`))).toEqual([413, 'BODY_TOO_LARGE']);
    expect(node.accepted).toBe(0);
  });
});

describe('asking', () => {
  it('serves info, quotes, the signed roster, leaf pages and health', async () => {
    expect(await client.info()).toMatchObject({ chainId: 31337, limits: { leafPageSize: 4096 } });
    expect(await client.quote(0)).toMatchObject({
      asset: 0,
      feeProven: '1000',
      feeSealed: '2000',
      validUntil: 5,
      parts: { sealed: PARTS },
    });
    expect(await code(() => client.quote(9))).toBe('ASSET_UNKNOWN');
    expect((await fetch(`${gateway.url}/v1/quote?asset=-1`)).status).toBe(400);
    expect(await client.leafPage(0)).toMatchObject({ page: 0, complete: true });
    expect((await fetch(`${gateway.url}/v1/leaves/0`)).headers.get('cache-control')).toContain('immutable');
    expect((await fetch(`${gateway.url}/v1/leaves/1`)).headers.get('cache-control')).toBe('no-store');
    expect(await client.leafPage(7)).toBeUndefined();
    expect(await client.health()).toMatchObject({ ok: true });
    node.healthy = false;
    expect((await fetch(`${gateway.url}/v1/health`)).status).toBe(503);
    expect(await client.health()).toEqual({ ok: false, checks: { redis: 'unreachable' }, pending: 0, workers: 0 });
    expect(((await (await fetch(`${gateway.url}/v1/nothing`)).json()) as { error: { code: string } }).error.code).toBe('NOT_FOUND');
  });

  it('gives nobody for ever to send a request', async () => {
    const app = await buildGateway(node, GATEWAY_LIMITS);
    expect(app.server.requestTimeout).toBe(GATEWAY_LIMITS.requestMs);
    expect(GATEWAY_LIMITS.requestMs).toBeGreaterThan(0);
    await app.close();
  });

  it('publishes its description', async () => {
    const description = (await (await fetch(`${gateway.url}/v1/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, unknown>;
    };
    expect(description.openapi).toBe('3.1.0');
    expect(Object.keys(description.paths).sort()).toEqual([
      '/v1/events',
      '/v1/health',
      '/v1/info',
      '/v1/leaves/{page}',
      '/v1/quote',
      '/v1/roster',
      '/v1/transfers',
      '/v1/transfers/{id}',
    ]);
    expect(JSON.stringify(description.paths['/v1/transfers'])).toContain('ciphertext');
  });

  it('the roster is the operator’s, or refused', async () => {
    const roster = await client.roster();
    const operator = evmAddressOfKey(OPERATOR_KEY);
    verifyRoster(roster, DOMAIN, operator, 1_000);
    expect(roster.workers.map(({ address }) => address)).toEqual([`0x${'01'.repeat(20)}`, `0x${'02'.repeat(20)}`]);
    const swapped = roster.workers.map((worker) => ({ ...worker, sealKey: word('9') }));
    expect(await code(() => verifyRoster({ ...roster, workers: swapped }, DOMAIN, operator, 1_000))).toBe('ROSTER_ID');
    expect(await code(() => verifyRoster({ ...roster, expires: roster.expires + 1 }, DOMAIN, operator, 1_000))).toBe('ROSTER_ID');
    expect(await code(() => verifyRoster(roster, DOMAIN, `0x${'99'.repeat(20)}`, 1_000))).toBe('ROSTER_SIGNER');
    expect(await code(() => verifyRoster(roster, { ...DOMAIN, chainId: 1n }, operator, 1_000))).toBe('ROSTER_ID');
    expect(await code(() => verifyRoster(roster, DOMAIN, operator, roster.expires))).toBe('ROSTER_EXPIRED');
    expect(await code(() => verifyRoster({ ...roster, workers: [...roster.workers].reverse() }, DOMAIN, operator, 1_000))).toBe(
      'ROSTER_WORKERS',
    );
  });

  it('an unreachable node is a retryable error, another server is named as such', async () => {
    const nobody = new GatewayClient('http://127.0.0.1:1');
    await expect(nobody.info()).rejects.toMatchObject({ code: 'NODE_UNREACHABLE', retryable: true });
    expect(await code(() => new GatewayClient('ftp://x'))).toBe('NODE_URL');
    const elsewhere = new GatewayClient(`${gateway.url}/elsewhere`);
    expect(await code(() => elsewhere.info())).toBe('NOT_FOUND');
  });
});

describe('server-sent events', () => {
  it('tell confirmations and settlements as they happen, and beat in between', async () => {
    const stop = new AbortController();
    const stream = client.events(stop.signal);
    let event: ClientEvent | undefined;
    const first = stream.next().then(({ value }) => {
      event = value as ClientEvent;
    });
    // Nobody can say when the stream is open, so the node repeats itself until it is heard.
    while (event === undefined) await Promise.all([node.confirm(word('a')), Promise.race([first, pause(20)])]);
    const heard = event as ClientEvent;
    expect(heard.type).toBe('confirmation');
    if (heard.type === 'confirmation') verifySoftConfirmation(heard.confirmation, DOMAIN, evmAddressOfKey(OPERATOR_KEY));
    node.settle(word('a'), 9);
    let next = (await stream.next()).value as ClientEvent;
    while (next.type === 'confirmation') next = (await stream.next()).value as ClientEvent;
    expect(next).toMatchObject({ type: 'settlement', settlement: { block: 9, transfers: [word('a')] } });
    stop.abort();
    expect((await stream.next()).done).toBe(true);

    const raw = await fetch(`${gateway.url}/v1/events`);
    const reader = raw.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes(': still here')) text += (await reader.read()).value ?? '';
    await reader.cancel();
  });

  it('are resumed by id, and a gap is told as a reset', async () => {
    for (const block of [1, 2, 3]) node.settle(word('a'), block);
    const ids = (await readEvents('')).map(({ id }) => id);
    expect(ids).toEqual([]);
    const run = await runId();
    const blocks = (await readEvents(`${run}-1`)).map(
      ({ data }) => (JSON.parse(data) as { settlement: { block: number } }).settlement.block,
    );
    expect(blocks).toEqual([2, 3]);
    for (const unknown of ['00000000-1', `${run}-99`, 'nonsense'])
      expect((await readEvents(unknown)).map(({ event }) => event)).toEqual(['reset']);
  });

  it('are limited in number', async () => {
    const open = await Promise.all([fetch(`${gateway.url}/v1/events`), fetch(`${gateway.url}/v1/events`)]);
    expect((await fetch(`${gateway.url}/v1/events`)).status).toBe(429);
    for (const { body } of open) await body!.cancel();
  });
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function runId(): Promise<string> {
  const [reset] = await readEvents('nonsense');
  return reset!.id.split('-')[0]!;
}

/** What the gateway sends at once to a reader with this last id. */
async function readEvents(lastId: string): Promise<{ id: string; event: string; data: string }[]> {
  const response = await fetch(`${gateway.url}/v1/events`, { headers: { 'last-event-id': lastId } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes(': still here')) text += (await reader.read()).value ?? '';
  await reader.cancel();
  const blocks = text.split('\n\n').filter((block) => block.startsWith('id: '));
  return blocks.map((block) => {
    const [id = '', event = '', data = ''] = block.split('\n').map((line) => line.slice(line.indexOf(': ') + 2));
    return { id, event, data };
  });
}
