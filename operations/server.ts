/**
 * The operator's HTTP server, apart from the public gateway: it tells amounts of work and money and must stay inside.
 *
 *   GET /healthz   200 while the process runs its event loop
 *   GET /readyz    200 when it can do its work, else 503; both with one line a part
 *   GET /metrics   Prometheus
 *   GET /status    JSON (a node's: what `tacit farm status` prints)
 *   GET /queues    the queue's board, read-only, behind a password; only where one is set
 *   POST /workers/0x…/admit, /ban   the operator's word about a worker, behind the same password
 */
import basicAuth from '@fastify/basic-auth';
import { sha256 } from '@noble/hashes/sha2.js';
import Fastify, { type FastifyInstance } from 'fastify';
import { constantTimeEqual } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';

export interface OperationsParameters {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  /** Part → `ok` or what is wrong. Ready where every part is ok. */
  readonly readiness: () => Promise<Readonly<Record<string, string>>>;
  readonly status: () => Promise<unknown>;
  readonly board?: QueueBoard;
}

export interface QueueBoard {
  readonly password: string;
  /** Adds the board's routes below a path. */
  readonly register: (app: FastifyInstance, path: string) => Promise<void>;
  /** The operator's word about a worker; answers its record. */
  readonly judge: (worker: EvmAddress, verdict: 'admitted' | 'banned') => Promise<unknown>;
}

export interface RunningOperations {
  readonly url: string;
  close(): Promise<void>;
}

export const BOARD_USER = 'operator';
const BOARD_PATH = '/queues';
const VERDICTS: Readonly<Record<string, 'admitted' | 'banned'>> = { admit: 'admitted', ban: 'banned' };

/** @throws TacitError OPERATIONS_PORT where the port cannot be had */
export async function startOperations(parameters: OperationsParameters): Promise<RunningOperations> {
  const { host, port, metrics, readiness, status, board } = parameters;
  const app = Fastify({ logger: false, forceCloseConnections: true });
  app.get('/healthz', async () => ({ ok: true }));
  app.get('/readyz', async (_request, reply) => {
    const parts = await readiness();
    const ok = Object.values(parts).every((line) => line === 'ok');
    return reply.status(ok ? 200 : 503).send({ ok, parts });
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()));
  app.get('/status', async () => status());
  if (board !== undefined) await addBoard(app, board);
  try {
    const url = await app.listen({ host, port });
    return { url, close: () => app.close() };
  } catch (cause) {
    await app.close();
    throw new TacitError('OPERATIONS_PORT', 'cannot listen for operators', { expected: 'a free port', got: `${host}:${port}`, cause });
  }
}

async function addBoard(app: FastifyInstance, { password, register, judge }: QueueBoard): Promise<void> {
  await app.register(async (inside) => {
    await inside.register(basicAuth, {
      authenticate: { realm: 'tacit queues' },
      validate: async (user, given) => {
        if (!sameText(user, BOARD_USER) || !sameText(given, password)) throw new Error('wrong name or password');
      },
    });
    inside.addHook('onRequest', inside.basicAuth);
    await register(inside, BOARD_PATH);
    inside.post<{ Params: { worker: string; verb: string } }>('/workers/:worker/:verb', async ({ params, headers }, reply) => {
      // A browser that has the password sends it along with whatever any page asks of it; it names the page, and the command line none.
      if (headers.origin !== undefined) return reply.status(403).send({ ok: false });
      const verdict = VERDICTS[params.verb];
      if (verdict === undefined || !/^0x[0-9a-f]{40}$/.test(params.worker)) return reply.status(404).send({ ok: false });
      return judge(params.worker, verdict);
    });
  });
}

/** Of the hashes, so that the time taken tells nothing of the length either. */
function sameText(a: string, b: string): boolean {
  const hash = (text: string) => sha256(new TextEncoder().encode(text));
  return constantTimeEqual(hash(a), hash(b));
}
