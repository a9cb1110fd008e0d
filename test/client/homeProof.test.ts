/** A payment proven at home with the real circuit, taken by a gateway that verifies it with the real key. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveArtifacts, type VerifiedArtifacts } from '../../circuits/artifacts.js';
import { awaitConfirmed } from '../../client/awaitConfirmed.js';
import { awaitSettled } from '../../client/awaitSettled.js';
import { balance } from '../../client/balance.js';
import { createWallet } from '../../client/createWallet.js';
import { deposit } from '../../client/deposit.js';
import { connect, type WalletEnvironment } from '../../client/environment.js';
import { HomeProver } from '../../client/homeProver.js';
import { openWallet } from '../../client/openWallet.js';
import { pay } from '../../client/pay.js';
import { resume } from '../../client/resume.js';
import { sync } from '../../client/sync.js';
import type { Wallet } from '../../client/wallet.js';
import { withdraw } from '../../client/withdraw.js';
import { TacitError } from '../../protocol/errors.js';
import { decodeTransferWitness } from '../../protocol/transfer.js';
import { codeOf, World } from '../verifier-contract/world.js';
import { TestNode } from './testNode.js';

const CHEAP = { N: 2 ** 10, r: 8, p: 1 };

let artifacts: VerifiedArtifacts;
let world: World;
let node: TestNode;
let dir: string;
let env: WalletEnvironment;
let wallet: Wallet;
let prover: HomeProver;

beforeAll(async () => {
  artifacts = await resolveArtifacts('transfer_1');
  world = await World.start();
  node = new TestNode(world, artifacts.vkey);
  dir = await mkdtemp(join(tmpdir(), 'tacit-home-'));
  env = await connect({ rpcUrl: world.anvil.rpcUrl, contract: world.rollup.address, nodeUrl: await node.start() });
  wallet = (await createWallet({ path: join(dir, 'w'), passphrase: 'p', home: env.home, kdfCost: CHEAP })).wallet;
  prover = new HomeProver({ artifacts: async () => artifacts, threads: 1 });
  const key = world.anvil.accounts[1]?.privateKey ?? '';
  for (const value of [100n, 200n]) node.deposited((await deposit(wallet, env, { privateKey: key, asset: 0, value })).commitment);
  await node.settle();
  await sync(wallet, env);
}, 600_000);

afterAll(async () => {
  await prover?.close();
  await wallet?.close();
  env?.close();
  await node?.stop();
  await world?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('proving at home', () => {
  it('a payment of two notes is proven, verified by the node, confirmed and settled', async () => {
    const fractions: number[] = [];
    const sent = await pay(wallet, env, {
      to: wallet.address(),
      asset: 0,
      value: 250n,
      memo: 'to myself',
      prover,
      onProgress: (fraction) => fractions.push(fraction),
    });
    expect(node.submissions.at(-1)?.proof?.circuit).toBe('transfer_1');
    expect(fractions.at(-1)).toBe(1);
    expect((await awaitConfirmed(env, sent.id)).confirmation?.recordHash).toBe(sent.id);
    await node.settle();
    await awaitSettled(wallet, env, sent.id, { pollMs: 20 });
    expect(balance(wallet)).toEqual([{ asset: 0, available: 300n, reserved: 0n, incoming: 0n, notes: 2 }]);
  }, 300_000);

  it('a withdrawal with a dummy input; what broke off after proving is sent again without proving again', async () => {
    node.refusals = Array.from({ length: 6 }, () => new TacitError('NODE_BUSY', 'full', { retryable: true }));
    const recipient = `0x${'5a'.repeat(20)}`;
    expect(await codeOf(withdraw(wallet, env, { recipient, asset: 0, value: 50n, prover }))).toBe('NODE_BUSY');
    const proof = wallet.state.transfers.at(-1)?.submission?.proof;
    expect(proof).toBeDefined();
    await wallet.close();
    wallet = await openWallet({ path: join(dir, 'w'), passphrase: 'p' });
    const id = wallet.state.transfers.at(-1)?.id ?? '';
    expect(await resume(wallet, env, { prover })).toEqual([{ id, outcome: 'confirmed' }]);
    expect(node.submissions.at(-1)?.proof).toEqual(proof);
    await node.settle();
    await awaitSettled(wallet, env, id, { pollMs: 20 });
    expect(await world.provider.getBalance(recipient)).toBe(50n);
  }, 300_000);

  it('a witness that does not hold is not proven', async () => {
    const doomed = new HomeProver({ artifacts: async () => artifacts });
    await pay(wallet, env, { to: wallet.address(), asset: 0, value: 1n, prove: 'farm', receivedNotesToo: true });
    const kept = wallet.state.transfers.at(-1)?.witness;
    expect(kept).toBeDefined();
    const witness = decodeTransferWitness(kept ?? '');
    const [first, second] = witness.inputs;
    expect(await codeOf(doomed.prove({ ...witness, inputs: [second, first] }, world.domain))).toBe('TRANSFER_T4');
    expect(await codeOf(doomed.prove(witness, { ...world.domain, chainId: 1n }))).toBe('TRANSFER_T5');
    await doomed.close();
  }, 300_000);

  it('a missing key is told as such', async () => {
    const broken = new HomeProver({ artifacts: async () => ({ ...artifacts, zkeyPath: join(dir, 'nothing.zkey') }) });
    const kept = wallet.state.transfers.at(-1)?.witness ?? '';
    expect(await codeOf(broken.prove(decodeTransferWitness(kept), world.domain))).toBe('ARTIFACT_MISSING');
    await broken.close();
  });
});
