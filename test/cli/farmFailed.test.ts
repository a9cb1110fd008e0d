/** `tacit farm failed`: what gave up is listed with its reason, and comes out as a file that a worker can replay. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TacitError } from '../../protocol/errors.js';
import { openBullLeases } from '../../queue/bullLeases.js';
import { parseExportedJob } from '../../queue/exportedJob.js';
import { FarmQueue } from '../../queue/farm.js';
import { consumeFarm } from '../../queue/farmWorker.js';
import { makeWorld, type World } from '../aggregator/world.js';
import { envelope, settled, updateJob } from '../prover/farmSupport.js';

const run = promisify(execFile);
const WORKER = `0x${'22'.repeat(20)}`;
let world: World;

beforeAll(async () => {
  world = await makeWorld();
}, 60_000);
afterAll(() => world?.stop(), 60_000);

function tacit(...args: string[]): Promise<{ stdout: string }> {
  const place = ['--rpc', world.anvil.rpcUrl, '--contract', world.rollup.address];
  return run(process.execPath, ['dist/cli/main.js', 'farm', 'failed', ...args, ...place], {
    env: { ...process.env, REDIS_URL: world.redis.url },
  });
}

it('lists and exports', async () => {
  expect((await tacit('list')).stdout).toBe('none\n');
  const place = { redisUrl: world.redis.url, domain: world.domain, lanes: ['update_2'] as const };
  const farm = await FarmQueue.open(place);
  const leases = await openBullLeases({ ...place, name: 'failing', worker: WORKER });
  const handler = async () => {
    throw new TacitError('ARTIFACT_HASH', 'no');
  };
  const consumer = consumeFarm({ leases, lanes: place.lanes, handler });
  const job = updateJob('hopeless');
  await farm.publish(envelope(job));
  expect((await settled(farm, job.id)).state).toBe('failed');
  await consumer.drain();
  await leases.close();
  await farm.close();
  expect((await tacit('list')).stdout).toMatch(/update_2 +update-hopeless {2}ARTIFACT_HASH: final \(1 tried, 0 died\)/);
  const file = parseExportedJob(JSON.parse((await tacit('export', job.id)).stdout));
  expect(file).toMatchObject({ chainId: '31337', contract: world.domain.contract, failure: { reason: 'ARTIFACT_HASH: final' } });
  expect(file.job).toEqual(job);
  await expect(tacit('export', 'update-unknown')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('JOB_UNKNOWN') });
}, 120_000);
