/**
 * bull-board over the farm's lanes, to look at and not to touch: what it shows of a transfer job is ciphertext, and what it
 * could change (retry, remove) belongs to the node's journal.
 */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { Queue } from 'bullmq';
import type { FastifyInstance } from 'fastify';
import type { Domain } from '../protocol/record.js';
import { farmPrefix, LANES, QUEUE_OPTIONS } from './farmOptions.js';
import type { LogLine } from './redis.js';
import { farmConnection } from './redisClient.js';

export interface FarmBoard {
  /** Adds the board's pages to an application below a path. */
  register(app: FastifyInstance, path: string): Promise<void>;
  close(): Promise<void>;
}

export function openBoard(redisUrl: string, domain: Domain, log: LogLine = () => {}): FarmBoard {
  const prefix = farmPrefix(domain);
  const { connection, close } = farmConnection(redisUrl);
  const queues = LANES.map((lane) => new Queue(lane, { ...QUEUE_OPTIONS, connection, prefix }));
  for (const queue of queues) queue.on('error', (error) => log(`queue board: ${error.message}`));
  return {
    register: async (app, path) => {
      const adapter = new FastifyAdapter();
      createBullBoard({ queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })), serverAdapter: adapter });
      adapter.setBasePath(path);
      await app.register(adapter.registerPlugin(), { prefix: path });
    },
    close: async () => {
      await Promise.all(queues.map((queue) => queue.close()));
      close();
    },
  };
}
