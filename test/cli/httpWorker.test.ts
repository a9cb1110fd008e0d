/** `tacit worker --node URL` on a machine that has nothing: no Redis, no circuits. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningNode, startNode } from '../../aggregator/node.js';
import { loadPins, resolveArtifacts } from '../../circuits/artifacts.js';
import { packageRoot } from '../../circuits/paths.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { makeKeyTable } from '../../protocol/fold.js';
import { vkeyFromSnarkjs } from '../../protocol/vkey.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { type RunningRedis, startRedis } from '../../queue/redis.js';
import { type Anvil, startAnvil } from '../../verifier-contract/anvil.js';
import { deployRollup } from '../../verifier-contract/deploy.js';
import { openRpc } from '../../verifier-contract/rpc.js';
import { until } from '../aggregator/world.js';

const CIRCUIT_NAMES = ['transfer_1', 'update_2'] as const;
let scratch: string;
let anvil: Anvil;
let redis: RunningRedis;
let node: RunningNode;
let contract: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tacit-http-worker-'));
  [anvil, redis] = await Promise.all([startAnvil(), startRedis({ url: '' })]);
  const keys = makeKeyTable(
    await Promise.all(
      CIRCUIT_NAMES.map(async (name) => [CIRCUITS[name].id, vkeyFromSnarkjs((await resolveArtifacts(name)).vkey)] as const),
    ),
  );
  const provider = await openRpc(anvil.rpcUrl, { pollingMs: 50 });
  const [settler, user] = anvil.accounts.map(({ privateKey }) => new Wallet(privateKey, provider)) as [Wallet, Wallet];
  const rollup = await deployRollup(user, {
    aggregator: settler.address.toLowerCase(),
    queueDelaySeconds: 600,
    slotFeeWei: 10n,
    bondWei: 1_000n,
    dropRewardWei: 100n,
    shares: { transferProverBps: 3_000, updateProverBps: 3_000 },
    keyTable: keys,
  });
  contract = rollup.address;
  const [domain, { deploymentBlock }] = [await rollup.domain(), await rollup.config()];
  provider.destroy();
  node = await startNode({
    domain,
    network: 'dev',
    deploymentBlock,
    rpcUrl: anvil.rpcUrl,
    redisUrl: redis.url,
    journalDir: join(scratch, 'journal'),
    settlerKey: settler.privateKey,
    keys,
    assets: [{ id: 0, token: ZERO_ADDRESS, symbol: 'ETH', decimals: 18 }],
    policy: { updateCircuits: ['update_2'] },
  });
}, 180_000);
afterAll(async () => {
  await node?.stop();
  await redis?.stop();
  await anvil?.stop();
  await rm(scratch, { recursive: true, force: true });
});

it('fetches what it needs by its own pins, logs in, stands on the roster, and leaves on SIGTERM', async () => {
  const cache = join(scratch, 'cache');
  const command = ['worker', '--node', node.url, '--rpc', anvil.rpcUrl, '--contract', contract, '--keys', join(scratch, 'worker.json')];
  const { REDIS_URL: _, ...environment } = process.env;
  const child: ChildProcess = spawn(
    process.execPath,
    [join(packageRoot(), 'dist', 'cli', 'main.js'), ...command, '--lanes', 'transfer_1', '--backend', 'wasm'],
    { env: { ...environment, XDG_CACHE_HOME: cache }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const note = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', note);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const client = new GatewayClient(node.url);
  const { workers } = await until(
    () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${output}`);
      return client.roster();
    },
    (roster) => roster.workers.length === 1,
    'on the roster',
    120_000,
  );
  expect(output).toContain(workers[0]?.address);
  const { wasm, zkey, vkey } = loadPins().transfer_1?.sha256 ?? {};
  const fetched = await readdir(join(cache, 'tacit', 'fetched'));
  expect(fetched).toEqual(expect.arrayContaining([`${wasm}.wasm`, `${zkey}.zkey`, `${vkey}.vkey`]));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  await until(
    () => client.roster(),
    (roster) => roster.workers.length === 0,
    'off the roster',
    120_000,
  );
});
