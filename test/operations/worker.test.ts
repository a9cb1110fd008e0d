/** A worker that is watched: metrics, health, the job in hand, its lines and spans under the payment's own id. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processLog } from '../../operations/logger.js';
import { paymentTrace } from '../../operations/traceIds.js';
import { type WorkerWatching, watchWorker } from '../../operations/workerOperations.js';
import { TacitError } from '../../protocol/errors.js';
import { observed } from '../../prover/observer.js';
import type { FarmAnswer, TransferJob, UpdateJob } from '../../queue/contracts.js';
import { type Collector, startCollector } from './collector.js';

const [PAYMENT, WORKER] = [`0x${'ab'.repeat(32)}`, `0x${'22'.repeat(20)}`];
const transfer = (name: string): TransferJob => ({
  kind: 'transfer',
  id: `t-${name}`,
  circuit: 'transfer_1',
  sealed: [
    {
      recordHash: PAYMENT,
      rosterId: `0x${'02'.repeat(32)}`,
      expiry: 4_000_000_000,
      recipients: [{ address: WORKER, ephemeral: `0x${'03'.repeat(32)}`, wrapped: `0x${'04'.repeat(48)}` }],
      nonce: `0x${'05'.repeat(24)}`,
      ciphertext: '0x0606',
    },
  ],
});
const update: UpdateJob = { kind: 'update', id: 'u-1', circuit: 'update_8', input: {} };
const proof: FarmAnswer = {
  circuit: 'transfer_1',
  proof: `0x${'00'.repeat(256)}`,
  h: `0x${'00'.repeat(32)}`,
  prover: WORKER,
  provingMs: 7,
};
const refusal: FarmAnswer = { worker: WORKER, refused: [{ index: 0, code: 'TRANSFER_T8' }], signature: `0x${'11'.repeat(65)}` };

let collector: Collector;
let watching: WorkerWatching;
let trouble: TacitError | undefined;
const lines: string[] = [];

beforeAll(async () => {
  collector = await startCollector();
  const leases = {
    check: async () => {
      if (trouble !== undefined) throw trouble;
    },
  };
  const log = processLog('worker', 'json', { write: (line: string) => void lines.push(line) });
  watching = await watchWorker(
    { leases, lanes: ['transfer_1', 'update_8'] },
    { port: 0, host: '127.0.0.1', collectorUrl: collector.url },
    log,
  );
});
afterAll(() => collector.stop());

const get = (path: string) => fetch(`${watching.url}${path}`);
const metric = async (name: string): Promise<number | undefined> => {
  const line = (await (await get('/metrics')).text()).split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};

describe('a worker that is watched', () => {
  it('tells zero of lanes without jobs, and the job in hand while it is', async () => {
    expect(await metric('tacit_worker_jobs_total{circuit="update_8",outcome="proved"}')).toBe(0);
    let finish: (answer: FarmAnswer) => void = () => {};
    const working = observed(transfer('1'), watching.observer, () => new Promise((resolve) => (finish = resolve)));
    expect(await (await get('/status')).json()).toMatchObject({
      lanes: ['transfer_1', 'update_8'],
      inHand: [{ job: 't-1', circuit: 'transfer_1', payments: [PAYMENT] }],
    });
    expect(await metric('tacit_worker_busy')).toBe(1);
    finish(proof);
    await working;
    expect(await metric('tacit_worker_busy')).toBe(0);
    expect(await (await get('/status')).json()).toMatchObject({ inHand: [] });
  });

  it('counts what was proved, refused and failed, by circuit and code', async () => {
    await observed(transfer('2'), watching.observer, async () => refusal);
    const fails = observed(update, watching.observer, async () => {
      throw new TacitError('PROVER_DIED', 'gone', { retryable: true });
    });
    await expect(fails).rejects.toMatchObject({ code: 'PROVER_DIED' });
    const jobs = (circuit: string, outcome: string) => metric(`tacit_worker_jobs_total{circuit="${circuit}",outcome="${outcome}"}`);
    expect([await jobs('transfer_1', 'proved'), await jobs('transfer_1', 'refused'), await jobs('update_8', 'failed')]).toEqual([1, 1, 1]);
    expect(await metric('tacit_worker_failures_total{code="PROVER_DIED"}')).toBe(1);
    expect(await metric('tacit_worker_proving_seconds_count{circuit="transfer_1"}')).toBe(1);
  });

  it('is ready while jobs can be had, and says why not', async () => {
    expect((await get('/readyz')).status).toBe(200);
    trouble = new TacitError('NODE_UNREACHABLE', 'cannot reach the node', { retryable: true });
    const answer = await get('/readyz');
    expect([answer.status, await answer.json()]).toEqual([503, { ok: false, parts: { queue: 'cannot reach the node' } }]);
    expect((await get('/healthz')).status).toBe(200);
    trouble = undefined;
  });

  it('writes lines and sends spans under the payment’s id, below the node’s root', async () => {
    await watching.close();
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.filter(({ payment }) => payment === PAYMENT).length).toBeGreaterThan(0);
    expect(entries.every(({ part }) => part === 'worker')).toBe(true);
    const { traceId, rootSpanId } = paymentTrace(PAYMENT);
    const spans = collector.spans.filter((span) => span.traceId === traceId);
    expect(spans.map(({ name, service, parentSpanId, attributes }) => [name, service, parentSpanId, attributes['tacit.outcome']])).toEqual([
      ['prove transfer_1', 'tacit-worker', rootSpanId, 'proved'],
      ['prove transfer_1', 'tacit-worker', rootSpanId, 'refused'],
    ]);
  });
});
