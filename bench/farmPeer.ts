/** A real worker as a process: REDIS_URL, key file. Says on its channel that it serves; ends with its parent. */
import { resolveArtifacts } from '../circuits/artifacts.js';
import { startWorker } from '../prover/worker.js';
import { WorkerKeys } from '../prover/workerKeys.js';
import { openBullLeases } from '../queue/bullLeases.js';
import { FARM_DOMAIN, FARM_LANES } from './farmJobs.js';

const THREADS = 1;
const keys = await WorkerKeys.load(process.argv[2] ?? '', Math.floor(Date.now() / 1000));
const place = { redisUrl: process.env.REDIS_URL ?? '', domain: FARM_DOMAIN, lanes: FARM_LANES, name: keys.address, worker: keys.address };
const worker = await startWorker({
  leases: await openBullLeases(place),
  domain: FARM_DOMAIN,
  keys,
  lanes: FARM_LANES,
  artifacts: resolveArtifacts,
  threads: THREADS,
});
process.send?.('serving');
process.once('disconnect', () => void worker.stop().then(() => process.exit(0)));
