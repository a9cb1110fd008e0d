/** Keeps a worker's line on the farm's board: renews it, changes the seal key when due, takes it down at the end. */
import { signerFromKey } from '../protocol/eip712.js';
import type { Domain } from '../protocol/record.js';
import { ANNOUNCE_EVERY_MS, signAnnouncement } from '../queue/announce.js';
import type { Lane } from '../queue/farmOptions.js';
import type { LeasePort } from '../queue/lease.js';
import type { LogLine } from '../queue/redis.js';
import type { WorkerKeys } from './workerKeys.js';

export interface AnnouncingParameters {
  leases: Pick<LeasePort, 'announce' | 'withdraw'>;
  domain: Domain;
  keys: WorkerKeys;
  lanes: readonly Lane[];
  concurrency: number;
  provingMs: Partial<Record<Lane, number>>;
  log: LogLine;
}

/** Resolves when the first line is up. */
export async function startAnnouncing({ leases, domain, keys, log, ...machine }: AnnouncingParameters): Promise<{ stop(): Promise<void> }> {
  const announce = async (): Promise<void> => {
    await keys.rotate(Math.floor(Date.now() / 1000));
    const { publicKey, until } = keys.sealKey;
    const content = { address: keys.address, sealKey: publicKey, sealKeyUntil: until, ...machine, lanes: [...machine.lanes] };
    await leases.announce(await signAnnouncement(content, domain, signerFromKey(keys.account)));
  };
  await announce();
  let trouble: string | undefined;
  const timer = setInterval(() => {
    announce().then(
      () => {
        if (trouble !== undefined) log('worker board: the line is up again');
        trouble = undefined;
      },
      (error: Error) => {
        if (error.message !== trouble) log(`worker board: ${error.message}`);
        trouble = error.message;
      },
    );
  }, ANNOUNCE_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await leases.withdraw().catch(() => {});
    },
  };
}
