/**
 * A consumer process for tests that takes one job and never answers, by Redis (REDIS_URL) or through a gateway (NODE_URL). Prints
 * the id it took; dies when killed.
 */
import { signerFromKey } from '../../protocol/eip712.js';
import { consumeFarm } from '../../queue/farmWorker.js';
import type { LeasePort } from '../../queue/lease.js';
import { keyOf, lineOf, openLeasesOf } from './leaseSupport.js';
import { DOMAIN } from './smallNode.js';

const lanes = ['update_2'] as const;
const key = keyOf(9);
const { NODE_URL: node, REDIS_URL: redisUrl = '' } = process.env;
const leases: LeasePort = await openLeasesOf(node === undefined ? { redisUrl } : { node }, key, lanes);
await leases.announce(await lineOf(key, lanes, DOMAIN, signerFromKey(key)));
consumeFarm({
  leases,
  lanes,
  handler: (job) => {
    console.log(`took ${job.id}`);
    return new Promise(() => {});
  },
});
