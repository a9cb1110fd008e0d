import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { TacitError } from '../../protocol/errors.js';
import { WorkerKeys } from '../../prover/workerKeys.js';
import { replayJob } from '../../prover/workerReplay.js';
import { openBullLeases } from '../../queue/bullLeases.js';
import { type ExportedJob, exportJob, parseExportedJob } from '../../queue/exportedJob.js';
import { FarmQueue } from '../../queue/farm.js';
import { consumeFarm } from '../../queue/farmWorker.js';
import { type RunningRedis, startRedis } from '../../queue/redis.js';
import { code } from './code.js';
import { DOMAIN, envelope, sealedTransfer, secretsOf, settled, transferJob, updateJob } from './farmSupport.js';

const run = promisify(execFile);
const NOW = Math.floor(Date.now() / 1000);
let redis: RunningRedis;
let scratch: string;
let keys: WorkerKeys;
let keyFile: string;
/** A transfer and an update that a worker without memory gave up, as the operator exports them. */
const exported: Record<string, ExportedJob> = {};

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tacit-replay-'));
  redis = await startRedis({ url: '', dir: join(scratch, 'redis') });
  keyFile = join(scratch, 'worker.json');
  keys = await WorkerKeys.load(keyFile, NOW);
  const lanes = ['transfer_1', 'update_2'] as const;
  const farm = await FarmQueue.open({ redisUrl: redis.url, domain: DOMAIN, lanes });
  const leases = await openBullLeases({ redisUrl: redis.url, domain: DOMAIN, lanes, name: 'failing', worker: keys.address });
  const consumer = consumeFarm({
    leases,
    lanes,
    handler: async () => {
      throw new TacitError('PROVE_FAILED', 'no memory');
    },
  });
  for (const job of [transferJob('lost', sealedTransfer('replayed', [keys]).sealed), updateJob('lost')]) {
    await farm.publish(envelope(job));
    expect((await settled(farm, job.id)).state).toBe('failed');
    const found = await farm.deadLetter(job.id);
    if (found === undefined) throw new Error(`no dead letter ${job.id}`);
    exported[job.kind] = parseExportedJob(JSON.parse(JSON.stringify(exportJob(found.job, found.letter, DOMAIN))));
  }
  expect(await farm.deadLetter('update-unknown')).toBeUndefined();
  await consumer.drain();
  await leases.close();
  await farm.close();
  await redis.stop();
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const options = async () => ({ artifacts: await resolveArtifacts('transfer_1'), backend: 'wasm' as const, threads: 1 });

describe('a failed job, done again without the farm', () => {
  it('A16: is proven from its file, and neither screen nor files tell what it holds', async () => {
    const file = join(scratch, 'job.json');
    await writeFile(file, JSON.stringify(exported.transfer));
    const before = await readFile(keyFile, 'utf8');
    const { stdout, stderr } = await run(process.execPath, [
      'dist/cli/main.js',
      'worker',
      'replay',
      file,
      '--keys',
      keyFile,
      '--threads',
      '1',
    ]);
    expect(stdout).toContain('PROVE_FAILED: final');
    expect(stdout).toContain('here the job can be done');
    expect(stdout).toContain(sealedTransfer('replayed', [keys]).id);
    const told = `${stdout}${stderr}${await readFile(file, 'utf8')}`;
    for (const secret of secretsOf(sealedTransfer('replayed', [keys]).witness)) expect(told.includes(secret)).toBe(false);
    expect(await readFile(keyFile, 'utf8')).toBe(before);
  }, 300_000);

  it('says at which step it cannot be done, and which member is to blame', async () => {
    const transfer = exported.transfer as ExportedJob;
    const { sealed } = sealedTransfer('replayed', [keys]);
    const flipped = `${sealed.ciphertext.slice(0, -1)}${sealed.ciphertext.endsWith('0') ? '1' : '0'}`;
    const others = WorkerKeys.inMemory(NOW);
    const late = { ...transfer, failure: { ...transfer.failure, failedAtMs: 1_000 * (sealed.expiry + 1) } };
    const fake = sealedTransfer('replayed false', [keys], { witness: { anchor: 5n } }).sealed;
    const cases: [string, ExportedJob, WorkerKeys, unknown][] = [
      ['tampered', { ...transfer, job: transferJob('x', { ...sealed, ciphertext: flipped }) }, keys, 'SEAL_TAMPERED'],
      ['late', late, keys, 'SEAL_EXPIRED'],
      ['false', { ...transfer, job: transferJob('x', fake) }, keys, 'TRANSFER_T3'],
      ['another chain', { ...transfer, chainId: '7' }, keys, 'SEAL_TAMPERED'],
    ];
    for (const [name, job, worker, expected] of cases) {
      const report = await replayJob(job, worker, await options());
      expect([name, report.done, report.code, report.refused]).toEqual([name, ['addressed'], 'REFUSED', [{ index: 0, code: expected }]]);
    }
    expect(await replayJob(transfer, others, await options())).toMatchObject({ done: [], code: 'SEAL_RECIPIENT' });
    const update = exported.update as ExportedJob;
    const versioned = { ...update, job: { ...update.job, key: `0x${'ab'.repeat(32)}` } };
    expect(await replayJob(versioned, keys, await options())).toMatchObject({ done: [], payments: [], code: 'ARTIFACT_KEY' });
  });

  it('a file that is none is refused, and so are keys that are not there', async () => {
    const { job, ...rest } = exported.update as ExportedJob;
    expect(await code(() => parseExportedJob({ ...rest, job: { ...job, kind: 'other' } }))).toBe('JOB_MALFORMED');
    expect(await code(() => parseExportedJob({ ...rest, job, more: 1 }))).toBe('JOB_FILE');
    expect(await code(() => WorkerKeys.read(join(scratch, 'absent.json')))).toBe('FILE_MISSING');
  });
});
