/** A worker process for tests: REDIS_URL, key file, lanes. Prints one line when it serves; drains on SIGTERM. */
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { startWorker } from '../../prover/worker.js';
import { WorkerKeys } from '../../prover/workerKeys.js';
import { openBullLeases } from '../../queue/bullLeases.js';
import type { Lane } from '../../queue/farmOptions.js';
import { domainOfProcess } from './farmSupport.js';

const [, , keyFile = '', lanes = ''] = process.argv;
const keys = await WorkerKeys.load(keyFile, Math.floor(Date.now() / 1000));
const served = lanes.split(',') as Lane[];
const redisUrl = process.env.REDIS_URL ?? '';
const domain = domainOfProcess();
const worker = await startWorker({
  leases: await openBullLeases({ redisUrl, domain, lanes: served, name: keys.address, worker: keys.address }),
  domain,
  keys,
  lanes: served,
  artifacts: resolveArtifacts,
  threads: 1,
  log: (line) => console.log(line),
});
console.log(`serving as ${worker.address}`);
process.on('SIGTERM', () => void worker.drain());
