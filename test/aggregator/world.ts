/** A chain, a contract with simulated keys, a real Redis, and room for nodes and workers: what each test of the node starts with. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import type { NodeConfig, NodePolicy } from '../../aggregator/config.js';
import { type RunningNode, startNode } from '../../aggregator/node.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { type Domain, encodeRecord, recordHash, type TransferRecord } from '../../protocol/record.js';
import type { GatewayClient } from '../../queue/gatewayClient.js';
import { type RunningRedis, startRedis } from '../../queue/redis.js';
import type { Submission, TransferStatus } from '../../queue/service.js';
import { type Anvil, startAnvil } from '../../verifier-contract/anvil.js';
import { deployRollup } from '../../verifier-contract/deploy.js';
import { readHistory } from '../../verifier-contract/history.js';
import { type Replay, replayHistory } from '../../verifier-contract/replay.js';
import type { RollupContract } from '../../verifier-contract/rollup.js';
import { openRpc } from '../../verifier-contract/rpc.js';
import { homeProof, type SimulatedWorker, type SimulatedWorkerOptions, simulatedKeys, startSimulatedWorker } from './simulatedFarm.js';

export const KEYS = simulatedKeys();
const QUEUE_DELAY_SECONDS = 600;
/** Not a measure of anything: a busy machine may take ten times what a quiet one does. */
const UNTIL_LIMIT_MS = 150_000;

export interface World {
  readonly anvil: Anvil;
  readonly redis: RunningRedis;
  readonly rollup: RollupContract;
  readonly domain: Domain;
  readonly provider: Awaited<ReturnType<typeof openRpc>>;
  readonly journalDir: string;
  readonly lines: string[];
  start(policy?: Partial<NodePolicy>, extra?: Partial<NodeConfig>): Promise<RunningNode>;
  worker(options?: Partial<SimulatedWorkerOptions>, index?: number): Promise<SimulatedWorker>;
  deposit(value: bigint, owner: bigint): Promise<void>;
  stop(): Promise<void>;
}

/** @param own a Redis that the caller wants to hurt, instead of one as `startRedis` finds it */
export async function makeWorld(own?: RunningRedis): Promise<World> {
  const [anvil, redis, journalDir] = await Promise.all([startAnvil(), own ?? startRedis(), mkdtemp(join(tmpdir(), 'tacit-node-'))]);
  const provider = await openRpc(anvil.rpcUrl, { pollingMs: 50 });
  const [settler, user] = anvil.accounts.map(({ privateKey }) => new Wallet(privateKey, provider));
  const rollup = await deployRollup(user as Wallet, {
    aggregator: (settler as Wallet).address.toLowerCase(),
    queueDelaySeconds: QUEUE_DELAY_SECONDS,
    slotFeeWei: 10n,
    bondWei: 1_000n,
    dropRewardWei: 100n,
    shares: { transferProverBps: 3_000, updateProverBps: 3_000 },
    keyTable: KEYS,
  });
  const domain = await rollup.domain();
  const { deploymentBlock } = await rollup.config();
  const lines: string[] = [];
  const running: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(part: T): T => {
    running.push(part);
    return part;
  };
  const settlerKey = anvil.accounts[0]?.privateKey as string;
  return {
    anvil,
    redis,
    rollup,
    domain,
    provider,
    journalDir,
    lines,
    start: async (policy = {}, extra = {}) =>
      keep(
        await startNode({
          domain,
          network: 'dev',
          deploymentBlock,
          rpcUrl: anvil.rpcUrl,
          redisUrl: redis.url,
          journalDir,
          settlerKey,
          keys: KEYS,
          assets: [{ id: 0, token: ZERO_ADDRESS, symbol: 'ETH', decimals: 18 }],
          policy: { sealAfterMs: 100, settleAfterMs: 500, tickMs: 30, ...policy },
          log: (line) => lines.push(line),
          ...extra,
        }),
      ),
    worker: async (options = {}, index = 3) =>
      keep(
        await startSimulatedWorker({
          redisUrl: redis.url,
          domain,
          key: hexToBytes(anvil.accounts[index]?.privateKey as string),
          ...options,
        }),
      ),
    deposit: async (value, owner) => {
      await rollup.deposit({ asset: 0, value, owner, ephemeral: new Uint8Array(32), ciphertext: new Uint8Array(32) });
    },
    stop: async () => {
      for (const part of running.reverse()) await part.stop();
      provider.destroy();
      await redis.stop();
      await anvil.stop();
      await rm(journalDir, { recursive: true, force: true });
    },
  };
}

/** A record with nullifiers and commitments made from a number; nothing is withdrawn, no fee is paid. */
export function recordOf(n: number, change: Partial<TransferRecord> = {}): TransferRecord {
  const base = BigInt(n) * 1_000_003n;
  return {
    nf1: base + 1n,
    nf2: base + 2n,
    cm1: base + 3n,
    cm2: base + 4n,
    outAsset: 0,
    outValue: 0n,
    recipient: ZERO_ADDRESS,
    feeAsset: 0,
    fee: 0n,
    ephemeral: new Uint8Array(32).fill(n),
    ciphertexts: [new Uint8Array(32).fill(n + 1), new Uint8Array(32).fill(n + 2)],
    ...change,
  };
}

export function provenSubmission(
  record: TransferRecord,
  anchor: bigint,
  domain: Domain,
  options: { prover?: string; seed?: bigint; pairedWith?: string } = {},
): Submission {
  const { prover = ZERO_ADDRESS, seed = 1n, pairedWith } = options;
  return {
    id: recordHash(record, domain),
    record: bytesToHex(encodeRecord(record)),
    proof: homeProof(record, anchor, prover, domain, seed),
    ...(pairedWith === undefined ? {} : { pairedWith }),
  };
}

/** Asks until the condition holds; fails after a while with the last answer. */
export async function until<T>(
  ask: () => Promise<T> | T,
  holds: (answer: T) => boolean,
  what: string,
  limitMs = UNTIL_LIMIT_MS,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > deadline)
      throw new Error(`still not ${what}: ${JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? String(value) : value))}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export function settledStatus(client: GatewayClient, id: string): Promise<TransferStatus> {
  return until(
    () => statusNow(client, id),
    ({ status }) => status === 'settled' || status === 'failed',
    `settled: ${id}`,
  );
}

/** The status of a transfer that the node must know. */
export async function statusNow(client: GatewayClient, id: string): Promise<TransferStatus> {
  const status = await client.status(id);
  if (status === undefined) throw new Error(`the node does not know ${id}`);
  return status;
}

export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** The contract's history, replayed from L1 alone, with its roots compared with the contract's. */
export async function auditedReplay({ provider, rollup }: Pick<World, 'provider' | 'rollup'>): Promise<Replay> {
  const replay = replayHistory(await readHistory(provider, rollup.address, 0));
  const state = await rollup.state();
  const [got, expected] = [
    [replay.state.noteRoot, replay.state.nullifierRoot, replay.state.leafCount],
    [state.noteRoot, state.nullifierRoot, state.leafCount],
  ];
  if (got.join() !== expected.join()) throw new Error(`roots differ: ${got.join()} and ${expected.join()}`);
  return replay;
}
