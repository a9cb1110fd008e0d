/**
 * The farm over HTTP, for workers who get no access to Redis: login, board, leases.
 *
 *   GET  /v1/farm/challenge          a nonce to sign (login.ts)
 *   POST /v1/farm/session            a login → a bearer token; GET: whose it is; DELETE: log out
 *   PUT  /v1/farm/announcement       the worker's line on the board, kept up as over Redis; DELETE: taken down
 *   POST /v1/farm/leases             waits for a job (long poll): 200 with it, 204 when none came in time
 *   POST /v1/farm/leases/{renew,progress,answer,failure,return}
 *
 * A worker has, and waits for, as many jobs as it announced that it proves (hands.ts).
 * A lease's token begins with the address that it was given to, so a restarted node knows its leases without having kept them.
 * Bodies carry sealed jobs and tokens: none of them is logged.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isTacitError, TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { announcementShape, isGenuine, type WorkerAnnouncement } from './announce.js';
import type { BullLeases } from './bullLeases.js';
import { parseFarmAnswer, parseFarmProgress } from './contracts.js';
import { LANES, type Lane, LOCK_DURATION_MS } from './farmOptions.js';
import { Hands } from './hands.js';
import type { Lease, LeaseRef } from './lease.js';
import { loginShape, type WorkerLogin } from './login.js';
import { OpenPolls } from './openPolls.js';
import type { FarmSessions, Session } from './sessions.js';
import { documented, parseWith } from './shapes.js';

export interface FarmDoor {
  readonly domain: Domain;
  readonly sessions: FarmSessions;
  /** Calls that end in time, whatever Redis does. */
  readonly leases: Omit<BullLeases, 'take' | 'close' | 'check'>;
  /** As long as it takes. */
  readonly take: BullLeases['take'];
}

/** A poll is answered after so long with nothing, so that no proxy takes the connection for dead. */
export const TAKE_WAIT_MS = 20_000;

const lane = z.enum(LANES as [Lane, ...Lane[]]);
const refMembers = { lane, id: z.string().min(1).max(150), token: z.string().min(1).max(200) };
const takeShape = z.strictObject({ lanes: z.array(lane).min(1).max(LANES.length) });
const refShape = z.strictObject(refMembers);
const progressShape = z.strictObject({ ...refMembers, progress: z.unknown() });
const answerShape = z.strictObject({ ...refMembers, answer: z.unknown() });
const failureShape = z.strictObject({ ...refMembers, code: z.string().regex(/^[A-Z][A-Z0-9_]{1,39}$/), retryable: z.boolean() });

type Handle<T> = (body: T, session: Session, reply: FastifyReply) => Promise<unknown>;

export function addFarmRoutes(app: FastifyInstance, door: FarmDoor): void {
  const hands = new Hands();
  addSessionRoutes(app, door);
  addBoardRoutes(app, door, hands);
  addTakeRoute(app, door, hands);
  addLeaseRoutes(app, door, hands);
}

function addSessionRoutes(app: FastifyInstance, { sessions }: FarmDoor): void {
  app.get('/v1/farm/challenge', { schema: described('A challenge to sign; good for one login') }, async () => sessions.challenge());
  const login = { ...described('Log in: an EIP-712 signature over challenge, address, circuits and key for sealed jobs', loginShape) };
  app.post('/v1/farm/session', { schema: login, validatorCompiler: () => () => true }, async (request, reply) => {
    const given = parseWith<WorkerLogin>(loginShape, request.body, 'REQUEST_MALFORMED', 'login');
    return reply.status(201).send(sessions.login(given, request.host));
  });
  app.get('/v1/farm/session', { schema: described('Who is logged in') }, async (request) => {
    const { worker, circuits, expiresMs } = sessions.of(request.headers.authorization);
    return { worker, circuits, expires: Math.floor(expiresMs / 1000) };
  });
  app.delete('/v1/farm/session', { schema: described('Log out') }, async (request, reply) => {
    sessions.end(request.headers.authorization);
    return reply.status(204).send();
  });
}

function addBoardRoutes(app: FastifyInstance, { domain, sessions, leases }: FarmDoor, hands: Hands): void {
  const schema = described('Put the worker’s signed line on the board, for fifteen seconds', announcementShape);
  app.put('/v1/farm/announcement', { schema, validatorCompiler: () => () => true }, async (request, reply) => {
    const session = sessions.of(request.headers.authorization);
    const line = parseWith<WorkerAnnouncement>(announcementShape, request.body, 'REQUEST_MALFORMED', 'announcement');
    const same = line.address === session.worker && line.sealKey === session.sealKey && line.lanes.join() === session.circuits.join();
    if (!same || !isGenuine(line, domain))
      throw new TacitError('ANNOUNCEMENT_FOREIGN', 'the announcement is not what this worker stated when it logged in', {
        expected: 'its address, circuits and seal key, signed by it',
      });
    await leases.announce(line);
    hands.announced(line.address, line.concurrency ?? 1);
    return reply.status(204).send();
  });
  app.delete('/v1/farm/announcement', { schema: described('Take the line down') }, async (request, reply) => {
    await leases.withdraw(sessions.of(request.headers.authorization).worker);
    return reply.status(204).send();
  });
}

function addTakeRoute(app: FastifyInstance, { sessions, leases, take }: FarmDoor, hands: Hands): void {
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  const polls = new OpenPolls();
  const schema = described('Wait for a job of one of these lanes, and take a lease on it', takeShape, 204);
  app.post('/v1/farm/leases', { schema, validatorCompiler: () => () => true }, async (request, reply) => {
    const session = sessions.of(request.headers.authorization);
    const { lanes } = parseWith<{ lanes: Lane[] }>(takeShape, request.body, 'REQUEST_MALFORMED', 'request for a job');
    const foreign = lanes.find((name) => !session.circuits.includes(name));
    if (foreign !== undefined)
      throw new TacitError('LANE_CLOSED', 'not a circuit of this login', { expected: session.circuits.join(', '), got: foreign });
    const timeUp = new AbortController();
    const withdrawHand = hands.reach(session.worker);
    const endPoll = beginPoll(polls, session.worker, timeUp, withdrawHand);
    let lease: Lease | undefined;
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const timer = setTimeout(() => timeUp.abort(), TAKE_WAIT_MS);
    try {
      lease = await take(lanes, session.worker, AbortSignal.any([gone.signal, closing.signal, timeUp.signal]));
      if (lease === undefined) return await reply.status(204).send();
      // Nobody is there to have it.
      if (gone.signal.aborted) {
        const { lane: back, id, token } = lease;
        lease = undefined;
        return void (await leases.giveBack({ lane: back, id, token }).catch(() => {}));
      }
      return { ...lease, leaseMs: LOCK_DURATION_MS };
    } finally {
      clearTimeout(timer);
      endPoll();
      withdrawHand(lease);
    }
  });
}

function beginPoll(polls: OpenPolls, worker: EvmAddress, timeUp: AbortController, withdrawHand: () => void): () => void {
  try {
    return polls.begin(worker, () => timeUp.abort());
  } catch (error) {
    withdrawHand();
    throw error;
  }
}

function addLeaseRoutes(app: FastifyInstance, { sessions, leases }: FarmDoor, hands: Hands): void {
  const route = <T extends LeaseRef>(name: string, summary: string, shape: z.ZodType, handle: Handle<T>): void => {
    const schema = described(summary, shape, 204);
    app.post(`/v1/farm/leases/${name}`, { schema, validatorCompiler: () => () => true }, async (request: FastifyRequest, reply) => {
      const session = sessions.of(request.headers.authorization);
      const body = parseWith<T>(shape, request.body, 'REQUEST_MALFORMED', name);
      if (!body.token.startsWith(`${session.worker}.`))
        throw new TacitError('LEASE_LOST', 'the job is no longer this worker’s', { got: body.id });
      try {
        await handle(body, session, reply);
      } catch (error) {
        if (isTacitError(error, 'LEASE_LOST')) hands.ended(session.worker, body);
        throw error;
      }
      if (name === 'renew' || name === 'progress') hands.renewed(session.worker, body);
      else hands.ended(session.worker, body);
      return reply.status(204).send();
    });
  };
  route('renew', 'Keep a lease for another three seconds', refShape, (ref) => leases.renew(ref));
  route<LeaseRef & { progress: unknown }>('progress', 'Say how far the work is', progressShape, async (body, { worker }) => {
    const progress = parseFarmProgress(body.progress);
    if (progress === undefined || progress.worker !== worker)
      throw new TacitError('REQUEST_MALFORMED', 'not a report of this worker’s', { expected: 'its own progress' });
    await leases.report(body, progress);
  });
  route<LeaseRef & { answer: unknown }>('answer', 'Hand over a proof or a refusal', answerShape, async (body, { worker }) => {
    const answer = parseFarmAnswer(body.answer);
    const author = 'refused' in answer ? answer.worker : answer.prover;
    if (author !== worker)
      throw new TacitError('ANSWER_FOREIGN', 'the answer is in another worker’s name', { expected: worker, got: author });
    await leases.answer(body, answer);
  });
  route<LeaseRef & { code: string; retryable: boolean }>('failure', 'Say that the job cannot be done', failureShape, (body) =>
    leases.fail(body, body),
  );
  route('return', 'Give the job back for others', refShape, (ref) => leases.giveBack(ref));
}

function described(summary: string, body?: z.ZodType, empty?: number): Record<string, unknown> {
  const object = { type: 'object', additionalProperties: true };
  return {
    tags: ['farm'],
    summary,
    ...(body === undefined ? {} : { body: documented(body) }),
    response: { ...(empty === undefined ? {} : { [empty]: { type: 'null' } }), '2xx': object },
  };
}
