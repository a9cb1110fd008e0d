/** The wallet against a real chain and a real gateway; settlements with simulated proofs. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awaitSettled } from '../../client/awaitSettled.js';
import { balance } from '../../client/balance.js';
import { createWallet } from '../../client/createWallet.js';
import { deposit } from '../../client/deposit.js';
import { connect, type WalletEnvironment } from '../../client/environment.js';
import { history } from '../../client/history.js';
import { HomeProver } from '../../client/homeProver.js';
import { openWallet } from '../../client/openWallet.js';
import { pay } from '../../client/pay.js';
import { provePayment, verifyPayment } from '../../client/paymentProof.js';
import { restoreWallet } from '../../client/restoreWallet.js';
import { resume } from '../../client/resume.js';
import { sync } from '../../client/sync.js';
import type { Wallet } from '../../client/wallet.js';
import { withdraw } from '../../client/withdraw.js';
import { hexToBytes } from '../../protocol/bytes.js';
import { TacitError } from '../../protocol/errors.js';
import { decodeRecord } from '../../protocol/record.js';
import { approveToken, mintTestToken, tokenBalance } from '../../verifier-contract/token.js';
import { codeOf, World } from '../verifier-contract/world.js';
import { TestNode } from './testNode.js';

const CHEAP = { N: 2 ** 10, r: 8, p: 1 };
const PASSPHRASE = 'correct horse';
const UNIT = 10n ** 18n;
const FARM = { prove: 'farm', receivedNotesToo: true } as const;

let world: World;
let node: TestNode;
let url: string;
let dir: string;
let env: WalletEnvironment;
let alice: Wallet;
let bob: Wallet;
let phrase: string;
let token: string;

const open = async (name: string) => createWallet({ path: join(dir, name), passphrase: PASSPHRASE, home: env.home, kdfCost: CHEAP });
const key = (i: number) => (world.anvil.accounts[i] as { privateKey: string }).privateKey;
const of = (wallet: Wallet, asset = 0) => balance(wallet).find((entry) => entry.asset === asset)?.available ?? 0n;
const syncAll = async () => {
  await sync(alice, env);
  await sync(bob, env);
};
/** Deposits from account 1 to a wallet, settled. */
async function fund(wallet: Wallet, asset: number, ...values: bigint[]) {
  for (const value of values) node.deposited((await deposit(wallet, env, { privateKey: key(1), asset, value })).commitment);
  await node.settle();
  await sync(wallet, env);
}

beforeAll(async () => {
  world = await World.start();
  node = new TestNode(world);
  url = await node.start();
  dir = await mkdtemp(join(tmpdir(), 'tacit-wallet-'));
  token = await world.token('Gold', 6);
  await world.as(0).registerAsset(token);
  const signer = world.signers[1];
  if (signer === undefined) throw new Error('anvil has no second account');
  await mintTestToken(signer, token, world.address(1), 1_000_000n);
  await approveToken(signer, token, world.rollup.address, 0n);
  env = await connect({ rpcUrl: world.anvil.rpcUrl, contract: world.rollup.address, nodeUrl: url });
  const made = await open('alice');
  alice = made.wallet;
  phrase = made.mnemonic;
  bob = (await open('bob')).wallet;
}, 300_000);

afterAll(async () => {
  await alice?.close();
  await bob?.close();
  env?.close();
  await node?.stop();
  await world?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('money comes in, moves, and goes out', () => {
  it('deposits are found after their settlement, in both assets', async () => {
    await fund(alice, 0, 5n * UNIT, 3n * UNIT, 2n * UNIT);
    await fund(alice, 1, 700n, 300n);
    expect([of(alice), of(alice, 1)]).toEqual([10n * UNIT, 1000n]);
    expect(alice.chain.tree.root).toBe(world.state.noteRoot);
    expect(history(alice).map(({ kind, value }) => [kind, value])).toEqual(
      [5n * UNIT, 3n * UNIT, 2n * UNIT, 700n, 300n].map((value) => ['deposit', value]),
    );
  });

  it('a payment reaches the payee with its memo; change comes back', async () => {
    const sent = await pay(alice, env, { to: bob.address(), asset: 0, value: UNIT, memo: 'for lunch', ...FARM });
    expect(sent.status.status).toBe('confirmed');
    expect(balance(alice)[0]).toMatchObject({ available: 8n * UNIT, reserved: 2n * UNIT });
    await node.settle();
    const settled = await awaitSettled(alice, env, sent.id, { pollMs: 20 });
    expect(settled.status).toBe('settled');
    expect(settled.submission).toBeUndefined();
    await sync(bob, env);
    expect([of(alice), of(bob)]).toEqual([9n * UNIT, UNIT]);
    expect(history(bob)[0]).toMatchObject({ kind: 'received', value: UNIT, memo: 'for lunch', id: sent.id });

    const proof = JSON.parse(JSON.stringify(provePayment(alice, sent.id)));
    expect(verifyPayment(proof, world.domain)).toEqual({ id: sent.id, asset: 0, value: UNIT, memo: 'for lunch' });
    const code = (change: object) => codeOf((async () => verifyPayment({ ...proof, ...change }, world.domain))());
    expect(await code({ to: await (await open('carol')).wallet.newAddress() })).toBe('PAYMENT_PROOF');
    expect(await code({ e: `0x${'01'.repeat(32)}` })).toBe('PAYMENT_PROOF');
  });

  it('payments of one wallet run side by side on notes of their own', async () => {
    const values = [5n * UNIT, 3n * UNIT, UNIT];
    const sent = await Promise.all(values.map((value) => pay(alice, env, { to: bob.address(), asset: 0, value, ...FARM })));
    expect(new Set(alice.state.transfers.slice(-3).flatMap(({ inputs }) => inputs)).size).toBe(3);
    expect(await codeOf(pay(alice, env, { to: bob.address(), asset: 0, value: 1n, ...FARM }))).toBe('NOTES_PENDING');
    await node.settle();
    await Promise.all(sent.map(({ id }) => awaitSettled(alice, env, id, { pollMs: 20 })));
    await syncAll();
    expect([of(alice), of(bob)]).toEqual([0n, 10n * UNIT]);
  });

  it('two notes together, and a token payment', async () => {
    const sent = await pay(alice, env, { to: bob.address(), asset: 1, value: 900n, ...FARM });
    await node.settle();
    await awaitSettled(alice, env, sent.id, { pollMs: 20 });
    await syncAll();
    expect([of(alice, 1), of(bob, 1)]).toEqual([100n, 900n]);
  });

  it('a withdrawal pays an L1 account', async () => {
    const recipient = `0x${'7e'.repeat(20)}`;
    const sent = await withdraw(bob, env, { recipient, asset: 1, value: 250n, ...FARM });
    await node.settle();
    await awaitSettled(bob, env, sent.id, { pollMs: 20 });
    expect(await tokenBalance(world.provider, token, recipient)).toBe(250n);
    expect(of(bob, 1)).toBe(650n);
    expect(history(bob).at(-1)).toMatchObject({ kind: 'withdrawal', status: 'settled', to: recipient });
  });

  it('a fee in the native coin rides along where the payment needs no change', async () => {
    node.feeWei = 1000n;
    const before = of(bob);
    const sent = await pay(bob, env, { to: alice.address(), asset: 1, value: 650n, ...FARM });
    expect(sent.feeTransfer).toBeUndefined();
    expect(sent.fee).toBe(1000n);
    await node.settle();
    await awaitSettled(bob, env, sent.id, { pollMs: 20 });
    await syncAll();
    expect([before - of(bob), of(bob, 1), of(alice, 1)]).toEqual([1000n, 0n, 750n]);
    node.feeWei = 0n;
  });

  it('otherwise a second transfer pays the fee of both, and both name one another', async () => {
    await pay(bob, env, { to: alice.address(), asset: 0, value: 2n * UNIT, ...FARM });
    await node.settle();
    await syncAll();
    node.feeWei = 1000n;
    const sent = await pay(alice, env, { to: bob.address(), asset: 1, value: 10n, ...FARM });
    node.feeWei = 0n;
    expect(sent.feeTransfer).toBeDefined();
    // The half that pays goes first.
    const [fee, main] = node.submissions.slice(-2);
    expect([main?.pairedWith, fee?.pairedWith]).toEqual([fee?.id, main?.id]);
    expect(node.transfers.get(sent.id)?.record.fee).toBe(0n);
    expect(node.transfers.get(fee?.id ?? '')?.record.fee).toBe(2000n);
    await node.settle();
    await awaitSettled(alice, env, sent.id, { pollMs: 20 });
    await syncAll();
    expect([of(alice), of(alice, 1), of(bob, 1)]).toEqual([2n * UNIT - 2000n, 740n, 10n]);
  });

  it('a withdrawal offers what the node asks on top', async () => {
    node.feeWei = 1000n;
    const recipient = `0x${'7d'.repeat(20)}`;
    for (const [asset, most] of [
      [0, 3000n],
      [1, 5000n],
    ] as const) {
      node.refusals = [new TacitError('FEE_TOO_LOW', 'refused')];
      expect(await codeOf(withdraw(alice, env, { recipient, asset, value: 7n, ...FARM }))).toBe('FEE_TOO_LOW');
      const record = node.submissions.at(-1)?.record as string;
      expect(decodeRecord(hexToBytes(record))).toMatchObject({ outAsset: asset, outValue: 7n, feeAsset: 0, fee: 1000n + most });
    }
    node.feeWei = 0n;
  });

  it('a pair that the node finds underpaid is undone whole: its other half has not left the wallet', async () => {
    const [sent, before] = [node.submissions.length, [of(alice), of(alice, 1)]];
    node.feeWei = 1000n;
    node.refusals = [new TacitError('PAIR_UNDERPAID', 'refused')];
    expect(await codeOf(pay(alice, env, { to: bob.address(), asset: 1, value: 11n, ...FARM }))).toBe('PAIR_UNDERPAID');
    expect(node.submissions.length).toBe(sent + 1);
    const pair = alice.state.transfers.slice(-2);
    expect(pair.map(({ kind, status, reason }) => [kind, status, reason])).toEqual([
      ['payment', 'rejected', 'PAIR_UNDERPAID'],
      ['fee', 'rejected', 'PAIR_UNDERPAID'],
    ]);
    expect([of(alice), of(alice, 1)]).toEqual(before);
    expect(balance(alice).every(({ reserved }) => reserved === 0n)).toBe(true);
  });

  it('a fee whose payment was refused is given up when the node gives it back', async () => {
    node.refusals = [undefined, new TacitError('NULLIFIER_RESERVED', 'refused')] as TacitError[];
    expect(await codeOf(pay(alice, env, { to: bob.address(), asset: 1, value: 11n, ...FARM }))).toBe('NULLIFIER_RESERVED');
    node.feeWei = 0n;
    const fee = alice.state.transfers.at(-1);
    expect(fee).toMatchObject({ kind: 'fee', status: 'submitted' });
    const accepted = node.transfers.get(fee?.id ?? '');
    if (accepted !== undefined) accepted.status = { ...accepted.status, status: 'reseal', reason: 'RESEAL: PAIR_INCOMPLETE' };
    expect(await resume(alice, env)).toEqual([{ id: fee?.id, outcome: 'rejected' }]);
    expect(balance(alice).every(({ reserved }) => reserved === 0n)).toBe(true);
  });

  it('a deposit for somebody else', async () => {
    const { commitment } = await deposit(alice, env, { privateKey: key(1), asset: 0, value: 5n, to: bob.address(), memo: 'gift' });
    const entry = () => history(alice).find(({ kind, to }) => kind === 'deposit' && to === bob.address());
    expect(entry()).toMatchObject({ status: 'submitted', value: 5n, memo: 'gift' });
    node.deposited(commitment);
    await node.settle();
    await syncAll();
    expect(entry()?.status).toBe('settled');
    expect(history(bob).at(-1)).toMatchObject({ kind: 'deposit', value: 5n, memo: 'gift' });
  });
});

describe('the wallet’s memory', () => {
  it('is the same after closing and opening, and does not read the chain twice', async () => {
    const before = [balance(alice), history(alice), alice.state.cursor];
    await alice.close();
    alice = await openWallet({ path: join(dir, 'alice'), passphrase: PASSPHRASE });
    expect([balance(alice), history(alice), alice.state.cursor]).toEqual(before);
    expect(alice.chain.tree.root).toBe(world.state.noteRoot);
    expect((await sync(alice, env)).received).toBe(0);
  });

  it('comes back from the phrase, with addresses further on', async () => {
    const second = await alice.newAddress();
    expect(second).not.toBe(alice.address());
    await pay(bob, env, { to: second, asset: 0, value: 77n, ...FARM });
    await node.settle();
    await syncAll();
    const restored = await restoreWallet({
      path: join(dir, 'restored'),
      passphrase: 'x',
      home: env.home,
      mnemonic: phrase,
      kdfCost: CHEAP,
    });
    await sync(restored, env);
    expect(balance(restored)).toEqual(balance(alice));
    expect(restored.state.addresses).toBe(2);
    const out = (wallet: Wallet) =>
      history(wallet)
        .filter(({ kind, status }) => (kind === 'payment' || kind === 'withdrawal') && status === 'settled')
        .reduce((sum, { asset, value }) => sum + (asset === 1 ? value : 0n), 0n);
    expect(out(restored)).toBe(out(alice));
    await restored.close();
  });

  it('A17: after a reorganisation it forgets what the chain forgot, and finds the rest again', async () => {
    const before = balance(alice);
    const undo = await world.snapshot();
    await fund(alice, 0, 123n);
    expect(of(alice)).toBe((before[0]?.available ?? 0n) + 123n);
    await undo();
    await world.passSeconds(1);
    await world.passSeconds(1);
    await world.passSeconds(1);
    await sync(alice, env);
    expect(balance(alice)).toEqual(before);
    expect(alice.chain.tree.root).toBe(world.state.noteRoot);
  });

  it('a lost cache is rebuilt', async () => {
    const before = balance(alice);
    await alice.close();
    await writeFile(join(dir, 'alice.chain'), '{"broken":');
    alice = await openWallet({ path: join(dir, 'alice'), passphrase: PASSPHRASE });
    expect(of(alice)).toBe(0n);
    await sync(alice, env);
    expect(balance(alice)).toEqual(before);
  });

  it('keeps secrets off the disk in the clear, mode 0600', async () => {
    expect((await stat(join(dir, 'alice'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, 'alice.chain'))).mode & 0o777).toBe(0o600);
  });
});

describe('what goes wrong costs nothing', () => {
  const to = () => bob.address();
  const free = () => JSON.stringify(balance(alice), (_, value) => (typeof value === 'bigint' ? String(value) : value));

  it('bad requests are refused before anything is reserved', async () => {
    const before = [free(), alice.state.transfers.length];
    const attempt = (change: object) => codeOf(pay(alice, env, { to: to(), asset: 0, value: 1n, ...FARM, ...change }));
    const mistyped = `${to().slice(0, -1)}${to().endsWith('q') ? 'p' : 'q'}`;
    expect(await attempt({ to: mistyped })).toBe('ADDRESS_CHECKSUM');
    expect(await attempt({ to: 'nobody' })).toBe('ADDRESS_CHECKSUM');
    expect(await attempt({ asset: 99 })).toBe('ASSET_UNKNOWN');
    expect(await attempt({ value: 0n })).toBe('AMOUNT_RANGE');
    expect(await attempt({ value: 2n ** 128n })).toBe('AMOUNT_RANGE');
    expect(await attempt({ value: 10n ** 30n })).toBe('INSUFFICIENT_FUNDS');
    expect(await attempt({ memo: 'thirteen byte' })).toBe('MEMO_SIZE');
    expect(await attempt({ fee: { asset: 42, value: 1n } })).toBe('ASSET_UNKNOWN');
    expect(await attempt({ receivedNotesToo: false, asset: 1, value: 740n })).toBe('FARM_RECEIVED_NOTE');
    expect(await codeOf(withdraw(alice, env, { recipient: '0x12', asset: 0, value: 1n, ...FARM }))).toBe('EVM_ADDRESS_INVALID');
    expect(await codeOf(withdraw(alice, env, { recipient: `0x${'00'.repeat(20)}`, asset: 0, value: 1n, ...FARM }))).toBe(
      'EVM_ADDRESS_INVALID',
    );
    expect([free(), alice.state.transfers.length]).toEqual(before);
  });

  it('a missing artifact is told before anything is reserved', async () => {
    const before = alice.state.transfers.length;
    const prover = new HomeProver({ artifacts: () => Promise.reject(new TacitError('ARTIFACT_MISSING', 'no key')) });
    expect(await codeOf(pay(alice, env, { to: to(), asset: 0, value: 1n, prover }))).toBe('ARTIFACT_MISSING');
    expect(alice.state.transfers.length).toBe(before);
    await prover.close();
  });

  it('a deposit that the account cannot pay', async () => {
    expect(await codeOf(deposit(alice, env, { privateKey: key(1), asset: 1, value: 10n ** 12n }))).toBe('INSUFFICIENT_FUNDS');
    expect(await codeOf(deposit(alice, env, { privateKey: key(1), asset: 0, value: 10n ** 24n }))).toBe('FUNDS_TOO_LOW');
    expect(await codeOf(deposit(alice, env, { privateKey: key(1), asset: 5, value: 1n }))).toBe('ASSET_UNKNOWN');
    expect(await codeOf(deposit(alice, env, { privateKey: '0x12', asset: 0, value: 1n }))).toBe('KEY_MALFORMED');
  });

  it('a node that refuses for good frees the notes', async () => {
    const before = free();
    for (const refusal of ['FEE_TOO_LOW', 'NULLIFIER_SPENT']) {
      node.refusals = [new TacitError(refusal, 'refused')];
      expect(await codeOf(pay(alice, env, { to: to(), asset: 0, value: 1n, ...FARM }))).toBe(refusal);
      expect(alice.state.transfers.at(-1)).toMatchObject({ status: 'rejected', reason: refusal });
      expect(free()).toBe(before);
    }
  });

  it('a spent note is refused by a node that has seen it spent', async () => {
    const elsewhere = await restoreWallet({ path: join(dir, 'twin'), passphrase: 'x', home: env.home, mnemonic: phrase, kdfCost: CHEAP });
    await sync(elsewhere, env);
    const sent = await pay(elsewhere, env, { to: to(), asset: 1, value: 740n, ...FARM });
    await node.settle();
    expect(await codeOf(pay(alice, env, { to: to(), asset: 1, value: 740n, memo: 'mine', ...FARM }))).toBe('NULLIFIER_SPENT');
    await sync(alice, env);
    expect(of(alice, 1)).toBe(0n);
    expect(alice.state.notes.filter(({ spent }) => spent?.by === sent.id)).toHaveLength(
      elsewhere.state.transfers.at(-1)?.inputs.length ?? 0,
    );
    await elsewhere.close();
  });

  it('an open transfer fails when a rival for its note is settled, and its other notes come free', async () => {
    await fund(alice, 0, 40n * UNIT, 41n * UNIT);
    const twin = await openWallet({ path: join(dir, 'twin'), passphrase: 'x' });
    await sync(twin, env);
    const doomed = await pay(alice, env, { to: to(), asset: 0, value: 80n * UNIT, ...FARM });
    node.transfers.delete(doomed.id);
    await pay(twin, env, { to: to(), asset: 0, value: 40n * UNIT, ...FARM });
    await node.settle();
    expect(await codeOf(awaitSettled(alice, env, doomed.id, { pollMs: 20 }))).toBe('TRANSFER_FAILED');
    expect(of(alice)).toBeGreaterThanOrEqual(41n * UNIT);
    await twin.close();
  });

  it('a submission that broke off is sent again as it was, also by another process', async () => {
    node.refusals = Array.from({ length: 6 }, () => new TacitError('NODE_BUSY', 'full', { retryable: true }));
    const pending = pay(alice, env, { to: to(), asset: 0, value: UNIT, ...FARM });
    expect(await codeOf(pending)).toBe('NODE_BUSY');
    const id = alice.state.transfers.at(-1)?.id;
    expect(alice.state.transfers.at(-1)?.status).toBe('reserved');
    await alice.close();
    alice = await openWallet({ path: join(dir, 'alice'), passphrase: PASSPHRASE });
    const [resumed] = await resume(alice, env, FARM);
    expect(resumed).toEqual({ id, outcome: 'confirmed' });
    expect(await resume(alice, env, FARM)).toEqual([{ id, outcome: 'confirmed' }]);
    await node.settle();
    expect((await awaitSettled(alice, env, id ?? '', { pollMs: 20 })).status).toBe('settled');
  });

  it('an unreachable node or chain leaves the reservation, and says so', async () => {
    const lonely = await connect({ rpcUrl: world.anvil.rpcUrl, contract: world.rollup.address, confirmationDepth: 0 });
    expect(await codeOf(pay(alice, lonely, { to: to(), asset: 0, value: 1n, ...FARM }))).toBe('NODE_MISSING');
    lonely.close();
    expect(await codeOf(connect({ rpcUrl: 'http://127.0.0.1:9', contract: world.rollup.address }))).toBe('RPC_UNREACHABLE');
    expect(await codeOf(connect({ rpcUrl: world.anvil.rpcUrl, contract: `0x${'12'.repeat(20)}` }))).toBe('CONTRACT_ABSENT');
    expect(await codeOf(connect({ rpcUrl: world.anvil.rpcUrl, contract: world.rollup.address, nodeUrl: 'http://127.0.0.1:9' }))).toBe(
      'NODE_UNREACHABLE',
    );
    expect(await codeOf(connect({ rpcUrl: world.anvil.rpcUrl, contract: world.rollup.address, nodeUrl: 'ftp://x' }))).toBe('NODE_URL');
  });

  it('a stale anchor is replaced once, and told when no root will do', async () => {
    node.refusals = [new TacitError('ANCHOR_UNKNOWN', 'unknown anchor', { retryable: true })];
    const sent = await pay(alice, env, { to: to(), asset: 0, value: 2n, ...FARM });
    expect(sent.status.status).toBe('confirmed');
    node.refusals = Array.from({ length: 2 }, () => new TacitError('ANCHOR_UNKNOWN', 'unknown anchor', { retryable: true }));
    await node.settle();
    await sync(alice, env);
    expect(await codeOf(pay(alice, env, { to: to(), asset: 0, value: 2n, ...FARM }))).toBe('ANCHOR_UNKNOWN');
    expect(alice.state.transfers.at(-1)?.status).toBe('reserved');
  });

  it('a roster that the operator did not sign is not sealed for', async () => {
    const roster = await node.roster();
    node.roster = async () => ({ ...roster, expires: roster.expires + 1 });
    expect(await codeOf(pay(bob, env, { to: alice.address(), asset: 0, value: 3n, ...FARM }))).toBe('ROSTER_ID');
    node.roster = async () => ({
      ...roster,
      signature: `${roster.signature.slice(0, 10)}${roster.signature[10] === '0' ? '1' : '0'}${roster.signature.slice(11)}`,
    });
    expect(['ROSTER_SIGNER', 'SIGNATURE_INVALID']).toContain(
      await codeOf(pay(bob, env, { to: alice.address(), asset: 0, value: 3n, ...FARM })),
    );
    node.roster = async () => ({ ...roster, workers: [] });
    expect(bob.state.transfers.at(-1)).toMatchObject({ status: 'rejected' });
    expect(bob.state.transfers.at(-1)?.submission).toBeUndefined();
    expect(balance(bob).every(({ reserved }) => reserved === 0n)).toBe(true);
  });

  it('a replacement spends a note of the transfer that it replaces', async () => {
    Reflect.deleteProperty(node, 'roster');
    node.refusals = [new TacitError('FEE_TOO_LOW', 'refused')];
    await fund(bob, 0, 9n * UNIT, 9n * UNIT);
    expect(await codeOf(pay(bob, env, { to: alice.address(), asset: 0, value: 8n * UNIT, ...FARM }))).toBe('FEE_TOO_LOW');
    const refused = bob.state.transfers.at(-1);
    await pay(bob, env, { to: alice.address(), asset: 0, value: 8n * UNIT, memo: 'again', ...FARM });
    expect(bob.state.transfers.at(-1)?.inputs.some((nf) => refused?.inputs.includes(nf))).toBe(true);
    await node.settle();
    await sync(bob, env);
    expect(bob.state.transfers.find(({ id }) => id === refused?.id)?.status).toBe('failed');
  });

  it('a transfer that the node gave up is told as such, and its notes are free', async () => {
    const before = of(bob);
    const sent = await pay(bob, env, { to: alice.address(), asset: 0, value: UNIT, ...FARM });
    const accepted = node.transfers.get(sent.id);
    if (accepted !== undefined)
      accepted.status = { ...accepted.status, status: 'failed', reason: 'PAIR_BROKEN: the other half cannot settle' };
    expect(await codeOf(awaitSettled(bob, env, sent.id, { pollMs: 20 }))).toBe('TRANSFER_REJECTED');
    expect(of(bob)).toBe(before);
  });

  it('what was sealed for the farm in vain is sealed again', async () => {
    node.refusals = Array.from({ length: 6 }, () => new TacitError('NODE_BUSY', 'full', { retryable: true }));
    expect(await codeOf(pay(bob, env, { to: alice.address(), asset: 0, value: UNIT, ...FARM }))).toBe('NODE_BUSY');
    const before = bob.state.transfers.at(-1)?.submission?.sealed?.ciphertext;
    const [resumed] = await resume(bob, env);
    expect(resumed?.outcome).toBe('confirmed');
    expect(node.submissions.at(-1)?.sealed?.ciphertext).not.toBe(before);
    await node.settle();
    await awaitSettled(bob, env, resumed?.id ?? '', { pollMs: 20 });
  });

  it('a wallet of another rollup is refused', async () => {
    const { wallet } = await createWallet({
      path: join(dir, 'other'),
      passphrase: 'x',
      home: { ...env.home, contract: `0x${'ee'.repeat(20)}` },
      kdfCost: CHEAP,
    });
    expect(await codeOf((async () => sync(wallet, env))())).toBe('WALLET_ELSEWHERE');
    expect(await codeOf(pay(wallet, env, { to: to(), asset: 0, value: 1n }))).toBe('WALLET_ELSEWHERE');
    await wallet.close();
  });
});
