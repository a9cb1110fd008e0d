/** The gateway's requests, one by one, with the schemas that its OpenAPI description is made of. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { TacitError } from '../protocol/errors.js';
import type { GatewayService } from './service.js';
import { documented, parseSubmission, parseWith, submissionShape, word } from './shapes.js';

const MAX_PAGE = 2 ** 20;
const MAX_ASSET = 2 ** 32 - 1;
const decimal = (max: number) =>
  z
    .string()
    .regex(/^(0|[1-9][0-9]{0,9})$/, 'expected a whole number')
    .transform(Number)
    .refine((n) => n <= max, `expected at most ${max}`);

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'retryable'],
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        expected: { type: 'string' },
        got: { type: 'string' },
        retryable: { type: 'boolean' },
      },
    },
  },
} as const;
const statusSchema = {
  type: 'object',
  required: ['id', 'status', 'times'],
  properties: {
    id: { type: 'string' },
    status: { type: 'string', enum: ['queued', 'proving', 'reseal', 'proven', 'confirmed', 'sealed', 'settled', 'failed'] },
    times: { type: 'object', additionalProperties: { type: 'number' } },
  },
  additionalProperties: true,
} as const;
const anyObject = { type: 'object', additionalProperties: true } as const;

export function addRoutes(app: FastifyInstance, service: GatewayService, limits: { concurrentSubmissions: number }): void {
  addTransferRoutes(app, service, limits);
  addNodeRoutes(app, service);
}

function addTransferRoutes(app: FastifyInstance, service: GatewayService, limits: { concurrentSubmissions: number }): void {
  let inHand = 0;
  const submit = {
    tags: ['transfers'],
    summary: 'Submit a transfer, proven at home or sealed for the farm',
    description: 'Idempotent by id, the hash of the record. The same content again answers its present status.',
    body: documented(submissionShape),
    response: { 202: statusSchema, '4xx': errorSchema, '5xx': errorSchema },
  };
  // The zod shape is the validator; the schema is only shown.
  app.post('/v1/transfers', { schema: submit, validatorCompiler: () => () => true }, async (request, reply) => {
    if (inHand >= limits.concurrentSubmissions)
      throw new TacitError('NODE_BUSY', 'the node is handling as many submissions as it can', { retryable: true });
    inHand++;
    try {
      const status = await service.submit(parseSubmission(request.body));
      return await reply.status(202).send(status);
    } finally {
      inHand--;
    }
  });

  const status = { tags: ['transfers'], summary: 'How far a transfer is', response: { 200: statusSchema, '4xx': errorSchema } };
  app.get<{ Params: { id: string } }>('/v1/transfers/:id', { schema: status }, async (request) => {
    const id = parseWith<string>(word, request.params.id, 'REQUEST_MALFORMED', 'transfer id');
    const known = await service.status(id);
    if (known === undefined) throw new TacitError('TRANSFER_UNKNOWN', 'this node knows no such transfer', { got: id });
    return known;
  });
}

function addNodeRoutes(app: FastifyInstance, service: GatewayService): void {
  const describe = (summary: string) => ({ tags: ['node'], summary, response: { 200: anyObject, '4xx': errorSchema, '5xx': errorSchema } });
  app.get('/v1/info', { schema: describe('Chain, contract, operator, assets, limits') }, async () => service.info());
  app.get('/v1/roster', { schema: describe('Farm workers to seal for, signed by the operator') }, async () => service.roster());
  const health = {
    tags: ['node'],
    summary: 'Whether each part of the node works; 503 where one does not',
    response: { 200: anyObject, 503: anyObject },
  };
  app.get('/v1/health', { schema: health }, async (_request, reply) => {
    const report = await service.health();
    return reply.status(report.ok ? 200 : 503).send(report);
  });
  const quote = {
    ...describe('Fee for a transfer paid in an asset'),
    querystring: { type: 'object', required: ['asset'], properties: { asset: { type: 'string' } } },
  };
  app.get<{ Querystring: { asset: string } }>('/v1/quote', { schema: quote }, async (request) => {
    return service.quote(parseWith<number>(decimal(MAX_ASSET), request.query.asset, 'REQUEST_MALFORMED', 'asset'));
  });
  app.get<{ Params: { page: string } }>(
    '/v1/leaves/:page',
    { schema: describe('A page of the note tree and its subtree root') },
    async (request, reply) => {
      const number = parseWith<number>(decimal(MAX_PAGE - 1), request.params.page, 'REQUEST_MALFORMED', 'page');
      const page = await service.leafPage(number);
      if (page === undefined)
        throw new TacitError('LEAF_PAGE_UNKNOWN', 'the note tree has no such page yet', { got: String(number), retryable: false });
      reply.header('cache-control', page.complete ? 'public, max-age=31536000, immutable' : 'no-store');
      return page;
    },
  );
}
