/** A consumer process for tests that takes one job and never answers: REDIS_URL. Prints the id it took; dies when killed. */
import { consumeFarm } from '../../queue/farmWorker.js';
import { DOMAIN } from './smallNode.js';

await consumeFarm({
  redisUrl: process.env.REDIS_URL ?? '',
  domain: DOMAIN,
  lanes: ['update_2'],
  name: 'silent',
  handler: (job) => {
    console.log(`took ${job.id}`);
    return new Promise(() => {});
  },
});
