/** The methods of the node's ports, by name, as they are in the code: what fault points can stand around. */
import { RpcNodeChain } from '../../aggregator/nodeChain.js';
import { BullLeases } from '../../queue/bullLeases.js';
import { FarmQueue } from '../../queue/farm.js';

/** What crash-everywhere's workload has no occasion for: it only looks, belongs to an operator's tool or to the end, or answers a failing worker. */
const NOT_IN_A_WORKLOAD: ReadonlySet<string> = new Set([
  ...['close', 'counts', 'progress', 'recentProvingMs', 'deadLetters', 'deadLetter', 'revive', 'activeSinceMs'].map(
    (name) => `queue.${name}`,
  ),
  ...['close', 'balanceWei'].map((name) => `chain.${name}`),
  ...['close', 'check', 'withdraw', 'fail', 'giveBack', 'renew'].map((name) => `leases.${name}`),
]);

/** Every method that a full workload must pass, sorted. A method that is added to a port is in here by being one. */
export function methodsToPass(): string[] {
  const ports = { queue: FarmQueue.prototype, chain: RpcNodeChain.prototype, leases: BullLeases.prototype };
  const methods = Object.entries(ports).flatMap(([port, prototype]) => methodsOf(prototype).map((name) => `${port}.${name}`));
  return ['journal.transaction', ...methods].filter((name) => !NOT_IN_A_WORKLOAD.has(name)).sort();
}

/** Inherited ones too. */
function methodsOf(prototype: object): string[] {
  if (prototype === Object.prototype) return [];
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => name !== 'constructor' && typeof value === 'function')
    .map(([name]) => name);
  return [...own, ...methodsOf(Object.getPrototypeOf(prototype) as object)];
}
