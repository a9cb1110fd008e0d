/** What becomes of tasks when the pool is closed or a thread dies under them. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isTacitError, type TacitError } from '../../protocol/errors.js';
import type { ThreadHandle } from '../../prover/engine/platform/platform.js';
import { createPool, type Pool } from '../../prover/engine/pool/pool.js';
import type { Task } from '../../prover/engine/pool/task.js';
import { MOST_THREADS } from '../../prover/engine/sizes.js';
import { Harness } from './harness.js';

/** Products of a task that takes some hundred milliseconds. */
const [MANY, TIMES] = [1_000_000, 5];

let pool: Pool | undefined;
afterEach(async () => {
  await pool?.close();
});

async function started(threads: number): Promise<{ pool: Pool; long: Task; short: Task }> {
  const harness = await Harness.create();
  const [a, b] = [harness.alloc(harness.elementBytes * (MANY + 1)), harness.alloc(64)];
  pool = await createPool(
    harness.instance,
    Array.from({ length: threads }, () => b),
  );
  const powers = (count: number, times: number): Task => ({
    type: 'calls',
    calls: Array.from({ length: times }, () => ['ntt_powers', a, count, b, b]),
  });
  return { pool, long: powers(MANY, TIMES), short: powers(1, 1) };
}

async function failure(work: Promise<unknown>): Promise<TacitError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTacitError(error, 'PROVE_FAILED')) throw new Error(`expected PROVE_FAILED, got ${String(error)}`);
  return error;
}

describe.each([1, 2])('%i thread(s)', (threads) => {
  it('closing ends tasks in hand and waiting, and later ones; closing twice is harmless', async () => {
    const { pool, long } = await started(threads);
    const tasks = Array.from({ length: 3 * threads }, () => failure(pool.submit(long, 0)));
    await Promise.all([pool.close(), pool.close()]);
    await Promise.all(tasks);
    await failure(pool.submit(long, 0));
    expect(pool.usable).toBe(false);
  });

  it('a thread that dies fails all tasks as retryable, and the pool for good', async () => {
    const { pool, long, short } = await started(threads);
    await pool.submit(short, 0);
    const tasks = Array.from({ length: 3 * threads }, () => failure(pool.submit(long, 0)));
    await (pool as unknown as { workers: ThreadHandle[] }).workers[0]?.terminate();
    for (const error of await Promise.all(tasks)) expect(error.retryable).toBe(true);
    expect(pool.usable).toBe(false);
    await failure(pool.submit(short, 0));
  });
});

it('a thread that tells nobody of its end, as in a page: closing ends the task in hand all the same', async () => {
  const { pool, long } = await started(1);
  const [worker] = (pool as unknown as { workers: ThreadHandle[] }).workers as [ThreadHandle];
  vi.spyOn(worker, 'terminate').mockResolvedValue();
  const task = failure(pool.submit(long, 0));
  await pool.close();
  await task;
  vi.restoreAllMocks();
  await worker.terminate();
});

it('numbers of threads that the module has no scratch for are refused', async () => {
  for (const threads of [0, MOST_THREADS + 1]) await expect(started(threads)).rejects.toThrow(RangeError);
});
