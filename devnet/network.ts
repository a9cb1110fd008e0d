/**
 * Everything that a rollup needs, started on this machine in this order: circuits and keys, contracts, Redis, chain,
 * deployment, node, workers. Node and workers are processes of their own, as in production.
 *
 * Development only: the keys of the chain's accounts are known to everybody and the proving keys are insecure.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonRpcProvider, NonceManager, Wallet } from 'ethers';
import { resolveArtifacts, type VerifiedArtifacts } from '../circuits/artifacts.js';
import type { BuildProgress } from '../circuits/build.js';
import { CIRCUITS, type CircuitName } from '../protocol/circuit.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import { makeKeyTable } from '../protocol/fold.js';
import type { Domain } from '../protocol/record.js';
import { vkeyFromSnarkjs } from '../protocol/vkey.js';
import { type RedisKind, startRedis } from '../queue/redis.js';
import { startAnvil } from '../verifier-contract/anvil.js';
import { compileContracts } from '../verifier-contract/compile.js';
import { deployRollup, deployTestToken } from '../verifier-contract/deploy.js';
import type { RollupContract } from '../verifier-contract/rollup.js';
import { openRpc } from '../verifier-contract/rpc.js';
import { type RegisteredAsset, readAssets } from '../verifier-contract/token.js';
import { type RunningChild, startChild } from './processes.js';
import { writeSecret } from './secret.js';

export interface DevnetOptions {
  /** Folder of journals, keys and logs; made when missing. */
  readonly dir: string;
  /** Worker processes. */
  readonly workers: number;
  /** Port of the chain's RPC; any free one where absent. */
  readonly rpcPort?: number;
  /** Port of the node's gateway; any free one where absent. */
  readonly nodePort?: number;
  /** A batch that is not full is sealed when its oldest transfer has waited so long. Default 2,000. */
  readonly sealAfterMs?: number;
  /** Threads of one proof of one worker. */
  readonly threadsPerWorker?: number;
  readonly log?: (line: string) => void;
  readonly onProgress?: (progress: BuildProgress) => void;
}

export interface Devnet {
  readonly rpcUrl: string;
  readonly nodeUrl: string;
  readonly domain: Domain;
  readonly rollup: RollupContract;
  /** Index 0 deploys and hands out money, index 1 settles, the others are free. */
  readonly accounts: readonly { readonly address: EvmAddress; readonly privateKey: Hex }[];
  /** Signs as account 0; orders its own nonces, so calls may run side by side. */
  readonly faucet: NonceManager;
  readonly assets: readonly RegisteredAsset[];
  /** Gives an L1 account money out of nowhere. @param wei hexadecimal */
  setBalance(account: EvmAddress, wei: Hex): Promise<void>;
  readonly redis: RedisKind;
  readonly workers: readonly RunningChild[];
  readonly node: RunningChild;
  readonly artifacts: Readonly<Record<'transfer_1' | 'update_2', VerifiedArtifacts>>;
  readonly timesMs: { readonly artifacts: number; readonly start: number };
  stop(): Promise<void>;
}

/** Circuits of a devnet: the smallest of each kind, so that a first run is short. */
const DEVNET_CIRCUITS = ['transfer_1', 'update_2'] as const satisfies readonly CircuitName[];
export const DEVNET_TOKEN = { name: 'Test Dollar', symbol: 'TUSD', decimals: 6 } as const;

const ETHER = 10n ** 18n;
const DEPLOYMENT = {
  queueDelaySeconds: 3_600,
  slotFeeWei: ETHER / 1_000n,
  bondWei: ETHER / 10n,
  dropRewardWei: ETHER / 100n,
  shares: { transferProverBps: 4_000, updateProverBps: 4_000 },
};
const SEAL_AFTER_MS = 2_000;
const NODE_POLICY = ['--settle-after-ms', '3000', '--confirmations', '0'];

/** @throws TacitError of whatever cannot be started; what had started is stopped again */
export async function startDevnet(options: DevnetOptions): Promise<Devnet> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (let end = stops.pop(); end !== undefined; end = stops.pop()) await end();
  };
  try {
    return await start(options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(options: DevnetOptions, stops: (() => Promise<void>)[], stop: () => Promise<void>): Promise<Devnet> {
  const { dir, log = () => {} } = options;
  const startedMs = Date.now();
  const artifacts = await buildArtifacts(options);
  const builtMs = Date.now();
  const logDir = join(dir, 'logs');
  mkdirSync(logDir, { recursive: true });

  const redis = await startRedis({ dir: join(dir, 'redis'), log });
  stops.push(() => redis.stop());
  const anvil = await startAnvil(options.rpcPort === undefined ? {} : { port: options.rpcPort });
  stops.push(() => anvil.stop());
  const provider = await openRpc(anvil.rpcUrl, { pollingMs: 50 });
  stops.push(async () => provider.destroy());
  const faucet = signer(anvil.accounts, 0, provider);
  const { rollup, assets } = await deploy(faucet, accountOf(anvil.accounts, 1).address, artifacts);

  const child = { logDir, env: { REDIS_URL: redis.url } };
  const common = ['--rpc', anvil.rpcUrl, '--contract', rollup.address];
  const settlerKeyFile = writeSecret(join(dir, 'settler.key'), accountOf(anvil.accounts, 1).privateKey);
  const nodeArgs = [
    '--data',
    join(dir, 'node'),
    '--settler-key-file',
    settlerKeyFile,
    '--port',
    String(options.nodePort ?? 0),
    '--update-circuits',
    'update_2',
  ];
  const sealing = ['--seal-after-ms', String(options.sealAfterMs ?? SEAL_AFTER_MS)];
  const node = await startChild({ ...child, name: 'node', args: ['node', ...common, ...nodeArgs, ...sealing, ...NODE_POLICY] });
  stops.push(() => node.stop());
  const threads = ['--threads', String(options.threadsPerWorker ?? 1)];
  const workers = await Promise.all(
    Array.from({ length: options.workers }, (_, i) => {
      const keys = ['--keys', join(dir, `worker-${i + 1}.json`), '--lanes', DEVNET_CIRCUITS.join(',')];
      return startChild({ ...child, name: `worker-${i + 1}`, args: ['worker', ...common, ...keys, ...threads] });
    }),
  );
  stops.push(async () => void (await Promise.all(workers.map((worker) => worker.stop()))));

  return {
    rpcUrl: anvil.rpcUrl,
    nodeUrl: node.facts.url ?? '',
    domain: await rollup.domain(),
    rollup,
    accounts: anvil.accounts,
    faucet,
    assets,
    setBalance: async (account, wei) => void (await provider.send('anvil_setBalance', [account, wei])),
    redis: redis.kind,
    workers,
    node,
    artifacts,
    timesMs: { artifacts: builtMs - startedMs, start: Date.now() - builtMs },
    stop,
  };
}

async function buildArtifacts({ onProgress }: DevnetOptions): Promise<Devnet['artifacts']> {
  const build = onProgress === undefined ? {} : { onProgress };
  const [transfer, update] = await Promise.all([
    resolveArtifacts('transfer_1', build),
    resolveArtifacts('update_2', build),
    compileContracts(),
  ]);
  return { transfer_1: transfer, update_2: update };
}

async function deploy(
  faucet: NonceManager,
  aggregator: EvmAddress,
  artifacts: Devnet['artifacts'],
): Promise<{ rollup: RollupContract; assets: RegisteredAsset[] }> {
  const keyTable = makeKeyTable(DEVNET_CIRCUITS.map((name) => [CIRCUITS[name].id, vkeyFromSnarkjs(artifacts[name].vkey)] as const));
  const rollup = await deployRollup(faucet, { ...DEPLOYMENT, aggregator, keyTable });
  const token = await deployTestToken(faucet, DEVNET_TOKEN.name, DEVNET_TOKEN.symbol, DEVNET_TOKEN.decimals);
  await rollup.registerAsset(token);
  return { rollup, assets: await readAssets(rollup) };
}

function signer(accounts: Devnet['accounts'], index: number, provider: JsonRpcProvider): NonceManager {
  return new NonceManager(new Wallet(accountOf(accounts, index).privateKey, provider));
}

function accountOf(accounts: Devnet['accounts'], index: number): Devnet['accounts'][number] {
  const account = accounts[index];
  if (account === undefined) throw new RangeError(`the chain has no account ${index}`);
  return account;
}
