/** Which way a worker reaches its farm: the farm's Redis, or the gateway of a node. */
import { signerFromKey } from '../protocol/eip712.js';
import { TacitError } from '../protocol/errors.js';
import type { Domain } from '../protocol/record.js';
import type { WorkerKeys } from '../prover/workerKeys.js';
import { openBullLeases } from '../queue/bullLeases.js';
import type { Lane } from '../queue/farmOptions.js';
import { openHttpLeases } from '../queue/httpLeases.js';
import type { LeasePort } from '../queue/lease.js';
import type { LogLine } from '../queue/redis.js';
import { redactUrl } from '../queue/redisUrl.js';

export interface FarmFlags {
  readonly redis?: string;
  readonly node?: string;
}

export type FarmPlace = { readonly node: string; readonly redisUrl?: never } | { readonly redisUrl: string; readonly node?: never };

/** What is said at the command line goes before REDIS_URL. @throws TacitError OPTION_MISSING, USAGE */
export function farmPlace({ redis, node }: FarmFlags): FarmPlace {
  if (node !== undefined && redis !== undefined)
    throw new TacitError('USAGE', 'a worker takes its jobs from one place', { expected: '--redis or --node', got: 'both' });
  if (node !== undefined) return { node };
  const redisUrl = redis ?? process.env.REDIS_URL;
  if (redisUrl === undefined || redisUrl === '')
    throw new TacitError('OPTION_MISSING', 'no farm given', { expected: '--node URL, --redis URL or REDIS_URL' });
  return { redisUrl };
}

/** As it may be printed. */
export function placeText(place: FarmPlace): string {
  return place.node === undefined ? `farm at ${redactUrl(place.redisUrl)}` : `farm of the node at ${place.node}`;
}

/** @throws TacitError as the port of that place does when it opens */
export function openLeases(
  place: FarmPlace,
  { domain, lanes, keys, log }: { domain: Domain; lanes: readonly Lane[]; keys: WorkerKeys; log: LogLine },
): Promise<LeasePort> {
  const worker = keys.address;
  if (place.node === undefined) return openBullLeases({ redisUrl: place.redisUrl, domain, lanes, name: worker, worker, log });
  return openHttpLeases({ node: place.node, domain, worker, sign: signerFromKey(keys.account) });
}
