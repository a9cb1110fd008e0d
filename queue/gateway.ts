/**
 * The HTTP face of a node: a `GatewayService` behind fastify, its description at /v1/openapi.json.
 *
 *   POST /v1/transfers       idempotent submit: 202 when new or known, 409 for other content under the same id
 *   GET  /v1/transfers/:id   status              GET /v1/info /v1/roster /v1/quote?asset= /v1/leaves/:page /v1/health
 *   GET  /v1/events          server-sent events  GET /v1/openapi.json
 *   /v1/farm/…               workers over HTTP (farmRoutes.ts)
 *   /v1/artifacts/…          circuits' files (artifactRoutes.ts)
 *
 * Every error body is {error: {code, message, expected, got, retryable}}; a node that is full answers 429 with Retry-After.
 * The gateway keeps nothing but the recent events: the service's journal decides what a repeated submission is.
 */
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import { TacitError } from '../protocol/errors.js';
import { addArtifactRoutes } from './artifactRoutes.js';
import type { ArtifactShelf } from './artifactShelf.js';
import { EventLog, streamEvents } from './eventStream.js';
import { addFarmRoutes, type FarmDoor } from './farmRoutes.js';
import { answerError } from './httpErrors.js';
import { addRoutes } from './routes.js';
import type { GatewayService } from './service.js';

export interface GatewayParameters {
  service: GatewayService;
  /** For workers over HTTP; none are served where absent. */
  farm?: FarmDoor;
  /** Circuits' files for workers; none are offered where absent. */
  shelf?: ArtifactShelf;
  /** 0 takes a free port. */
  port?: number;
  host?: string;
  limits?: Partial<GatewayLimits>;
}

export interface GatewayLimits {
  /** Largest request body; a sealed submission to 16 workers takes about 25 kB. */
  bodyBytes: number;
  /** A request that has not arrived whole by then is cut off. */
  requestMs: number;
  /** Submissions being handled at one time; one more is answered 429. */
  concurrentSubmissions: number;
  /** Event streams open at one time. */
  eventStreams: number;
  /** Seconds named in Retry-After. */
  retryAfterSeconds: number;
  heartbeatMs: number;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  bodyBytes: 128 * 1024,
  requestMs: 30_000,
  concurrentSubmissions: 64,
  eventStreams: 256,
  retryAfterSeconds: 1,
  heartbeatMs: 15_000,
};

export interface RunningGateway {
  url: string;
  /** Ends open event streams, answers what is being handled, closes the port. */
  close(): Promise<void>;
}

/** @throws TacitError GATEWAY_PORT where the port cannot be had */
export async function startGateway({
  service,
  port = 0,
  host = '127.0.0.1',
  limits = {},
  ...more
}: GatewayParameters): Promise<RunningGateway> {
  const app = await buildGateway(service, { ...GATEWAY_LIMITS, ...limits }, more);
  try {
    const url = await app.listen({ port, host });
    return { url, close: () => app.close() };
  } catch (cause) {
    await app.close();
    throw new TacitError('GATEWAY_PORT', 'cannot listen for HTTP', { got: `${host}:${port}`, cause });
  }
}

/** The application without a port, for tests that inject requests and for writing the description to a file. */
export async function buildGateway(
  service: GatewayService,
  limits: GatewayLimits,
  { farm, shelf }: Pick<GatewayParameters, 'farm' | 'shelf'> = {},
): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: limits.bodyBytes,
    // Of a request, not of its answer: whoever sends a byte a minute holds a connection no longer.
    requestTimeout: limits.requestMs,
    // Bodies carry sealed witnesses: nothing of a request is logged here.
    logger: false,
    // The request's own shapes (zod) decide; ajv must not rewrite or drop members before they are compared.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    forceCloseConnections: true,
    // What fastify refuses before any route is chosen, such as a path that is no text.
    frameworkErrors: (error, _request, reply) => void answerError(error, reply, limits),
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tacit node', version: '1', description: 'Submit private transfers and follow them to settlement.' },
      tags: [{ name: 'transfers' }, { name: 'node' }, { name: 'farm' }],
    },
  });
  app.setErrorHandler((error, _request, reply) => answerError(error, reply, limits));
  app.setNotFoundHandler((request, reply) =>
    answerError(new TacitError('NOT_FOUND', 'no such resource', { got: `${request.method} ${request.url}` }), reply, limits),
  );

  const events = new EventLog();
  const unsubscribe = service.subscribe((event) => events.add(event));
  app.addHook('onClose', async () => {
    unsubscribe();
    events.end();
  });
  app.addHook('preClose', async () => events.end());
  addRoutes(app, service, limits);
  if (farm !== undefined) addFarmRoutes(app, farm);
  if (shelf !== undefined) addArtifactRoutes(app, shelf);
  streamEvents(app, events, limits);
  app.get('/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.ready();
  return app;
}
