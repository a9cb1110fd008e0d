import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { fieldFromBytes, fieldToBytes } from '../../protocol/field.js';
import { publicInputsOf, publicSignals, transferList } from '../../protocol/fingerprint.js';
import { isValidGroth16 } from '../../protocol/groth16.js';
import { decodeProof } from '../../protocol/proof.js';
import { decodeTransferWitness, encodeTransferWitness } from '../../protocol/transfer.js';
import { vkeyFromSnarkjs } from '../../protocol/vkey.js';
import { verifyingKeyHash } from '../../protocol/vkeyHash.js';
import { startWorker } from '../../prover/worker.js';
import { WorkerKeys } from '../../prover/workerKeys.js';
import { openBullLeases } from '../../queue/bullLeases.js';
import { type FarmRefusal, type FarmResult, parseFarmAnswer, parseFarmResult } from '../../queue/contracts.js';
import { FarmQueue } from '../../queue/farm.js';
import { farmPrefix, type Lane } from '../../queue/farmOptions.js';
import { type RunningRedis, startRedis } from '../../queue/redis.js';
import { isGenuineRefusal } from '../../queue/refusal.js';
import { isGenuineProgress, isGenuineResult } from '../../queue/statements.js';
import { DOMAIN, envelope, sealedTransfer, secretsOf, settled, spawnWorker, transferJob, updateJob } from './farmSupport.js';

const NOW = Math.floor(Date.now() / 1000);
let redis: RunningRedis;
let farm: FarmQueue;
let scratch: string;
const log: string[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tacit-farm-'));
  redis = await startRedis({ url: '', dir: join(scratch, 'redis') });
  farm = await FarmQueue.open({ redisUrl: redis.url, domain: DOMAIN, lanes: ['transfer_1', 'transfer_8', 'update_2'] });
});

afterAll(async () => {
  await farm.close();
  await redis.stop();
  await rm(scratch, { recursive: true, force: true });
});

const leasesOf = ({ address }: WorkerKeys, lanes: readonly Lane[]) =>
  openBullLeases({ redisUrl: redis.url, domain: DOMAIN, lanes, name: address, worker: address });
const worker = async (keys: WorkerKeys, lanes: readonly Lane[] = ['transfer_1']) =>
  startWorker({
    leases: await leasesOf(keys, lanes),
    domain: DOMAIN,
    keys,
    lanes,
    artifacts,
    threads: 1,
    log: (line) => log.push(line),
  });
// The large circuit's keys are not built for this: its jobs here are refused before anything is proven.
const artifacts = (circuit: Lane) => resolveArtifacts(circuit === 'transfer_8' ? 'transfer_1' : circuit);

/** The verdict of an aggregator: the list it knows, the proof it was given. */
async function holds(job: ReturnType<typeof sealedTransfer>, result: FarmResult): Promise<boolean> {
  const x = transferList(job.witness.anchor, result.prover, [job.witness.record], DOMAIN);
  const inputs = publicInputsOf(CIRCUITS.transfer_1.id, fieldFromBytes(hexToBytes(result.h)), x, DOMAIN);
  const { vkey } = await resolveArtifacts('transfer_1');
  return isValidGroth16(vkeyFromSnarkjs(vkey), publicSignals(inputs), decodeProof(hexToBytes(result.proof)));
}

describe('a farm of real workers', () => {
  it('A15, A16 honest: proves a sealed transfer and an update, and says when it has checked', async () => {
    const keys = WorkerKeys.inMemory(NOW);
    const running = await worker(keys, ['transfer_1', 'update_2']);
    const transfer = sealedTransfer('honest', [keys]);
    const kinds: string[] = [];
    const unsubscribe = await farm.onEvent(({ kind, id }) => kinds.push(`${kind} ${id}`));
    const jobs = [transferJob('honest', transfer.sealed), updateJob('honest')];
    for (const job of jobs) await farm.publish(envelope(job));
    const [proven, updated] = await Promise.all(jobs.map((job) => settled(farm, job.id)));
    expect([proven, updated]).toMatchObject([{ state: 'done' }, { state: 'done' }]);
    const result = parseFarmResult(proven?.state === 'done' ? proven.result : undefined);
    expect(result.prover).toBe(keys.address);
    expect(await holds(transfer, result)).toBe(true);
    expect(isGenuineProgress('transfer-honest', (await farm.progress('transfer-honest'))!, DOMAIN)).toBe(true);
    expect(isGenuineResult(jobs[0]!, result, DOMAIN)).toBe(true);
    expect(isGenuineResult(jobs[1]!, result, DOMAIN)).toBe(false);
    expect(kinds).toContain('checked transfer-honest');
    expect(kinds.indexOf('checked transfer-honest')).toBeLessThan(kinds.indexOf('done transfer-honest'));
    unsubscribe();
    await running.drain();
  });

  it('announces itself, signed, and leaves the board when it drains', async () => {
    const keys = WorkerKeys.inMemory(NOW);
    const running = await worker(keys);
    expect(await farm.workers()).toMatchObject([{ address: keys.address, sealKey: keys.sealKey.publicKey, lanes: ['transfer_1'] }]);
    const client = new Redis(redis.url);
    const forged = { ...(await farm.workers())[0], sealKey: `0x${'01'.repeat(32)}` };
    const key = `${farmPrefix(DOMAIN)}:workers:${keys.address}`;
    await client.set(key, JSON.stringify(forged));
    expect(await farm.workers()).toEqual([]);
    client.disconnect();
    await running.drain();
  });

  it('A15: a job whose worker is killed in the middle is finished by another within seconds', async () => {
    const [first, second] = await Promise.all([1, 2].map((n) => WorkerKeys.load(join(scratch, `keys-${n}`), NOW)));
    const job = transferJob('killed', sealedTransfer('killed', [first!, second!]).sealed);
    const doomed = await spawnWorker(redis.url, join(scratch, 'keys-1'), 'transfer_1');
    await farm.publish(envelope(job));
    await checkedBy(job.id, first!.address);
    doomed.process.kill('SIGKILL');
    const killedAt = Date.now();
    const heir = await spawnWorker(redis.url, join(scratch, 'keys-2'), 'transfer_1');
    await checkedBy(job.id, second!.address);
    const resumedAfterMs = Date.now() - killedAt;
    const outcome = await settled(farm, job.id);
    expect(outcome.state === 'done' && parseFarmResult(outcome.result).prover).toBe(second!.address);
    log.push(`resumed after ${resumedAfterMs} ms`, doomed.output(), heir.output());
    const ended = new Promise((resolve) => heir.process.once('exit', resolve));
    heir.process.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('a worker told to stop gives its job back at once', async () => {
    const [first, second] = [WorkerKeys.inMemory(NOW), WorkerKeys.inMemory(NOW)];
    const job = transferJob('stopped', sealedTransfer('stopped', [first, second]).sealed);
    const leaving = await worker(first);
    await farm.publish(envelope(job));
    await checkedBy(job.id, first.address);
    await leaving.stop();
    const staying = await worker(second);
    const outcome = await settled(farm, job.id);
    expect(outcome.state === 'done' && parseFarmResult(outcome.result).prover).toBe(second.address);
    await staying.drain();
  });
});

describe('A15: workers that do not do their work', () => {
  it('A15: a machine that computes wrongly hands nothing over, and another finishes the job', async () => {
    const [faulty, sound] = [WorkerKeys.inMemory(NOW), WorkerKeys.inMemory(NOW)];
    const { vkey } = await resolveArtifacts('update_2');
    // Its own check fails, as with faulty memory: here because it checks with another key.
    const artifacts = async () => ({ ...(await resolveArtifacts('transfer_1')), vkey });
    const broken = await startWorker({
      leases: await leasesOf(faulty, ['transfer_1']),
      domain: DOMAIN,
      keys: faulty,
      lanes: ['transfer_1'],
      artifacts,
      threads: 1,
      log: (line) => log.push(line),
    });
    const transfer = sealedTransfer('faulty', [faulty, sound]);
    const job = transferJob('faulty', transfer.sealed);
    await farm.publish(envelope(job));
    const client = new Redis(redis.url);
    const key = `${farmPrefix(DOMAIN)}:transfer_1:${job.id}`;
    while (Number((await client.hget(key, 'atm')) ?? 0) < 1) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await client.hget(key, 'failedReason')).toBe('PROOF_INVALID: may pass');
    client.disconnect();
    await broken.stop();
    const mending = await worker(sound);
    const outcome = await settled(farm, job.id);
    const result = parseFarmResult(outcome.state === 'done' ? outcome.result : undefined);
    expect([result.prover, await holds(transfer, result)]).toEqual([sound.address, true]);
    await mending.drain();

    // What a liar could hand over instead: garbage, another job's proof, this proof under another name.
    const other = sealedTransfer('another job', [sound]);
    expect(await holds(other, result)).toBe(false);
    expect(await holds(transfer, { ...result, prover: faulty.address })).toBe(false);
    expect(await holds(transfer, { ...result, h: `0x${'00'.repeat(31)}01` })).toBe(false);
    expect(await holds(transfer, { ...result, proof: `0x${'00'.repeat(256)}` })).toBe(false);
    const swapped = `${result.proof.slice(0, -1)}${result.proof.endsWith('0') ? '1' : '0'}`;
    expect(await holds(transfer, { ...result, proof: swapped })).toBe(false);
  });
});

describe('A16: what a hostile queue can try', () => {
  it('A16: tampered, expired, mis-addressed, replayed and false jobs are refused by name', async () => {
    const [mine, others] = [WorkerKeys.inMemory(NOW), WorkerKeys.inMemory(NOW)];
    const running = await worker(mine);
    const honest = sealedTransfer('refused', [mine]);
    const { sealed } = honest;
    const flipped = `${sealed.ciphertext.slice(0, -1)}${sealed.ciphertext.endsWith('0') ? '1' : '0'}`;
    const other = sealedTransfer('another record', [mine]);
    const falseWitness = sealedTransfer('false', [mine], { witness: { anchor: 5n } });
    const attempts: [string, typeof sealed, string][] = [
      ['tampered', { ...sealed, ciphertext: flipped }, 'SEAL_TAMPERED'],
      ['other-roster', { ...sealed, rosterId: `0x${'00'.repeat(32)}` }, 'SEAL_TAMPERED'],
      ['longer', { ...sealed, expiry: sealed.expiry + 1 }, 'SEAL_TAMPERED'],
      ['replayed', { ...sealed, recordHash: other.id }, 'SEAL_TAMPERED'],
      ['expired', sealedTransfer('late', [mine], { expiry: NOW - 1 }).sealed, 'SEAL_EXPIRED'],
      ['readdressed', { ...sealedTransfer('theirs', [others]).sealed, recipients: [{ ...sealed.recipients[0]! }] }, 'SEAL_TAMPERED'],
      ['false', falseWitness.sealed, 'TRANSFER_T3'],
    ];
    for (const [name, job] of attempts) await farm.publish(envelope(transferJob(name, job)));
    for (const [name, job, expected] of attempts) {
      const genuine = (answer: FarmRefusal, of = transferJob(name, job)) => isGenuineRefusal(of, answer, DOMAIN);
      const refusal = await refusalOf(`transfer-${name}`);
      expect([name, refusal.worker, refusal.refused]).toEqual([name, mine.address, [{ index: 0, code: expected }]]);
      expect(genuine(refusal)).toBe(true);
      expect(genuine(refusal, transferJob('other', job))).toBe(false);
      // Somebody had changed the job in Redis: the refusal is of what was there, not of what the node put there.
      expect(genuine(refusal, transferJob(name, { ...job, nonce: `0x${'0e'.repeat(24)}` }))).toBe(false);
      expect(genuine(refusal, { ...transferJob(name, job), anchor: `0x${'0e'.repeat(32)}` })).toBe(false);
      expect(genuine({ ...refusal, worker: others.address })).toBe(false);
      expect(genuine({ ...refusal, refused: [{ index: 1, code: expected }] })).toBe(false);
    }
    await farm.publish(envelope(transferJob('honest-twin', sealed)));
    expect(await settled(farm, 'transfer-honest-twin')).toMatchObject({ state: 'done' });
    await running.drain();
  });

  it('A16: of eight the false ones are named, and nothing is proven; another root than the wallet said is refused', async () => {
    const keys = WorkerKeys.inMemory(NOW);
    const running = await worker(keys, ['transfer_8']);
    const group = Array.from({ length: 8 }, (_, i) =>
      sealedTransfer(`of eight ${i}`, [keys], i % 3 === 1 ? { witness: { anchor: 5n } } : {}),
    );
    const job = {
      kind: 'transfer' as const,
      id: 'transfer-eight',
      circuit: 'transfer_8' as const,
      sealed: group.map(({ sealed }) => sealed),
    };
    await farm.publish(envelope(job));
    expect((await refusalOf(job.id)).refused).toEqual([1, 4, 7].map((index) => ({ index, code: 'TRANSFER_T3' })));
    const anchored = { ...job, id: 'transfer-anchored', anchor: bytesToHex(fieldToBytes(group[0]!.witness.anchor)) };
    await farm.publish(envelope(anchored));
    const { refused } = await refusalOf(anchored.id);
    expect(refused.map(({ code }) => code).filter((code) => code !== 'TRANSFER_T3')).toEqual([
      'SEAL_ANCHOR',
      'SEAL_ANCHOR',
      'SEAL_ANCHOR',
      'SEAL_ANCHOR',
    ]);
    await running.drain();
  });

  it('leaves a job to others when it is asked to', async () => {
    const [refuser, other] = [WorkerKeys.inMemory(NOW), WorkerKeys.inMemory(NOW)];
    const first = await worker(refuser);
    const job = { ...transferJob('second-opinion', sealedTransfer('opinion', [refuser, other]).sealed), avoid: [refuser.address] };
    await farm.publish(envelope(job));
    const second = await worker(other);
    const outcome = await settled(farm, job.id);
    expect(outcome.state === 'done' && parseFarmResult(outcome.result).prover).toBe(other.address);
    await Promise.all([first.drain(), second.drain()]);
  });

  it('a job of another version of its circuit waits for a worker that has the key', async () => {
    const keys = WorkerKeys.inMemory(NOW);
    const running = await worker(keys);
    const { sealed } = sealedTransfer('versioned', [keys]);
    const other = { ...transferJob('other-version', sealed), key: `0x${'ab'.repeat(32)}` };
    await farm.publish(envelope(other));
    const client = new Redis(redis.url);
    const taken = async () => Number((await client.hget(`${farmPrefix(DOMAIN)}:transfer_1:${other.id}`, 'ats')) ?? 0);
    while ((await taken()) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    client.disconnect();
    expect((await farm.outcome(other.id)).state).not.toBe('failed');
    // Its own version is proven meanwhile.
    const { vkey } = await resolveArtifacts('transfer_1');
    await farm.publish(envelope({ ...transferJob('own-version', sealed), key: verifyingKeyHash(vkeyFromSnarkjs(vkey)) }));
    expect((await settled(farm, 'transfer-own-version')).state).toBe('done');
    await running.drain();
    await farm.forget(other.id);
  });

  it('A16: a job for somebody else waits for them', async () => {
    const [mine, others] = [WorkerKeys.inMemory(NOW), WorkerKeys.inMemory(NOW)];
    const wrong = await worker(mine);
    const job = transferJob('theirs', sealedTransfer('for others', [others]).sealed);
    await farm.publish(envelope(job));
    const client = new Redis(redis.url);
    const key = `${farmPrefix(DOMAIN)}:transfer_1:${job.id}`;
    // The wrong worker has looked at it and put it back.
    while (Number((await client.hget(key, 'ats')) ?? 0) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    client.disconnect();
    expect((await farm.outcome(job.id)).state).not.toBe('failed');
    const right = await worker(others);
    const outcome = await settled(farm, job.id);
    expect(outcome.state === 'done' && parseFarmResult(outcome.result).prover).toBe(others.address);
    await Promise.all([wrong.drain(), right.drain()]);
  });

  it('A16: no witness is readable in Redis, in its files or in the workers’ logs', async () => {
    const client = new Redis(redis.url);
    await client.bgrewriteaof();
    const values: Buffer[] = [];
    for (const key of await client.keys('*')) values.push(Buffer.from(key), await plainBytes(client, key));
    client.disconnect();
    const files = await readdir(join(scratch, 'redis'), { recursive: true, withFileTypes: true });
    for (const file of files) if (file.isFile()) values.push(await readFile(join(file.parentPath, file.name)));
    const haystack = Buffer.concat([...values, Buffer.from(log.join('\n'))]);
    expect(haystack.length).toBeGreaterThan(50_000);
    expect(haystack.includes('transfer-honest')).toBe(true);
    // The search would find a witness that lay open.
    const open = encodeTransferWitness(sealedTransfer('honest', [WorkerKeys.inMemory(NOW)]).witness);
    expect(secretsOf(decodeTransferWitness(open)).filter((secret) => open.includes(secret)).length).toBeGreaterThan(5);
    for (const label of ['honest', 'killed', 'stopped', 'refused', 'false']) {
      for (const secret of secretsOf(sealedTransfer(label, [WorkerKeys.inMemory(NOW)]).witness))
        expect(haystack.includes(secret)).toBe(false);
    }
  });

  it('A16: a flushed Redis forgets the job, and publishing again is enough', async () => {
    const keys = WorkerKeys.inMemory(NOW);
    const job = transferJob('flushed', sealedTransfer('flushed', [keys]).sealed);
    await farm.publish(envelope(job));
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
    expect(await farm.outcome(job.id)).toEqual({ state: 'absent' });
    await farm.publish(envelope(job));
    const running = await worker(keys);
    expect(await settled(farm, job.id)).toMatchObject({ state: 'done' });
    await running.drain();
  });
});

async function refusalOf(id: string): Promise<FarmRefusal> {
  const outcome = await settled(farm, id);
  const answer = parseFarmAnswer(outcome.state === 'done' ? outcome.result : undefined);
  if (!('refused' in answer)) throw new Error(`${id} was proven`);
  return answer;
}

async function checkedBy(id: string, address: string): Promise<void> {
  while ((await farm.progress(id))?.worker !== address) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function plainBytes(client: Redis, key: string): Promise<Buffer> {
  const type = await client.type(key);
  if (type === 'hash') return Buffer.from(JSON.stringify(await client.hgetall(key)));
  if (type === 'stream') return Buffer.from(JSON.stringify(await client.xrange(key, '-', '+')));
  if (type === 'string') return Buffer.from((await client.get(key)) ?? '');
  return Buffer.alloc(0);
}
