/**
 * Everything that a rollup needs, started on this machine. What does not wait for one another is started side by side:
 *
 *   1  circuits and keys, contracts ┊ Redis ┊ chain
 *   2  deployment
 *   3  node ┊ workers ┊ whatever the caller does `meanwhile` on the chain
 *
 * Node and workers are processes of their own, as in production.
 *
 * Development only: the keys of the chain's accounts are known to everybody and the proving keys are insecure.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonRpcProvider, NonceManager, Wallet } from 'ethers';
import { type CheckedBuild, resolveVerifyingKey } from '../circuits/artifacts.js';
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
import { type ChildCommand, type RunningChild, startChild } from './processes.js';
import { writeSecret } from './secret.js';

export interface DevnetOptions {
  /** Folder of journals, keys and logs; made when missing. */
  readonly dir: string;
  /** Worker processes. */
  readonly workers: number;
  /** Port of the chain's RPC; any free one where absent. */
  readonly rpcPort?: number;
  /** A block every so often beside those of transactions: what awaits confirmations gets them when nobody does anything. */
  readonly idleBlockMs?: number;
  /** Port of the node's gateway; any free one where absent. */
  readonly nodePort?: number;
  /** Port of the node's server for operators; none where absent. */
  readonly opsPort?: number;
  /** A batch that is not full is sealed when its oldest transfer has waited so long. Default 2,000. */
  readonly sealAfterMs?: number;
  /** Threads of one proof of one worker. */
  readonly threadsPerWorker?: number;
  readonly log?: (line: string) => void;
  readonly onProgress?: (progress: BuildProgress) => void;
  /** Begun as soon as the contract stands, while node and workers come up; the start ends when both are done. */
  readonly meanwhile?: (ground: DevnetGround) => Promise<void>;
}

/** The part of a devnet that needs neither node nor workers. */
export interface DevnetGround {
  readonly rpcUrl: string;
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
  /** Holds the password of a server that was started here. */
  readonly redisUrl: string;
  /** Only the verifying keys are checked here: who proves checks the rest. */
  readonly artifacts: Readonly<Record<'transfer_1' | 'update_2', CheckedBuild>>;
}

export interface Devnet extends DevnetGround {
  readonly nodeUrl: string;
  /** Where operators look, if a port was given. */
  readonly opsUrl?: string;
  readonly workers: readonly RunningChild[];
  readonly node: RunningChild;
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
/** Blocks are made at once here, so hardly anything is won by waiting for a second update; what waits are the payments behind it. */
const NODE_POLICY = ['--settle-after-ms', '500', '--confirmations', '0'];

/** @throws TacitError of whatever cannot be started; what had started is stopped again */
export async function startDevnet(options: DevnetOptions): Promise<Devnet> {
  const stops: Stops = { children: [], ground: [] };
  const stop = async (): Promise<void> => {
    await Promise.all(stops.children.splice(0).map((end) => end()));
    for (const end of stops.ground.splice(0).reverse()) await end();
  };
  try {
    return await start(options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What has started, each as the way to end it. */
interface Stops {
  readonly children: (() => Promise<void>)[];
  /** In the order of their start: each may use those before it. */
  readonly ground: (() => Promise<void>)[];
}

async function start(options: DevnetOptions, stops: Stops, stop: () => Promise<void>): Promise<Devnet> {
  const { dir, meanwhile = async () => {} } = options;
  const startedMs = Date.now();
  const logDir = join(dir, 'logs');
  mkdirSync(logDir, { recursive: true });
  const [{ artifacts, builtMs }, redis, anvil] = await allOrFirstError([
    buildArtifacts(options),
    redisOf(options, stops),
    anvilOf(options, stops),
  ]);
  const provider = await openRpc(anvil.rpcUrl, { pollingMs: 50 });
  stops.ground.push(async () => provider.destroy());
  const faucet = signer(anvil.accounts, 0, provider);
  const { rollup, assets } = await deploy(faucet, accountOf(anvil.accounts, 1).address, artifacts);
  const ground: DevnetGround = {
    rpcUrl: anvil.rpcUrl,
    domain: await rollup.domain(),
    rollup,
    accounts: anvil.accounts,
    faucet,
    assets,
    setBalance: async (account, wei) => void (await provider.send('anvil_setBalance', [account, wei])),
    redis: redis.kind,
    redisUrl: redis.url,
    artifacts,
  };
  const onSpawn = (end: () => Promise<void>): void => void stops.children.push(end);
  const child = { logDir, env: { REDIS_URL: redis.url }, onSpawn };
  const [node, workers] = await allOrFirstError([
    startNode(ground, child, options),
    startWorkers(ground, child, options),
    meanwhile(ground),
  ]);
  return {
    ...ground,
    nodeUrl: node.facts.url ?? '',
    ...(node.facts.ops === undefined ? {} : { opsUrl: node.facts.ops }),
    workers,
    node,
    timesMs: { artifacts: builtMs - startedMs, start: Date.now() - builtMs },
    stop,
  };
}

/** Like Promise.all, but ends only when all have ended: what comes up after a failure must be known, to be stopped. */
async function allOrFirstError<T extends readonly unknown[]>(running: { readonly [I in keyof T]: Promise<T[I]> }): Promise<T> {
  await Promise.allSettled(running);
  return (await Promise.all(running)) as unknown as T;
}

async function redisOf({ dir, log = () => {} }: DevnetOptions, stops: Stops) {
  const redis = await startRedis({ dir: join(dir, 'redis'), log });
  stops.ground.push(() => redis.stop());
  return redis;
}

async function anvilOf({ rpcPort, idleBlockMs }: DevnetOptions, stops: Stops) {
  const anvil = await startAnvil({
    ...(rpcPort === undefined ? {} : { port: rpcPort }),
    ...(idleBlockMs === undefined ? {} : { blockTimeMs: idleBlockMs, mixedMining: true }),
  });
  stops.ground.push(() => anvil.stop());
  return anvil;
}

type ChildSetting = Pick<ChildCommand, 'logDir' | 'env' | 'onSpawn'>;

function startNode({ rpcUrl, rollup, accounts }: DevnetGround, child: ChildSetting, options: DevnetOptions): Promise<RunningChild> {
  const { dir, nodePort = 0, opsPort, sealAfterMs = SEAL_AFTER_MS } = options;
  const settlerKeyFile = writeSecret(join(dir, 'settler.key'), accountOf(accounts, 1).privateKey);
  const where = ['--rpc', rpcUrl, '--contract', rollup.address, '--data', join(dir, 'node'), '--port', String(nodePort)];
  const what = ['--settler-key-file', settlerKeyFile, '--update-circuits', 'update_2', '--seal-after-ms', String(sealAfterMs)];
  const watched = opsPort === undefined ? [] : ['--ops-port', String(opsPort)];
  return startChild({ ...child, name: 'node', args: ['node', ...where, ...what, ...watched, ...NODE_POLICY] });
}

function startWorkers({ rpcUrl, rollup }: DevnetGround, child: ChildSetting, options: DevnetOptions): Promise<RunningChild[]> {
  const { dir, workers, threadsPerWorker = 1 } = options;
  const farm = ['--rpc', rpcUrl, '--contract', rollup.address, '--lanes', DEVNET_CIRCUITS.join(','), '--threads', String(threadsPerWorker)];
  const names = Array.from({ length: workers }, (_, i) => `worker-${i + 1}`);
  return allOrFirstError(
    names.map((name) => startChild({ ...child, name, args: ['worker', ...farm, '--keys', join(dir, `${name}.json`)] })),
  );
}

async function buildArtifacts({ onProgress }: DevnetOptions): Promise<{ artifacts: Devnet['artifacts']; builtMs: number }> {
  const build = onProgress === undefined ? {} : { onProgress };
  const [transfer, update] = await Promise.all([
    resolveVerifyingKey('transfer_1', build),
    resolveVerifyingKey('update_2', build),
    compileContracts(),
  ]);
  return { artifacts: { transfer_1: transfer, update_2: update }, builtMs: Date.now() };
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
