/** Keeps a worker's line on the farm's board: renews it, changes the seal key when due, takes it down at the end. */
import { signerFromKey } from '../protocol/eip712.js';
import type { Domain } from '../protocol/record.js';
import { ANNOUNCE_EVERY_MS, AnnouncementBoard, signAnnouncement } from '../queue/announce.js';
import type { Lane } from '../queue/farmOptions.js';
import type { LogLine } from '../queue/redis.js';
import type { WorkerKeys } from './workerKeys.js';

export interface AnnouncingParameters {
  redisUrl: string;
  domain: Domain;
  keys: WorkerKeys;
  lanes: readonly Lane[];
  log: LogLine;
}

/** Resolves when the first line is up. */
export async function startAnnouncing({ redisUrl, domain, keys, lanes, log }: AnnouncingParameters): Promise<{ stop(): Promise<void> }> {
  const board = new AnnouncementBoard(redisUrl, domain, log);
  const announce = async (): Promise<void> => {
    await keys.rotate(Math.floor(Date.now() / 1000));
    const { publicKey, until } = keys.sealKey;
    const content = { address: keys.address, sealKey: publicKey, lanes: [...lanes], sealKeyUntil: until };
    await board.put(await signAnnouncement(content, domain, signerFromKey(keys.account)));
  };
  await announce();
  const timer = setInterval(() => {
    announce().catch((error: Error) => log(`worker board: ${error.message}`));
  }, ANNOUNCE_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await board.withdraw(keys.address).catch(() => {});
      board.close();
    },
  };
}
