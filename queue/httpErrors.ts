/** How a `TacitError` becomes an HTTP answer: one table of codes, one shape of body. */
import type { FastifyReply } from 'fastify';
import { TacitError } from '../protocol/errors.js';

export interface ErrorBody {
  error: { code: string; message: string; expected?: string; got?: string; retryable: boolean };
}

/**
 * Statuses that a client or proxy acts upon. Every other TacitError is the request's fault (400) unless it is retryable,
 * and then it is the node's (503).
 */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  NOT_FOUND: 404,
  TRANSFER_UNKNOWN: 404,
  LOGIN_NODE: 401,
  LOGIN_NONCE: 401,
  LOGIN_EXPIRED: 401,
  LOGIN_REPLAYED: 401,
  LOGIN_SIGNER: 401,
  SESSION_UNKNOWN: 401,
  WORKER_NOT_ADMITTED: 403,
  ARTIFACT_UNKNOWN: 404,
  LEAF_PAGE_UNKNOWN: 404,
  ASSET_UNKNOWN: 404,
  LEASE_LOST: 409,
  SUBMISSION_CONFLICT: 409,
  NULLIFIER_RESERVED: 409,
  NULLIFIER_SPENT: 409,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE: 415,
  RANGE_UNSATISFIABLE: 416,
  NODE_BUSY: 429,
  HANDS_FULL: 429,
  INTERNAL: 500,
};

export function answerError(error: unknown, reply: FastifyReply, { retryAfterSeconds }: { retryAfterSeconds: number }): FastifyReply {
  const known = asTacitError(error);
  const status = STATUS_BY_CODE[known.code] ?? (known.retryable ? 503 : 400);
  if (status === 429 || status === 503) reply.header('retry-after', String(retryAfterSeconds));
  const { code, message, expected, got, retryable } = known.toJSON();
  const body: ErrorBody = {
    error: { code, message, retryable, ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got }) },
  };
  return reply.status(status).send(body);
}

/** Fastify's own complaints are renamed; an unforeseen error tells the outside nothing but that it happened. */
function asTacitError(error: unknown): TacitError {
  if (error instanceof TacitError) return error;
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new TacitError('BODY_TOO_LARGE', 'the request body is too large');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new TacitError('MEDIA_TYPE', 'the body must be JSON', { expected: 'application/json' });
  if (code?.startsWith('FST_ERR_CTP') || error instanceof SyntaxError)
    return new TacitError('BODY_MALFORMED', 'the body is not JSON', { expected: 'a JSON object' });
  if (code === 'FST_ERR_VALIDATION' || statusCode === 400) return new TacitError('REQUEST_MALFORMED', message ?? 'malformed request');
  return new TacitError('INTERNAL', 'the node could not answer', { retryable: true, cause: error });
}
