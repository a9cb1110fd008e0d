/**
 * `tacit worker`: serves a farm until told to stop. The first interrupt drains (the proof in hand is finished), a second
 * one breaks off, and the job goes to another worker at once. What it has earned: workerRewards.ts.
 */
import type { Command } from 'commander';
import { processLog } from '../operations/logger.js';
import { watchWorker } from '../operations/workerOperations.js';
import { CIRCUITS } from '../protocol/circuit.js';
import { TacitError } from '../protocol/errors.js';
import type { KeyTable } from '../protocol/fold.js';
import { vkeyFromSnarkjs, vkeyToSnarkjs } from '../protocol/vkey.js';
import { BACKEND_NAMES } from '../prover/prove.js';
import { type ProvingArtifacts, startWorker } from '../prover/worker.js';
import { WorkerKeys } from '../prover/workerKeys.js';
import { LANES, type Lane } from '../queue/farmOptions.js';
import { decodeKeyBlob } from '../verifier-contract/keyBlob.js';
import { RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { announceReady, endWithinLimit, onParentGone } from './lifetime.js';
import { type CommandResult, runs, say } from './output.js';
import { logFormat, type WatchFlags, watchingOptions, withWatchFlags } from './watchFlags.js';
import { workerArtifacts } from './workerArtifacts.js';
import { registerWorkerCalibrate } from './workerCalibrate.js';
import { type FarmFlags, farmPlace, openLeases, placeText } from './workerFarm.js';
import { type MachineFlags, machineTerms, servedLanes } from './workerMachine.js';
import { registerWorkerReplay } from './workerReplay.js';
import { registerWorkerRewards } from './workerRewards.js';

interface WorkerFlags extends WatchFlags, FarmFlags, MachineFlags {
  rpc: string;
  contract: string;
  keys: string;
}

export function registerWorker(program: Command): void {
  const group = program.command('worker').description('prove for a farm: take jobs from its Redis or its node, be paid per proof');
  registerWorkerRewards(group);
  registerWorkerCalibrate(group);
  registerWorkerReplay(group);
  // `tacit worker` without a further word serves.
  const worker = group
    .command('serve', { isDefault: true })
    .description('take jobs and prove them until told to stop')
    .option('--redis <url>', 'Redis of the farm (default: REDIS_URL)')
    .option('--node <url>', 'instead of Redis: the gateway of the node, which asks for a login with the worker’s key')
    .requiredOption('--rpc <url>', 'JSON-RPC of the chain', process.env.TACIT_RPC)
    .requiredOption('--contract <address>', 'rollup contract', process.env.TACIT_CONTRACT)
    .requiredOption('--keys <file>', 'worker keys, made when missing (mode 600)')
    .option('--config <file>', 'what `tacit worker calibrate` wrote; what the options below say goes before it')
    .option('--lanes <list>', `circuits to prove, of ${LANES.join(', ')} (default: all that the contract has)`)
    .option('--concurrency <n>', 'proofs at a time (default: 1)')
    .option('--threads <n>', 'threads a proof uses')
    .option('--backend <name>', `${BACKEND_NAMES.join(', ')} (auto: a GPU where it was measured to be faster)`)
    .addHelpText(
      'after',
      '\nExample:\n  tacit worker --redis redis://farm:6379 --rpc http://127.0.0.1:8545 --contract 0x… --keys worker.json --lanes transfer_1,update_8',
    );
  runs<WorkerFlags>(withWatchFlags(worker), runWorker);
}

async function runWorker(flags: WorkerFlags): Promise<CommandResult> {
  const place = farmPlace(flags);
  const machine = await machineTerms(flags);
  const watching = watchingOptions(flags);
  const log = processLog('worker', logFormat(flags));
  const contract = new RollupContract(flags.contract, await openRpc(flags.rpc));
  await contract.assertDeployed();
  const onChain = decodeKeyBlob(await contract.keyBlob());
  const lanes = servedLanes(machine, onChain);
  const keys = await WorkerKeys.load(flags.keys, Math.floor(Date.now() / 1000));
  const domain = await contract.domain();
  log.line(`worker ${keys.address}, ${placeText(place)}`);
  const leases = await openLeases(place, { domain, lanes, keys, log: (line) => log.line(line) });
  const watch = await watchWorker({ leases, lanes }, watching, log);
  try {
    const worker = await startWorker({
      leases,
      domain,
      keys,
      lanes,
      ...machine.terms,
      provingMs: machine.provingMs(lanes),
      artifacts: async (circuit) => matching(await workerArtifacts(circuit, place.node), circuit, onChain),
      log: (line) => log.line(line),
      observer: watch.observer,
    });
    announceReady({ address: worker.address, ...(watch.url === undefined ? {} : { ops: watch.url }) });
    await untilInterrupted(worker);
    return { value: { worker: worker.address, lanes, ended: true }, text: `worker ${worker.address} ended` };
  } finally {
    contract.provider.destroy();
    await watch.close();
  }
}

/** A worker with another key than the contract's would prove all day for nothing. */
function matching(artifacts: ProvingArtifacts, circuit: Lane, onChain: KeyTable): ProvingArtifacts {
  const expected = onChain.get(CIRCUITS[circuit].id);
  const same =
    expected !== undefined && JSON.stringify(vkeyToSnarkjs(expected)) === JSON.stringify(vkeyToSnarkjs(vkeyFromSnarkjs(artifacts.vkey)));
  if (!same) {
    throw new TacitError('ARTIFACT_KEY', `the contract verifies ${circuit} with another key than this machine's`, {
      expected: "the contract's key",
      docs: 'how-to/run-a-worker.md',
    });
  }
  return artifacts;
}

function untilInterrupted(worker: { drain(): Promise<void>; stop(): Promise<void> }): Promise<void> {
  return new Promise((resolve, reject) => {
    let interrupts = 0;
    const onSignal = (): void => {
      interrupts++;
      say(interrupts === 1 ? 'finishing the proof in hand; interrupt again to break it off' : 'breaking off');
      (interrupts === 1 ? worker.drain() : worker.stop()).then(() => {
        for (const signal of SIGNALS) process.off(signal, onSignal);
        resolve();
      }, reject);
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
    // A worker that was started by a devnet ends with it.
    onParentGone(() => {
      endWithinLimit();
      onSignal();
    });
  });
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
