/**
 * A16: a whole run with known secrets, and then a search for them wherever a run leaves anything: Redis (append-only file,
 * snapshot, keys, command log), logs, error texts, journal, wallet folder, temporary folder, arguments and environments of
 * all processes, traces, answers of the node. Everything is real: Redis, node, worker, wallet commands, proofs, chain.
 *
 * At the end the secrets are planted in each of these places, so that a search that finds nothing is known to look there.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entropyToMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../circuits/paths.js';
import { wtnsOf } from '../../circuits/wtns.js';
import { openWallet } from '../../client/openWallet.js';
import { noteSecrets } from '../../client/scan.js';
import { type Devnet, startDevnet } from '../../devnet/network.js';
import { hexToBytes } from '../../protocol/bytes.js';
import { mnemonicToSeed } from '../../protocol/mnemonic.js';
import { recordHash } from '../../protocol/record.js';
import { sealJob } from '../../protocol/seal.js';
import { encodeTransferWitness, type TransferWitness } from '../../protocol/transfer.js';
import { parseFarmAnswer } from '../../queue/contracts.js';
import { FarmQueue } from '../../queue/farm.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { SeededBytes, USUAL, witness, world } from '../protocol/walletSupport.js';
import { envelope, settled, transferJob } from '../prover/farmSupport.js';
import { folderBytes, ProcessWatch, redisBytes, startCollector, startRecordingRedis } from './haystacks.js';
import { found, type Secret, secretBytes, secretNumber, secretText } from './needles.js';

const random = new SeededBytes('canaries');
const ENTROPY = random.bytes(32);
const PHRASE = entropyToMnemonic(ENTROPY, wordlist);
const WORDS = PHRASE.split(' ');
/** A valid word in the wrong place: the checksum fails. */
const WRONG_PHRASE = [...WORDS.slice(1), WORDS[0]].join(' ');
const [PASSPHRASE, WRONG_PASSPHRASE] = ['Canary-Passphrase-8c41d0', 'Canary-Wrong-Guess-77e2b9'];
/** Deposits are public; what is paid out of them is not. */
const [DEPOSIT, PAID_BY_FARM, PAID_AT_HOME] = ['90000000', '73190246.815937264018275936', '51827364.918273645546372819'];
const PLACES_SHOWN_TO_THE_OWNER = new Set(['wallet commands']);
const MARKER = `TACIT_CANARY_RUN=${randomBytes(8).toString('hex')}`;

let dir = '';
let redis: Awaited<ReturnType<typeof startRecordingRedis>>;
let collector: Awaited<ReturnType<typeof startCollector>>;
let devnet: Devnet;
let watch: ProcessWatch;
const outputs: string[] = [];
const poisoned: TransferWitness = witness(world('poison', USUAL), USUAL);
const secrets: Secret[] = [];
const before = { ...process.env };
const at = (...parts: string[]): string => join(dir, ...parts);

function secretFile(name: string, text: string): string {
  writeFileSync(at('hand', name), `${text}\n`, { mode: 0o600 });
  chmodSync(at('hand', name), 0o600);
  return at('hand', name);
}

/** One command of the command line, as a person runs it. @returns its exit code */
function tacit(...args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'cli', 'main.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => outputs.push(chunk.toString('latin1')));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? -1));
    watch.look();
  });
}

const wallet = (command: string, ...args: string[]): Promise<number> =>
  tacit('wallet', command, '--wallet', at('wallet', 'canary'), '--passphrase-file', at('hand', 'pass'), ...args);
const onChain = (): string[] => ['--rpc', devnet.rpcUrl, '--confirmations', '0'];
const paying = (amount: string, ...args: string[]): Promise<number> =>
  wallet(
    'pay',
    ...onChain(),
    '--node',
    devnet.nodeUrl,
    '--to',
    readFileSync(at('hand', 'payee'), 'utf8').trim(),
    '--amount',
    amount,
    ...args,
  );

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tacit-secrets-'));
  for (const folder of ['redis', 'tmp', 'wallet', 'hand', 'net']) mkdirSync(at(folder));
  redis = await startRecordingRedis(at('redis'));
  collector = await startCollector();
  const [name, value] = MARKER.split('=') as [string, string];
  Object.assign(process.env, {
    REDIS_URL: redis.url,
    TMPDIR: at('tmp'),
    TACIT_DEBUG: '1',
    [name]: value,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  watch = new ProcessWatch(MARKER);
  devnet = await startDevnet({ dir: at('net'), workers: 1, sealAfterMs: 2_000 });
}, 300_000);

afterAll(async () => {
  watch?.stop();
  await devnet?.stop();
  await collector?.stop();
  await redis?.stop();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  rmSync(dir, { recursive: true, force: true });
});

async function haystacks(): Promise<Map<string, Buffer>> {
  const node = new GatewayClient(devnet.nodeUrl);
  const answers = [await node.info(), await node.roster(), await node.quote(0), await node.leafPage(0), await node.health()];
  const statuses = await Promise.all(
    (outputs.join('').match(/transfer 0x[0-9a-f]{64}/g) ?? []).map((line) => node.status(line.slice('transfer '.length))),
  );
  return new Map([
    ['the keys and the command log of Redis', await redisBytes(redis.url)],
    ['the files of Redis', folderBytes(at('redis'))],
    ['logs of node and worker', folderBytes(at('net', 'logs'))],
    ['wallet commands', Buffer.from(outputs.join(''), 'latin1')],
    ['the journal', folderBytes(at('net', 'node'))],
    ['the wallet folder', folderBytes(at('wallet'))],
    ['the temporary folder', folderBytes(at('tmp'))],
    ['arguments and environments', watch.bytes()],
    ['traces', collector.bytes()],
    ['answers of the node', Buffer.from(JSON.stringify([...answers, ...statuses]))],
  ]);
}

/** Everything that nobody but the wallet, and where so chosen a worker, may know. */
async function collectSecrets(): Promise<void> {
  const seed = mnemonicToSeed(PHRASE);
  const runs = WORDS.map((_, i) => WORDS.slice(i, i + 4).join(' ')).filter((run) => run.split(' ').length === 4);
  secrets.push(
    secretText('recovery phrase', PHRASE, runs),
    secretText('mistyped phrase', WRONG_PHRASE),
    secretBytes('seed', seed),
    secretBytes('entropy', ENTROPY),
  );
  secrets.push(secretText('passphrase', PASSPHRASE), secretText('wrong passphrase', WRONG_PASSPHRASE));
  const opened = await openWallet({ path: at('wallet', 'canary'), passphrase: PASSPHRASE });
  try {
    const keys = opened.account(0);
    secrets.push(secretNumber('spend scalar', keys.spend), secretNumber('nullifier scalar', keys.nullifier));
    secrets.push(
      secretBytes('view key', keys.view),
      secretBytes('outgoing key', keys.outgoing),
      secretBytes('nonce prefix', keys.noncePrefix),
    );
    opened.state.notes.forEach((note, i) => {
      const { aPrime, nPrime } = noteSecrets(keys, note);
      secrets.push(secretNumber(`one-time spend key ${i}`, aPrime), secretNumber(`one-time nullifier key ${i}`, nPrime));
      if (note.label === 'transfer') secrets.push(secretNumber(`amount of note ${i}`, BigInt(note.value), 'amount'));
    });
    for (const { e, value } of opened.state.transfers)
      secrets.push(secretBytes('one-time secret', hexToBytes(e)), secretNumber('amount paid', BigInt(value), 'amount'));
    expect(opened.state.notes.filter(({ label }) => label === 'transfer').length).toBeGreaterThanOrEqual(3);
  } finally {
    await opened.close();
  }
  for (const input of poisoned.inputs)
    secrets.push(
      secretNumber('nullifier key of the poison job', input.nPrime),
      secretNumber('signature of the poison job', input.signature.S),
    );
  for (const output of poisoned.outputs) secrets.push(secretNumber('blinding of the poison job', output.owner));
  const worker = JSON.parse(readFileSync(at('net', 'worker-1.json'), 'utf8')) as { account: string; sealKeys: { secret: string }[] };
  secrets.push(
    secretBytes('key of the worker', hexToBytes(worker.account)),
    ...worker.sealKeys.map((key) => secretBytes('seal key', hexToBytes(key.secret))),
  );
  secrets.push(secretBytes('key of the settler', hexToBytes(devnet.accounts[1]?.privateKey as string)));
  secrets.push(secretBytes('key of the depositor', hexToBytes(devnet.accounts[4]?.privateKey as string)));
}

/** Jobs that a worker opens and must refuse: a witness signed for another rollup, and one that is cut off. */
async function poison(): Promise<void> {
  const roster = await new GatewayClient(devnet.nodeUrl).roster();
  const farm = await FarmQueue.open({ redisUrl: redis.url, domain: devnet.domain });
  const text = encodeTransferWitness(poisoned);
  const record = recordHash(poisoned.record, devnet.domain);
  try {
    const jobs = [
      ['false', text, 'TRANSFER_T5'],
      ['cut', text.slice(0, -200), 'WITNESS_FORMAT'],
      ['odd', text.replace('"anchor"', '"ancho"'), 'WITNESS_FORMAT'],
    ] as const;
    for (const [name, plain, code] of jobs) {
      const context = {
        domain: devnet.domain,
        recordHash: record,
        rosterId: roster.id,
        expiry: roster.expires,
        recipients: roster.workers,
      };
      const job = transferJob(`poison-${name}`, sealJob(new TextEncoder().encode(plain), context));
      await farm.publish(envelope(job));
      const outcome = await settled(farm, job.id);
      expect([name, outcome.state === 'done' ? parseFarmAnswer(outcome.result) : outcome]).toMatchObject([
        name,
        { refused: [{ index: 0, code }] },
      ]);
    }
  } finally {
    await farm.close();
  }
}

describe('A16: secrets', () => {
  it('are recognised wherever in a text of base64 they begin', () => {
    const [secret, place] = [secretBytes('known', random.bytes(32)), new Map<string, Buffer>()];
    const bytes = secret.needles[0] as Buffer;
    for (const before of [0, 1, 2, 3, 4]) {
      const around = Buffer.concat([random.bytes(before), bytes, random.bytes(7)]);
      for (const encoding of ['base64', 'base64url', 'hex'] as const)
        place.set(`${before} ${encoding}`, Buffer.from(around.toString(encoding)));
    }
    expect(found([secret], place, new Set())).toHaveLength(place.size);
  });

  it('pass through a whole run: restored, paid in, paid by the farm and at home, settled', async () => {
    secretFile('pass', PASSPHRASE);
    secretFile('wrong-pass', WRONG_PASSPHRASE);
    secretFile('phrase', PHRASE);
    secretFile('wrong-phrase', WRONG_PHRASE);
    secretFile('l1.key', devnet.accounts[4]?.privateKey as string);
    await devnet.setBalance(devnet.accounts[4]?.address as string, `0x${(10n ** 30n).toString(16)}`);
    const contract = ['--contract', devnet.rollup.address, '--rpc', devnet.rpcUrl];
    expect(await wallet('restore', ...contract, '--phrase-file', at('hand', 'phrase'))).toBe(0);
    const own = await openWallet({ path: at('wallet', 'canary'), passphrase: PASSPHRASE });
    secretFile('payee', own.address());
    await own.close();
    for (let i = 0; i < 2; i++)
      expect(await wallet('deposit', ...onChain(), '--amount', DEPOSIT, '--asset', 'ETH', '--key-file', at('hand', 'l1.key'))).toBe(0);
    while ((await devnet.rollup.state()).queueHead < 2) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await paying(PAID_BY_FARM, '--prove', 'farm', '--received-notes-too', '--yes', '--wait', 'accepted')).toBe(0);
    expect(await paying(PAID_AT_HOME, '--prove', 'home', '--wait', 'settled')).toBe(0);
    while ((await devnet.rollup.state()).leafCount < 12n) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await wallet('history', ...onChain())).toBe(0);
  }, 240_000);

  it('and through failures: wrong passphrase and phrase, poison jobs, a witness that fits no key', async () => {
    const wrong = ['--wallet', at('wallet', 'canary'), '--passphrase-file', at('hand', 'wrong-pass')];
    expect(await tacit('wallet', 'address', ...wrong, '--json')).toBe(1);
    const contract = ['--contract', devnet.rollup.address, '--rpc', devnet.rpcUrl];
    expect(
      await tacit(
        'wallet',
        'restore',
        '--wallet',
        at('wallet', 'other'),
        '--passphrase-file',
        at('hand', 'pass'),
        ...contract,
        '--phrase-file',
        at('hand', 'wrong-phrase'),
      ),
    ).toBe(1);
    await poison();
    writeFileSync(at('hand', 'bad.wtns'), wtnsOf([1n, ...poisoned.inputs.map(({ nPrime }) => nPrime)]));
    const { zkeyPath } = devnet.artifacts.transfer_1;
    expect(
      await tacit('prove', '--zkey', zkeyPath, '--wtns', at('hand', 'bad.wtns'), '--proof', at('hand', 'p'), '--public', at('hand', 's')),
    ).toBe(1);
  }, 120_000);

  it('are nowhere that anybody else looks', async () => {
    await collectSecrets();
    const places = await haystacks();
    for (const [place, least] of [
      ['the keys and the command log of Redis', 50_000],
      ['the files of Redis', 50_000],
      ['logs of node and worker', 200],
      ['wallet commands', 1_000],
      ['the journal', 50_000],
      ['the wallet folder', 2_000],
      ['arguments and environments', 5_000],
      ['answers of the node', 1_000],
    ] as const)
      expect([place, (places.get(place)?.length ?? 0) >= least]).toEqual([place, true]);
    expect(watch.count).toBeGreaterThan(8);
    expect(secrets.length).toBeGreaterThan(30);
    expect(found(secrets, places, PLACES_SHOWN_TO_THE_OWNER)).toEqual([]);
  }, 120_000);

  it('would be found: each secret, in each of its spellings, planted in each place', async () => {
    const all = secrets.flatMap(({ needles }) => needles);
    const planted = Buffer.concat(all.flatMap((needle) => [needle, Buffer.from('\n')]));
    const client = new Redis(redis.url);
    await client.set('planted', planted);
    await client.set('unplanted', planted);
    await client.del('unplanted');
    client.disconnect();
    for (const folder of [at('net', 'logs'), at('net', 'node', 'journal'), at('wallet'), at('tmp')])
      writeFileSync(join(folder, 'planted'), planted);
    outputs.push(planted.toString('latin1'));
    await fetch(`${collector.url}/v1/traces`, { method: 'POST', body: planted });
    // What fits into an argument and into an environment: texts.
    const texts = secrets
      .map(({ needles }) => needles.find((needle) => /^[\x21-\x7e ]+$/.test(needle.toString('latin1'))) as Buffer)
      .map(String);
    const half = Math.ceil(texts.length / 2);
    const child = spawn('sh', ['-c', 'sleep 30; :', 'sh', ...texts.slice(0, half)], {
      env: { ...process.env, PLANTED: texts.slice(half).join('\n') },
      stdio: 'ignore',
    });
    await new Promise((resolve) => child.once('spawn', resolve));
    const places = await haystacks();
    child.kill();
    const byText = 'arguments and environments';
    for (const [place, bytes] of places) {
      if (place === byText || place === 'answers of the node') continue;
      expect([place, all.every((needle) => bytes.includes(needle))]).toEqual([place, true]);
    }
    expect(found(secrets, new Map([[byText, places.get(byText) as Buffer]]), new Set()).length).toBe(secrets.length);
  }, 120_000);
});
