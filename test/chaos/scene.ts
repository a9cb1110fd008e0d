/**
 * Where scenarios play: a real chain, a contract with simulated keys, a real Redis that can be hurt, nodes and workers in
 * processes that can be killed. Whatever a scene started, `stop` ends.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { makeWorld, type World } from '../aggregator/world.js';
import { NodeChild } from './nodeChild.js';
import type { NodeChildConfig } from './nodeMessages.js';
import { freePort, RedisServer } from './redisServer.js';
import { WorkerChild } from './workerChild.js';
import type { WorkerChildConfig } from './workerMessages.js';

/** Nothing waits long, and the view of the chain is stored all the time. */
const POLICY = {
  groupAfterMs: 50,
  sealAfterMs: 60,
  settleAfterMs: 150,
  tickMs: 30,
  bumpAfterMs: 1_500,
  queueTimeoutMs: 1_000,
  checkpointBlocks: 1,
} as const;
const LAST_WORDS = 20;
/** Accounts of the chain: 0 settles, 1 deposits, workers from here on. */
const FIRST_WORKER_ACCOUNT = 3;

export interface Scene {
  readonly world: World;
  readonly redis: RedisServer;
  /** What the nodes have logged, in order. */
  readonly lines: string[];
  /** The journal that `node()` uses. */
  readonly journalDir: string;
  /** Starts a node on the scene's port and journal; undefined where it died at its `death` point before it served. */
  tryNode(change?: Partial<NodeChildConfig>, contained?: boolean): Promise<NodeChild | undefined>;
  /** The same for a node that must come up. */
  node(change?: Partial<NodeChildConfig>, contained?: boolean): Promise<NodeChild>;
  worker(change?: Partial<WorkerChildConfig>): Promise<WorkerChild>;
  /** A folder that is gone with the scene. */
  folder(): Promise<string>;
  stop(): Promise<void>;
}

export async function makeScene(): Promise<Scene> {
  const redis = await RedisServer.start();
  const world = await makeWorld(redis);
  const { deploymentBlock } = await world.rollup.config();
  const port = await freePort();
  const lines: string[] = [];
  const nodes: NodeChild[] = [];
  const workers: WorkerChild[] = [];
  const folders: string[] = [];
  const domain = { chainId: String(world.domain.chainId), contract: world.domain.contract };
  const tryNode = async (change: Partial<NodeChildConfig> = {}, contained = false): Promise<NodeChild | undefined> => {
    const config: NodeChildConfig = {
      domain,
      deploymentBlock,
      rpcUrl: world.anvil.rpcUrl,
      redisUrl: redis.url,
      journalDir: world.journalDir,
      settlerKey: world.anvil.accounts[0]?.privateKey as string,
      assets: [{ id: 0, token: ZERO_ADDRESS, symbol: 'ETH', decimals: 18 }],
      port,
      ...change,
      policy: { ...POLICY, ...change.policy },
    };
    const node = await NodeChild.start(config, lines, contained);
    if (node !== undefined) nodes.push(node);
    return node;
  };
  return {
    world,
    redis,
    lines,
    journalDir: world.journalDir,
    tryNode,
    node: async (change, contained) => {
      const node = await tryNode(change, contained);
      if (node === undefined) throw new Error(`the node died while starting; its last words: ${lines.slice(-3).join(' | ')}`);
      return node;
    },
    worker: async (change = {}) => {
      const account = world.anvil.accounts[FIRST_WORKER_ACCOUNT + (workers.length % 6)];
      const worker = await WorkerChild.start({ redisUrl: redis.url, domain, key: account?.privateKey as string, ...change });
      workers.push(worker);
      return worker;
    },
    folder: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tacit-chaos-'));
      folders.push(folder);
      return folder;
    },
    stop: async () => {
      await Promise.all([...workers, ...nodes].map((child) => child.kill()));
      await world.stop();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Plays with a scene that is gone afterwards, however the play ends. */
export async function withScene<T>(play: (scene: Scene) => Promise<T>): Promise<T> {
  const scene = await makeScene();
  try {
    return await play(scene);
  } catch (cause) {
    throw new Error(
      `${cause instanceof Error ? cause.message : String(cause)}\nThe nodes' last words:\n${scene.lines.slice(-LAST_WORDS).join('\n')}`,
      { cause },
    );
  } finally {
    await scene.stop();
  }
}

/** A folder that is gone afterwards. */
export async function withFolder<T>(play: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tacit-chaos-'));
  try {
    return await play(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
