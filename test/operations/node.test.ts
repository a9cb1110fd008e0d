import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningNode } from '../../aggregator/node.js';
import { describeFarm, type FarmStatus } from '../../operations/farmStatus.js';
import { processLog } from '../../operations/logger.js';
import { watchNode } from '../../operations/nodeOperations.js';
import { paymentTrace } from '../../operations/traceIds.js';
import type { Watching } from '../../operations/watching.js';
import { recordHash } from '../../protocol/record.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { makeWorld, provenSubmission, recordOf, settledStatus, until, type World } from '../aggregator/world.js';
import { type Collector, startCollector } from './collector.js';

const PAUSE_MS = 2_500;
const PASSWORD = 'look but do not touch';
let world: World;
let node: RunningNode;
let watching: Watching;
let collector: Collector;
const lines: string[] = [];

beforeAll(async () => {
  [world, collector] = await Promise.all([makeWorld(), startCollector()]);
  await world.worker();
  node = await world.start({ queueTimeoutMs: 300 });
  const log = processLog('node', 'json', { write: (line: string) => void lines.push(line) });
  watching = await watchNode(
    node,
    { redisUrl: world.redis.url, domain: world.domain },
    { port: 0, host: '127.0.0.1', boardPassword: PASSWORD, collectorUrl: collector.url },
    log,
  );
}, 120_000);
afterAll(async () => {
  await watching?.close();
  await world?.stop();
  await collector?.stop();
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${watching.url}${path}`, { headers });
const basic = (password: string) => ({ authorization: `Basic ${Buffer.from(`operator:${password}`).toString('base64')}` });

describe('a node that is watched', () => {
  const record = recordOf(1);
  const payment = () => recordHash(record, world.domain);

  it('is alive and ready', async () => {
    expect((await get('/healthz')).status).toBe(200);
    const ready = await until(
      () => get('/readyz'),
      ({ status }) => status === 200,
      'ready',
    );
    expect(await ready.json()).toMatchObject({ ok: true, parts: { queue: 'ok', chain: 'ok', workers: 'ok' } });
  });

  it('tells a payment’s way in one log, under one id', async () => {
    const client = new GatewayClient(node.url);
    await client.submit(provenSubmission(record, (await world.rollup.state()).noteRoot, world.domain));
    expect((await settledStatus(client, payment())).status).toBe('settled');
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const stages = entries.filter((entry) => entry.payment === payment()).map(({ stage }) => stage);
    expect(stages).toEqual(expect.arrayContaining(['proven', 'confirmed', 'sealed', 'settled']));
    expect(entries.every(({ part, level, time }) => part === 'node' && level === 'info' && typeof time === 'number')).toBe(true);
    expect(entries.some(({ payments }) => Array.isArray(payments) && payments.includes(payment()))).toBe(true);
  });

  it('serves metrics that agree with what happened', async () => {
    // On a busy machine Redis may not have answered in the time that this node gives it: then its part is left out.
    const text = await until(
      async () => (await get('/metrics')).text(),
      (page) => /^tacit_farm_workers 1$/m.test(page),
      'metrics of the farm',
    );
    expect(text).toMatch(/^tacit_transfers_ended_total\{state="settled"\} 1$/m);
    expect(text).toMatch(/^tacit_settlements_total 1$/m);
    expect(text).toMatch(/^tacit_farm_workers 1$/m);
    expect(text).toMatch(/^tacit_transfers\{state="queued"\} 0$/m);
    expect(text).toMatch(/^tacit_last_settlement_gas_per_transfer [1-9]\d+/m);
    expect(text).toMatch(/^tacit_farm_proving_seconds\{lane="update_2"\} 0\.001$/m);
    expect(text).toMatch(/^tacit_transfer_stage_seconds_count\{stage="settled"\} 1$/m);
  });

  it('says in words what an operator asks', async () => {
    const status = await until(
      async () => (await (await get('/status')).json()) as FarmStatus,
      ({ farm, problems }) => farm !== undefined && Object.keys(problems).length === 0,
      'a farm that answers',
    );
    const text = describeFarm(status);
    expect(text).toContain(`node of ${world.domain.contract} on chain 31337: all well`);
    expect(text).toMatch(/1 worker; \d tasks? open/);
    expect(text).toMatch(/Last {8}1 transfer in 0x[0-9a-f]{64}, \d+ gas, \d+ a transfer\n {12}cost 0\.\d{6} coins\n?$/);
  });

  it('shows the queue’s board to who knows the password, and lets nobody change a job', async () => {
    expect((await get('/queues/')).status).toBe(401);
    expect((await get('/queues/', basic('wrong'))).status).toBe(401);
    const page = await get('/queues/', basic(PASSWORD));
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<html');
    const retry = await fetch(`${watching.url}/queues/api/queues/update_2/retry/failed`, { method: 'PUT', headers: basic(PASSWORD) });
    expect(retry.status).toBe(405);
  });

  it('takes the operator’s word about a worker from who knows the password, and not from a page in his browser', async () => {
    const ban = (headers: Record<string, string>) => fetch(`${watching.url}/workers/0x${'ee'.repeat(20)}/ban`, { method: 'POST', headers });
    expect((await ban({})).status).toBe(401);
    expect((await ban({ ...basic(PASSWORD), origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await ban(basic(PASSWORD))).status).toBe(200);
  });

  it('sends a trace whose id is the payment’s', async () => {
    // Closing sends what waits; the server is opened again for the tests after this one.
    await watching.close();
    watching = await watchNode(
      node,
      { redisUrl: world.redis.url, domain: world.domain },
      { port: 0, host: '127.0.0.1' },
      processLog('node', 'text', { write: () => {} }),
    );
    const { traceId, rootSpanId } = paymentTrace(payment());
    const spans = collector.spans.filter((span) => span.traceId === traceId);
    const root = spans.find(({ spanId }) => spanId === rootSpanId);
    expect(root).toMatchObject({
      name: 'payment',
      service: 'tacit-node',
      attributes: { 'tacit.payment': payment(), 'tacit.status': 'settled' },
    });
    expect(root?.parentSpanId).toBeUndefined();
    const stages = spans.filter(({ parentSpanId }) => parentSpanId === rootSpanId);
    expect(stages.map(({ name }) => name)).toEqual(expect.arrayContaining(['proven', 'confirmed', 'sealed']));
    for (const { startMs, endMs } of stages) {
      expect(startMs).toBeGreaterThanOrEqual(root?.startMs ?? Number.NaN);
      expect(endMs).toBeLessThanOrEqual(root?.endMs ?? Number.NaN);
    }
  });

  it('is not ready while Redis does not answer, says so, and comes back by itself', async () => {
    const redis = new Redis(world.redis.url);
    await redis.client('PAUSE', PAUSE_MS, 'ALL');
    const answer = await until(
      () => get('/readyz'),
      ({ status }) => status === 503,
      'unready',
    );
    expect(await answer.json()).toMatchObject({ ok: false, parts: { queue: 'Redis does not answer' } });
    expect((await get('/healthz')).status).toBe(200);
    expect(await (await get('/metrics')).text()).toContain('tacit_transfers{state="queued"} 0');
    await until(
      () => get('/readyz'),
      ({ status }) => status === 200,
      'ready again',
    );
    redis.disconnect();
  });
});
