/** A worker process for tests: REDIS_URL, key file, lanes. Prints one line when it serves; drains on SIGTERM. */
import { resolveArtifacts } from '../../circuits/artifacts.js';
import { startWorker } from '../../prover/worker.js';
import { WorkerKeys } from '../../prover/workerKeys.js';
import type { Lane } from '../../queue/farmOptions.js';
import { DOMAIN } from '../protocol/walletSupport.js';

const [, , keyFile = '', lanes = ''] = process.argv;
const keys = await WorkerKeys.load(keyFile, Math.floor(Date.now() / 1000));
const worker = await startWorker({
  redisUrl: process.env.REDIS_URL ?? '',
  domain: DOMAIN,
  keys,
  lanes: lanes.split(',') as Lane[],
  artifacts: resolveArtifacts,
  threads: 1,
  log: (line) => console.log(line),
});
console.log(`serving as ${worker.address}`);
process.on('SIGTERM', () => void worker.drain());
