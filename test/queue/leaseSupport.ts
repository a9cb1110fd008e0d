/** Workers without proofs, and a gateway with nothing behind it but the farm: for tests of leases, logins and the board. */
import { type DigestSigner, evmAddressOfKey, signerFromKey } from '../../protocol/eip712.js';
import type { Domain } from '../../protocol/record.js';
import { signAnnouncement, type WorkerAnnouncement } from '../../queue/announce.js';
import { BullLeases, openBullLeases } from '../../queue/bullLeases.js';
import type { Lane } from '../../queue/farmOptions.js';
import type { FarmDoor } from '../../queue/farmRoutes.js';
import { type RunningGateway, startGateway } from '../../queue/gateway.js';
import { openHttpLeases } from '../../queue/httpLeases.js';
import type { LeasePort } from '../../queue/lease.js';
import { FarmSessions, type SessionParameters } from '../../queue/sessions.js';
import { DOMAIN, SmallNode } from './smallNode.js';

export const FAR_FUTURE_SECONDS = 4_000_000_000;

/** A worker's private key, made from a number. */
export function keyOf(n: number): Uint8Array {
  return new Uint8Array(32).fill(n);
}

export function lineOf(key: Uint8Array, lanes: readonly Lane[], domain: Domain, sign: DigestSigner): Promise<WorkerAnnouncement> {
  const sealKey = `0x${'5a'.repeat(32)}`;
  return signAnnouncement({ address: evmAddressOfKey(key), sealKey, lanes: [...lanes], sealKeyUntil: FAR_FUTURE_SECONDS }, domain, sign);
}

export type FarmAt = { redisUrl: string; node?: never } | { node: string; redisUrl?: never };

export function openLeasesOf(at: FarmAt, key: Uint8Array, lanes: readonly Lane[], given?: typeof fetch): Promise<LeasePort> {
  const worker = evmAddressOfKey(key);
  if (at.node === undefined) return openBullLeases({ redisUrl: at.redisUrl, domain: DOMAIN, lanes, name: worker, worker });
  const own = given === undefined ? {} : { fetch: given };
  return openHttpLeases({ node: at.node, domain: DOMAIN, worker, sign: signerFromKey(key), ...own });
}

export interface FarmGateway extends RunningGateway {
  /** Ends like a killed node: sessions are forgotten, leases are not given back. */
  close(): Promise<void>;
}

/** @param port 0 for a free one */
export async function startFarmGateway(
  redisUrl: string,
  lanes: readonly Lane[],
  { port = 0, sessions = {} }: { port?: number; sessions?: Partial<SessionParameters> } = {},
): Promise<FarmGateway> {
  const leases = await BullLeases.open({ redisUrl, domain: DOMAIN, lanes, name: 'gateway' });
  const door: FarmDoor = {
    domain: DOMAIN,
    sessions: new FarmSessions({ domain: DOMAIN, ...sessions }),
    leases,
    take: (wanted, worker, signal) => leases.take(wanted, worker, signal),
  };
  const gateway = await startGateway({ service: new SmallNode(), farm: door, port });
  return {
    url: gateway.url,
    close: async () => {
      await gateway.close();
      await leases.close();
    },
  };
}
