/** Who may take jobs over HTTP: logins that hold, and each way in which one does not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evmAddressOfKey, signerFromKey } from '../../protocol/eip712.js';
import type { Domain } from '../../protocol/record.js';
import type { LeasePort } from '../../queue/lease.js';
import { signLogin, type WorkerLogin } from '../../queue/login.js';
import { type RunningRedis, startRedis } from '../../queue/redis.js';
import { CHALLENGE_SECONDS, FarmSessions, SESSION_MS } from '../../queue/sessions.js';
import { until } from '../aggregator/world.js';
import { code } from '../prover/code.js';
import { FAR_FUTURE_SECONDS, type FarmGateway, keyOf, lineOf, openLeasesOf, startFarmGateway } from './leaseSupport.js';
import { DOMAIN } from './smallNode.js';

const KEY = keyOf(3);
const WORKER = evmAddressOfKey(KEY);
const HOST = 'farm.example';
const LANES = ['update_2'] as const;
const START_MS = 1_700_000_000_000;

const stated = { worker: WORKER, circuits: [...LANES], sealKey: `0x${'5a'.repeat(32)}`, sealKeyUntil: FAR_FUTURE_SECONDS, node: HOST };

describe('a login', () => {
  let nowMs: number;
  let banned: string | undefined;
  let sessions: FarmSessions;
  const open = (hosts?: readonly string[]) => {
    nowMs = START_MS;
    banned = undefined;
    sessions = new FarmSessions({ domain: DOMAIN, nowMs: () => nowMs, refusal: () => banned, ...(hosts === undefined ? {} : { hosts }) });
  };
  const signed = (change: Partial<WorkerLogin> = {}, domain: Domain = DOMAIN, key = KEY) =>
    signLogin({ ...stated, ...sessions.challenge(), ...change }, domain, signerFromKey(key));
  const refused = (login: WorkerLogin, host = HOST) => code(() => sessions.login(login, host));

  it('gives a token that is bound to address and circuits, and ends after ten minutes', async () => {
    open();
    const { token, expires } = sessions.login(await signed(), HOST);
    expect(expires).toBe((START_MS + SESSION_MS) / 1000);
    expect(sessions.of(`Bearer ${token}`)).toMatchObject({ worker: WORKER, circuits: [...LANES], sealKey: stated.sealKey });
    for (const header of [undefined, '', token, `bearer ${token}`, `Bearer ${token.slice(1)}`, `Bearer ${'0'.repeat(64)}`])
      expect(await code(() => sessions.of(header))).toBe('SESSION_UNKNOWN');
    nowMs += SESSION_MS;
    expect(await code(() => sessions.of(`Bearer ${token}`))).toBe('SESSION_UNKNOWN');
  });

  it('ends when the worker logs out', async () => {
    open();
    const { token } = sessions.login(await signed(), HOST);
    sessions.end(`Bearer ${token}`);
    expect(await code(() => sessions.of(`Bearer ${token}`))).toBe('SESSION_UNKNOWN');
  });

  it('is good once → LOGIN_REPLAYED', async () => {
    open();
    const login = await signed();
    sessions.login(login, HOST);
    expect(await refused(login)).toBe('LOGIN_REPLAYED');
    // Its twin over a fresh challenge is another login.
    expect(await refused(await signed())).not.toBe('LOGIN_REPLAYED');
  });

  it('over a challenge that another was given takes nothing from it', async () => {
    open();
    const challenge = sessions.challenge();
    const thief = evmAddressOfKey(keyOf(4));
    sessions.login(await signed({ ...challenge, worker: thief }, DOMAIN, keyOf(4)), HOST);
    const login = await signed(challenge);
    expect(await refused(login)).toBe('nothing thrown');
    expect(await refused(login)).toBe('LOGIN_REPLAYED');
  });

  it('again and again pushes out the worker’s own sessions and nobody else’s', async () => {
    open();
    const { token } = sessions.login(await signed(), HOST);
    const flood: string[] = [];
    for (let n = 0; n < 20; n++)
      flood.push(sessions.login(await signed({ worker: evmAddressOfKey(keyOf(4)) }, DOMAIN, keyOf(4)), HOST).token);
    expect(sessions.of(`Bearer ${token}`).worker).toBe(WORKER);
    const alive = [];
    for (const mine of flood) alive.push((await code(() => sessions.of(`Bearer ${mine}`))) === 'nothing thrown');
    expect(alive).toEqual(flood.map((_, n) => n >= flood.length - 8));
  });

  it('that is late → LOGIN_EXPIRED, and cannot be made longer → LOGIN_NONCE', async () => {
    open();
    const login = await signed();
    nowMs += CHALLENGE_SECONDS * 1000;
    expect(await refused(login)).toBe('LOGIN_EXPIRED');
    expect(await refused(await signed({ nonce: login.nonce, expires: login.expires + 60 }))).toBe('LOGIN_NONCE');
  });

  it('over a challenge that this node did not give out → LOGIN_NONCE', async () => {
    open();
    expect(await refused(await signed({ nonce: `0x${'07'.repeat(32)}` }))).toBe('LOGIN_NONCE');
    const login = await signed();
    open();
    expect(await refused(login)).toBe('LOGIN_NONCE');
  });

  it('for another node → LOGIN_NODE, whatever host the request names', async () => {
    open([HOST]);
    expect(await refused(await signed({ node: 'evil.example' }), 'evil.example')).toBe('LOGIN_NODE');
    expect(await refused(await signed(), 'whatever.example')).toBe('nothing thrown');
    open();
    expect(await refused(await signed(), 'other.example')).toBe('LOGIN_NODE');
  });

  it('by somebody else, for another chain or contract, or with one member changed → LOGIN_SIGNER', async () => {
    open();
    expect(await refused(await signed({}, DOMAIN, keyOf(4)))).toBe('LOGIN_SIGNER');
    expect(await refused(await signed({}, { ...DOMAIN, chainId: 1n }))).toBe('LOGIN_SIGNER');
    expect(await refused(await signed({}, { ...DOMAIN, contract: `0x${'c1'.repeat(20)}` }))).toBe('LOGIN_SIGNER');
    const changes: Partial<WorkerLogin>[] = [
      { worker: evmAddressOfKey(keyOf(4)) },
      { circuits: ['update_2', 'update_8'] },
      { sealKey: `0x${'5b'.repeat(32)}` },
      { sealKeyUntil: FAR_FUTURE_SECONDS + 1 },
      { signature: `0x${'11'.repeat(65)}` },
    ];
    for (const change of changes) expect(await refused({ ...(await signed()), ...change })).toBe('LOGIN_SIGNER');
  });

  it('by a worker that is not welcome → WORKER_NOT_ADMITTED, also one that was before', async () => {
    open();
    const { token } = sessions.login(await signed(), HOST);
    banned = 'the operator has banned it';
    expect(await refused(await signed())).toBe('WORKER_NOT_ADMITTED');
    expect(await code(() => sessions.of(`Bearer ${token}`))).toBe('WORKER_NOT_ADMITTED');
  });
});

describe('a worker at a gateway', () => {
  let redis: RunningRedis;
  let gateway: FarmGateway;
  const requests: { url: string; body: string; token: string | undefined }[] = [];
  const answers: string[] = [];
  let port: LeasePort;

  beforeAll(async () => {
    redis = await startRedis({ url: '' });
    gateway = await startFarmGateway(redis.url, LANES);
    port = await openLeasesOf({ node: gateway.url }, KEY, LANES, async (input, init) => {
      const token = new Headers(init?.headers).get('authorization')?.slice('Bearer '.length);
      requests.push({ url: String(input), body: String(init?.body ?? ''), token });
      const response = await fetch(input, init);
      if (!String(input).endsWith('/session')) answers.push(await response.clone().text());
      return response;
    });
  });
  afterAll(async () => {
    await port.close();
    await gateway.close();
    await redis.stop();
  });

  const raw = (path: string, method: string, headers: Record<string, string> = {}, body?: unknown) =>
    fetch(`${gateway.url}${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const errorOf = async (response: Response) => [response.status, ((await response.json()) as { error: { code: string } }).error.code];

  it('logs in with its first announcement, and the token is in a header and nowhere else', async () => {
    expect(await code(() => port.check())).toBe('WORKER_UNANNOUNCED');
    await port.announce(await lineOf(KEY, LANES, DOMAIN, signerFromKey(KEY)));
    await port.check();
    const token = requests.at(-1)?.token as string;
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(requests.filter(({ url, body }) => `${url}${body}`.includes(token))).toEqual([]);
    expect(answers.filter((answer) => answer.includes(token))).toEqual([]);
  });

  it('without a session gets 401 everywhere, and its address is nobody else’s', async () => {
    const ref = { lane: 'update_2', id: 'update-a', token: `${WORKER}.00` };
    const calls: [string, string, unknown?][] = [
      ['/v1/farm/session', 'GET'],
      ['/v1/farm/announcement', 'PUT', {}],
      ['/v1/farm/announcement', 'DELETE'],
      ['/v1/farm/leases', 'POST', { lanes: ['update_2'] }],
      ...['renew', 'progress', 'answer', 'failure', 'return'].map((name): [string, string, unknown] => [
        `/v1/farm/leases/${name}`,
        'POST',
        ref,
      ]),
    ];
    for (const [path, method, body] of calls) {
      expect([path, ...(await errorOf(await raw(path, method, {}, body)))]).toEqual([path, 401, 'SESSION_UNKNOWN']);
      expect([path, ...(await errorOf(await raw(path, method, { authorization: `Bearer ${'00'.repeat(32)}` }, body)))]).toEqual([
        path,
        401,
        'SESSION_UNKNOWN',
      ]);
    }
  });

  it('cannot speak for others, nor beyond what it stated', async () => {
    const authorization = `Bearer ${requests.at(-1)?.token}`;
    const other = keyOf(4);
    const line = await lineOf(other, LANES, DOMAIN, signerFromKey(other));
    expect(await errorOf(await raw('/v1/farm/announcement', 'PUT', { authorization }, line))).toEqual([400, 'ANNOUNCEMENT_FOREIGN']);
    const forged = { ...(await lineOf(KEY, LANES, DOMAIN, signerFromKey(KEY))), sealKeyUntil: 5 };
    expect(await errorOf(await raw('/v1/farm/announcement', 'PUT', { authorization }, forged))).toEqual([400, 'ANNOUNCEMENT_FOREIGN']);
    expect(await errorOf(await raw('/v1/farm/leases', 'POST', { authorization }, { lanes: ['update_8'] }))).toEqual([400, 'LANE_CLOSED']);
    const foreign = { lane: 'update_2', id: 'update-a', token: `${evmAddressOfKey(other)}.00` };
    expect(await errorOf(await raw('/v1/farm/leases/renew', 'POST', { authorization }, foreign))).toEqual([409, 'LEASE_LOST']);
    const answer = {
      circuit: 'update_2',
      proof: `0x${'00'.repeat(256)}`,
      h: `0x${'00'.repeat(32)}`,
      prover: evmAddressOfKey(other),
      provingMs: 1,
    };
    const own = { ...foreign, token: `${WORKER}.00` };
    expect(await errorOf(await raw('/v1/farm/leases/answer', 'POST', { authorization }, { ...own, answer }))).toEqual([
      400,
      'ANSWER_FOREIGN',
    ]);
    const progress = { stage: 'checked', worker: evmAddressOfKey(other) };
    expect(await errorOf(await raw('/v1/farm/leases/progress', 'POST', { authorization }, { ...own, progress }))).toEqual([
      400,
      'REQUEST_MALFORMED',
    ]);
  });

  it('waits for as many jobs as it proves at a time, and one more; others wait beside it', async () => {
    const authorization = `Bearer ${requests.at(-1)?.token}`;
    const gone = new AbortController();
    const poll = () =>
      fetch(`${gateway.url}/v1/farm/leases`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ lanes: ['update_2'] }),
        signal: gone.signal,
      });
    const answered: number[] = [];
    const polls = Array.from({ length: 5 }, () =>
      poll().then(
        ({ status }) => answered.push(status),
        () => {},
      ),
    );
    await until(
      () => answered.length,
      (count) => count >= 3,
      'three refused',
    );
    expect(answered).toEqual([429, 429, 429]);
    expect(await errorOf(await poll())).toEqual([429, 'HANDS_FULL']);
    const [other, waiting] = [await openLeasesOf({ node: gateway.url }, keyOf(5), LANES), new AbortController()];
    await other.announce(await lineOf(keyOf(5), LANES, DOMAIN, signerFromKey(keyOf(5))));
    const nothing = other.take(LANES, waiting.signal);
    await new Promise((resolve) => setTimeout(resolve, 100));
    waiting.abort();
    expect(await nothing).toBeUndefined();
    await other.close();
    gone.abort();
    await Promise.all(polls);
  });

  it('a node that is not there, or is none, is named', async () => {
    expect(await code(() => openLeasesOf({ node: 'farm.example' }, KEY, LANES))).toBe('NODE_URL');
    const nobody = await openLeasesOf({ node: 'http://127.0.0.1:1' }, KEY, LANES);
    await expect(nobody.announce(await lineOf(KEY, LANES, DOMAIN, signerFromKey(KEY)))).rejects.toMatchObject({
      code: 'NODE_UNREACHABLE',
      retryable: true,
    });
  });
});
