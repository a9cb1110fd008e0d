/**
 * Leases through a node's gateway, for workers who have no way to Redis. Speaks farmRoutes.ts on `fetch` alone.
 *
 * The first announcement logs in; a session that has run out, or that the node has forgotten with a restart, is renewed where it is
 * noticed, and the request made again. Every failure is a TacitError: the node's own code where it answered, NODE_UNREACHABLE
 * (retryable) where it did not. Nothing the node says is trusted beyond the job: what a job holds is checked by the worker.
 */
import type { DigestSigner } from '../protocol/eip712.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import type { WorkerAnnouncement } from './announce.js';
import { parseFarmJob } from './contracts.js';
import { LANES, type Lane } from './farmOptions.js';
import { TAKE_WAIT_MS } from './farmRoutes.js';
import { errorFrom, parseBody } from './gatewayClient.js';
import type { Lease, LeasePort, LeaseRef } from './lease.js';
import { type LoginChallenge, signLogin } from './login.js';

export interface HttpLeasesParameters {
  /** http:// or https://, as the operator gives it out. */
  readonly node: string;
  readonly domain: Domain;
  readonly worker: EvmAddress;
  /** Signs with the key of `worker`. */
  readonly sign: DigestSigner;
  readonly fetch?: typeof fetch;
}

const REQUEST_MS = 10_000;
/** Shorter than what is left of a lease when its renewal is due: a lost packet leaves time for another try. */
const RENEW_MS = 1_500;
/** A node that does not answer a poll by then is not there. */
const TAKE_MS = TAKE_WAIT_MS + 10_000;
/** A login is renewed before it ends. */
const EARLY_MS = 60_000;

interface Session {
  readonly token: string;
  readonly expiresMs: number;
}

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
}

/** Asks nothing yet: the first announcement does. @throws TacitError NODE_URL */
export async function openHttpLeases(parameters: HttpLeasesParameters): Promise<LeasePort> {
  return new HttpLeases(parameters);
}

class HttpLeases implements LeasePort {
  readonly #parameters: HttpLeasesParameters;
  readonly #base: string;
  readonly #host: string;
  /** What the last announcement stated: a login states the same. */
  #stated: WorkerAnnouncement | undefined;
  #session: Promise<Session> | undefined;

  constructor(parameters: HttpLeasesParameters) {
    if (!/^https?:\/\/[^/]/.test(parameters.node))
      throw new TacitError('NODE_URL', 'not the URL of a node', { expected: 'http://… or https://…', got: parameters.node });
    this.#parameters = parameters;
    this.#base = parameters.node.replace(/\/+$/, '');
    this.#host = new URL(parameters.node).host;
  }

  async announce(announcement: WorkerAnnouncement): Promise<void> {
    const before = this.#stated;
    this.#stated = announcement;
    // Another key or other lanes are another login.
    if (before?.sealKey !== announcement.sealKey || before.lanes.join() !== announcement.lanes.join()) this.#session = undefined;
    await this.#call('/v1/farm/announcement', { method: 'PUT', body: announcement });
  }

  async withdraw(): Promise<void> {
    await this.#call('/v1/farm/announcement', { method: 'DELETE' });
  }

  async take(lanes: readonly Lane[], signal: AbortSignal): Promise<Lease | undefined> {
    while (!signal.aborted) {
      try {
        const answer = await this.#call('/v1/farm/leases', { body: { lanes }, limitMs: TAKE_MS, signal });
        if (answer !== undefined) return leaseFrom(answer);
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      }
    }
    return undefined;
  }

  async renew(lease: LeaseRef): Promise<void> {
    await this.#call('/v1/farm/leases/renew', { body: refOf(lease), limitMs: RENEW_MS });
  }

  async report(lease: LeaseRef, progress: Parameters<LeasePort['report']>[1]): Promise<void> {
    await this.#call('/v1/farm/leases/progress', { body: { ...refOf(lease), progress } });
  }

  async answer(lease: LeaseRef, answer: Parameters<LeasePort['answer']>[1]): Promise<void> {
    await this.#call('/v1/farm/leases/answer', { body: { ...refOf(lease), answer } });
  }

  async fail(lease: LeaseRef, { code, retryable }: Parameters<LeasePort['fail']>[1]): Promise<void> {
    await this.#call('/v1/farm/leases/failure', { body: { ...refOf(lease), code, retryable } });
  }

  async giveBack(lease: LeaseRef): Promise<void> {
    await this.#call('/v1/farm/leases/return', { body: refOf(lease) });
  }

  async check(): Promise<void> {
    await this.#call('/v1/farm/session', { method: 'GET' });
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    if (session === undefined) return;
    await this.#send('/v1/farm/session', { method: 'DELETE', limitMs: RENEW_MS }, session.token).catch(() => {});
  }

  /** With a session: the present one, or a new one where that is not good any more. */
  async #call(path: string, call: Call): Promise<unknown> {
    const session = await this.#present();
    try {
      return await this.#send(path, call, session.token);
    } catch (error) {
      if (!isTacitError(error, 'SESSION_UNKNOWN')) throw error;
      return await this.#send(path, call, (await this.#present(session)).token);
    }
  }

  /** @param spent a session that the node does not know any more */
  async #present(spent?: Session): Promise<Session> {
    const held = await this.#session?.catch(() => undefined);
    if (held !== undefined && held !== spent && held.expiresMs - EARLY_MS > Date.now()) return held;
    // Whoever came first logs in; the others wait for it.
    const logging = this.#login();
    this.#session = logging;
    return logging;
  }

  async #login(): Promise<Session> {
    const { domain, worker, sign } = this.#parameters;
    if (this.#stated === undefined)
      throw new TacitError('WORKER_UNANNOUNCED', 'a worker announces itself before it asks for jobs', { expected: 'announce' });
    const { lanes, sealKey, sealKeyUntil } = this.#stated;
    const { nonce, expires } = challengeFrom(await this.#send('/v1/farm/challenge', { method: 'GET' }));
    const content = { worker, circuits: lanes, sealKey, sealKeyUntil, node: this.#host, nonce, expires };
    const answer = await this.#send('/v1/farm/session', { body: await signLogin(content, domain, sign) });
    const { token, expires: until } = (answer ?? {}) as { token?: unknown; expires?: unknown };
    if (typeof token !== 'string' || !/^[0-9a-f]{64}$/.test(token) || typeof until !== 'number') throw malformed('session');
    return { token, expiresMs: until * 1000 };
  }

  /** @returns the answer's JSON; undefined for 204 */
  async #send(path: string, { method = 'POST', body, limitMs = REQUEST_MS, signal }: Call, token?: string): Promise<unknown> {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const limit = AbortSignal.timeout(limitMs);
    const init: RequestInit = {
      method,
      headers,
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    let response: Response;
    try {
      response = await (this.#parameters.fetch ?? fetch)(`${this.#base}${path}`, init);
    } catch (cause) {
      throw new TacitError('NODE_UNREACHABLE', `cannot reach the node at ${this.#base}`, { retryable: true, cause });
    }
    if (response.status === 204) return undefined;
    const answer = await parseBody(response);
    if (!response.ok) throw errorFrom(response.status, answer);
    return answer;
  }
}

function refOf({ lane, id, token }: LeaseRef): LeaseRef {
  return { lane, id, token };
}

/** @throws TacitError NODE_ANSWER, JOB_MALFORMED */
function leaseFrom(answer: unknown): Lease {
  const { lane, id, token, job } = answer as Partial<Record<keyof Lease, unknown>>;
  if (!LANES.includes(lane as Lane) || typeof id !== 'string' || typeof token !== 'string') throw malformed('lease');
  return { lane: lane as Lane, id, token, job: parseFarmJob(job) };
}

function challengeFrom(answer: unknown): LoginChallenge {
  const { nonce, expires } = (answer ?? {}) as Partial<Record<keyof LoginChallenge, unknown>>;
  if (typeof nonce !== 'string' || !/^0x[0-9a-f]{64}$/.test(nonce) || !Number.isSafeInteger(expires)) throw malformed('challenge');
  return { nonce, expires: expires as number };
}

function malformed(what: string): TacitError {
  return new TacitError('NODE_ANSWER', `the node’s ${what} is malformed`, { expected: 'an answer of this protocol' });
}
