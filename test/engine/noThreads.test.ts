/** Where memory cannot be shared (a page that is not isolated): the same pool on the calling thread. */
import { afterAll, expect, it, vi } from 'vitest';
import { isTacitError } from '../../protocol/errors.js';
import { createPool } from '../../prover/engine/pool/pool.js';
import type { Task } from '../../prover/engine/pool/task.js';
import { Harness } from './harness.js';

// Before anything is emitted: the module says whether its memory is shared.
vi.stubGlobal('crossOriginIsolated', false);
afterAll(() => {
  vi.unstubAllGlobals();
});

it('tasks are done one by one; once it is closed, none is', async () => {
  const harness = await Harness.create();
  const at = harness.alloc(harness.elementBytes);
  const pool = await createPool(harness.instance, [harness.alloc(64), harness.alloc(64)]);
  expect(pool.threads).toBe(1);
  const task: Task = { type: 'calls', calls: [['ntt_powers', at, 1, at, at]] };
  expect(await pool.submit(task, 0)).toBeGreaterThanOrEqual(0);
  const waiting = [pool.submit(task, 0), pool.submit(task, 1)].map((work) => work.catch((reason: unknown) => reason));
  await pool.close();
  for (const refused of [...(await Promise.all(waiting)), await pool.submit(task, 0).catch((reason: unknown) => reason)]) {
    expect(isTacitError(refused, 'PROVE_FAILED')).toBe(true);
  }
  expect(pool.usable).toBe(false);
});
