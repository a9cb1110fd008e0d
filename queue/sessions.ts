/**
 * Sessions of workers over HTTP: challenges, logins, tokens.
 *
 * A challenge is kept nowhere: its nonce is `random ‖ MAC(random, expires)` under a secret of this process, so asking for many
 * costs the node nothing; only those that were used are remembered, until they expire. A token is 32 random bytes, remembered
 * by its hash, bound to the address that logged in and to what it stated, and gone with the process: a worker whose node was
 * restarted logs in again. Tokens are in no log and no error.
 */
import { randomBytes } from 'node:crypto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, constantTimeEqual, hexToBytes, uintToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import type { Lane } from './farmOptions.js';
import { assertLoginSigned, type LoginChallenge, type WorkerLogin } from './login.js';

export interface SessionParameters {
  readonly domain: Domain;
  /** Hosts that the node is reached at. Where absent, whatever host a request was sent to: then a relay is not noticed. */
  readonly hosts?: readonly string[];
  /** Why a worker gets no jobs here, or undefined where it is welcome. */
  readonly refusal?: (worker: EvmAddress) => string | undefined;
  readonly nowMs?: () => number;
}

export interface Session {
  readonly worker: EvmAddress;
  readonly circuits: readonly Lane[];
  readonly sealKey: Hex;
  readonly expiresMs: number;
}

export const CHALLENGE_SECONDS = 60;
/** Short: what is stolen is soon worth nothing, and a login costs one signature. */
export const SESSION_MS = 600_000;
/** As many workers as a farm of several rosters has, each with a session that it has just left. */
const MAX_SESSIONS = 512;
/** Machines that share a key, or a session that was just left. */
const SESSIONS_EACH = 8;
const HALF_BYTES = 16;
const TOKEN_BYTES = 32;

export class FarmSessions {
  readonly #parameters: SessionParameters;
  readonly #secret = randomBytes(TOKEN_BYTES);
  /** By hash of the token. */
  readonly #sessions = new Map<string, Session>();
  /** Nonces with the worker that used them, and when they would have expired (milliseconds). */
  readonly #used = new Map<string, number>();

  constructor(parameters: SessionParameters) {
    this.#parameters = parameters;
  }

  challenge(): LoginChallenge {
    const random = new Uint8Array(randomBytes(HALF_BYTES));
    const expires = Math.floor(this.#now() / 1000) + CHALLENGE_SECONDS;
    return { nonce: bytesToHex(concatBytes(random, this.#mac(random, expires))), expires };
  }

  /**
   * @param host that the login was sent to
   * @throws TacitError LOGIN_NODE, LOGIN_NONCE, LOGIN_EXPIRED, LOGIN_REPLAYED, LOGIN_SIGNER, WORKER_NOT_ADMITTED
   */
  login(login: WorkerLogin, host: string): { token: string; expires: number } {
    this.#forgetOld();
    this.#checkChallenge(login, host);
    assertLoginSigned(login, this.#parameters.domain);
    // Remembered only when it is signed, and by whom, so that nobody can use up a challenge that another was given.
    const use = `${login.nonce} ${login.worker}`;
    if (this.#used.has(use)) throw new TacitError('LOGIN_REPLAYED', 'this challenge was used before', { expected: 'a fresh challenge' });
    this.#used.set(use, login.expires * 1000);
    this.assertWelcome(login.worker);
    this.#makeRoom(login.worker);
    const token = randomBytes(TOKEN_BYTES).toString('hex');
    const { worker, circuits, sealKey } = login;
    const expiresMs = this.#now() + SESSION_MS;
    this.#sessions.set(hashOf(token), { worker, circuits, sealKey, expiresMs });
    return { token, expires: Math.floor(expiresMs / 1000) };
  }

  /** @param authorization header. @throws TacitError SESSION_UNKNOWN, WORKER_NOT_ADMITTED */
  of(authorization: string | undefined): Session {
    const token = /^Bearer ([0-9a-f]{64})$/.exec(authorization ?? '')?.[1];
    const session = token === undefined ? undefined : this.#sessions.get(hashOf(token));
    if (session === undefined || session.expiresMs <= this.#now())
      throw new TacitError('SESSION_UNKNOWN', 'no worker is logged in under this token', { expected: 'a login of the last ten minutes' });
    this.assertWelcome(session.worker);
    return session;
  }

  end(authorization: string | undefined): void {
    const token = /^Bearer ([0-9a-f]{64})$/.exec(authorization ?? '')?.[1];
    if (token !== undefined) this.#sessions.delete(hashOf(token));
  }

  /** @throws TacitError WORKER_NOT_ADMITTED */
  assertWelcome(worker: EvmAddress): void {
    const refusal = this.#parameters.refusal?.(worker);
    if (refusal !== undefined)
      throw new TacitError('WORKER_NOT_ADMITTED', 'this worker gets no jobs here', { got: refusal, docs: 'how-to/run-a-worker.md' });
  }

  #checkChallenge({ node, nonce, expires }: WorkerLogin, host: string): void {
    const hosts = this.#parameters.hosts ?? [host];
    if (!hosts.includes(node))
      throw new TacitError('LOGIN_NODE', 'the login is for another node', { expected: hosts.join(' or '), got: node });
    const bytes = hexToBytes(nonce, 2 * HALF_BYTES);
    if (!constantTimeEqual(bytes.slice(HALF_BYTES), this.#mac(bytes.slice(0, HALF_BYTES), expires)))
      throw new TacitError('LOGIN_NONCE', 'this node has not given out this challenge since its start', { expected: 'a fresh challenge' });
    if (expires * 1000 <= this.#now())
      throw new TacitError('LOGIN_EXPIRED', 'the challenge has expired', { expected: `within ${CHALLENGE_SECONDS} s`, got: `${expires}` });
  }

  /** Whoever floods the node with logins pushes out its own sessions; a crowd, the oldest: and those log in again. */
  #makeRoom(worker: EvmAddress): void {
    const own = [...this.#sessions].flatMap(([hash, session]) => (session.worker === worker ? [hash] : []));
    for (const hash of own.slice(0, Math.max(0, own.length - SESSIONS_EACH + 1))) this.#sessions.delete(hash);
    for (const hash of this.#sessions.keys()) if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(hash);
  }

  #mac(random: Uint8Array, expires: number): Uint8Array {
    return hmac(sha256, this.#secret, concatBytes(random, uintToBytes(expires, 8))).slice(0, HALF_BYTES);
  }

  #forgetOld(): void {
    const now = this.#now();
    for (const [nonce, expiresMs] of this.#used) if (expiresMs <= now) this.#used.delete(nonce);
    for (const [hash, { expiresMs }] of this.#sessions) if (expiresMs <= now) this.#sessions.delete(hash);
  }

  #now(): number {
    return (this.#parameters.nowMs ?? Date.now)();
  }
}

function hashOf(token: string): string {
  return bytesToHex(sha256(new TextEncoder().encode(token)));
}
