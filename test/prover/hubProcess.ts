/**
 * The node's side of a farm as a process of its own: REDIS_URL. Answers calls of its parent over IPC, and tells it every event.
 */
import { FarmQueue } from '../../queue/farm.js';
import { DOMAIN } from '../protocol/walletSupport.js';
import { envelope } from './farmSupport.js';
import type { HubAnswer, HubCall } from './hub.js';

const farm = await FarmQueue.open({ redisUrl: process.env.REDIS_URL ?? '', domain: DOMAIN, lanes: ['transfer_1'] });
const send = (answer: HubAnswer): void => void process.send?.(answer);
await farm.onEvent((event) => send({ event }));
process.on('message', (call: HubCall) => {
  answer(call).then(
    (value) => send({ id: call.id, value }),
    (error: Error) => send({ id: call.id, error: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));
send({ id: 0, value: 'up' });

function answer(call: HubCall): Promise<unknown> {
  return call.ask === 'publish' ? farm.publish(envelope(call.job)) : farm.outcome(call.job);
}
