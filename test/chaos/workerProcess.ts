/** A simulated worker in a process of its own: tells each phase of each job, and misbehaves as it is told to. */
import { hexToBytes } from '../../protocol/bytes.js';
import { evmAddressOfKey, signerFromKey } from '../../protocol/eip712.js';
import { TacitError } from '../../protocol/errors.js';
import type { FarmJob, FarmResult } from '../../queue/contracts.js';
import { openHttpLeases } from '../../queue/httpLeases.js';
import { type SimulatedWorker, startSimulatedWorker, type WorkerPhase } from '../aggregator/simulatedFarm.js';
import type { WorkerChildConfig, WorkerReply, WorkerRequest } from './workerMessages.js';

let worker: SimulatedWorker | undefined;
let misdeeds: Misdeeds | undefined;

async function start(config: WorkerChildConfig): Promise<void> {
  const { chainId, contract } = config.domain;
  misdeeds = new Misdeeds(config);
  const { at, spoil } = misdeeds;
  const domain = { chainId: BigInt(chainId), contract };
  const key = hexToBytes(config.key, 32);
  const { nodeUrl: node } = config;
  const login = { domain, worker: evmAddressOfKey(key), sign: signerFromKey(key) };
  worker = await startSimulatedWorker({
    redisUrl: config.redisUrl,
    domain,
    key,
    ...(node === undefined ? {} : { open: () => openHttpLeases({ node, ...login }) }),
    ...(config.lanes === undefined ? {} : { lanes: config.lanes }),
    at,
    spoil: (_, result) => spoil(result),
  });
  reply({ kind: 'ready', address: worker.address });
}

class Misdeeds {
  #jobs = 0;
  #before: FarmResult | undefined;
  #behaves = false;
  #letGo: () => void = () => {};

  constructor(readonly config: WorkerChildConfig) {}

  behave(): void {
    this.#behaves = true;
    this.#letGo();
  }

  readonly at = async (phase: WorkerPhase, job: FarmJob): Promise<void> => {
    if (phase === 'taken') this.#jobs++;
    reply({ kind: 'phase', phase, job: job.id, atMs: Date.now() });
    const { misdeed, proofMs = 0 } = this.config;
    if (phase === 'proving' && proofMs > 0) await new Promise((resolve) => setTimeout(resolve, proofMs));
    if (this.#isHonest() || misdeed === undefined) return;
    if (misdeed.kind === 'hang' && misdeed.at === phase) await new Promise<void>((resolve) => (this.#letGo = resolve));
    if (misdeed.kind === 'peg' && phase === 'proving') blockEventLoop(misdeed.forMs);
    if (misdeed.kind === 'choke' && phase === 'proving' && job.id.includes(misdeed.on))
      throw new TacitError('PROVER_MEMORY', 'out of memory', { retryable: true });
  };

  readonly spoil = (result: FarmResult): FarmResult => {
    const before = this.#before;
    this.#before = result;
    if (this.#isHonest()) return result;
    if (this.config.misdeed?.kind === 'garbage') return { ...result, proof: `0x${'5a'.repeat(256)}` };
    if (this.config.misdeed?.kind === 'other' && before !== undefined) return before;
    return result;
  };

  #isHonest(): boolean {
    return this.#behaves || this.#jobs <= (this.config.honestJobs ?? 0);
  }
}

function blockEventLoop(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

function reply(message: WorkerReply): void {
  if (process.connected) process.send?.(message, () => {});
}

process.on('message', (request: WorkerRequest) => {
  if (request.kind === 'start') void start(request.config);
  else if (request.kind === 'behave') misdeeds?.behave();
  else void worker?.stop().then(() => process.disconnect());
});
process.once('disconnect', () => process.exit(0));
