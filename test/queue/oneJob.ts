/** A process of its own, so that it trusts what its environment says: publishes one job, takes it, answers it, and prints the outcome. */
import { evmAddressOfKey } from '../../protocol/eip712.js';
import { isTacitError } from '../../protocol/errors.js';
import { openBullLeases } from '../../queue/bullLeases.js';
import { FarmQueue } from '../../queue/farm.js';
import { envelope, settled } from '../prover/farmSupport.js';
import { keyOf } from './leaseSupport.js';
import { DOMAIN } from './smallNode.js';

const LANES = ['update_2'] as const;
const [redisUrl, worker] = [process.env.REDIS_URL as string, evmAddressOfKey(keyOf(1))];

try {
  const farm = await FarmQueue.open({ redisUrl, domain: DOMAIN, lanes: LANES });
  const leases = await openBullLeases({ redisUrl, domain: DOMAIN, lanes: LANES, name: worker, worker });
  await farm.publish(envelope({ kind: 'update', id: 'update-one', circuit: 'update_2', input: { startIndex: '4' } }));
  const lease = await leases.take(LANES, new AbortController().signal);
  if (lease === undefined) throw new Error('nothing was taken');
  await leases.renew(lease);
  await leases.answer(lease, {
    circuit: 'update_2',
    proof: `0x${'00'.repeat(256)}`,
    h: `0x${'00'.repeat(32)}`,
    prover: worker,
    provingMs: 1,
  });
  console.log((await settled(farm, lease.id)).state);
  await leases.close();
  await farm.close();
} catch (error) {
  console.log(isTacitError(error) ? `${error.code} ${error.message}` : String(error));
}
process.exit(0);
