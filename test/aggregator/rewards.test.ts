/**
 * Rewards: over a long random run of settlements, what the contract credits is exactly what was paid in fees, per asset, to
 * the last unit, and to nobody but those whom the proofs name. Proofs are simulated; contract, codec and CLI are the real ones.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Signer } from 'ethers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registerWorker } from '../../cli/worker.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { publicInputsOf, transferList } from '../../protocol/fingerprint.js';
import type { TransferRecord } from '../../protocol/record.js';
import { encodeSettlement, type Settlement } from '../../protocol/settlement.js';
import { settlementSlots } from '../../protocol/slots.js';
import { mintTestToken } from '../../verifier-contract/token.js';
import { codeOf, type PlanTransfer, TRANSFER_BPS, UPDATE_BPS, World } from '../verifier-contract/world.js';

const LONG = process.env.TACIT_LONG === '1';
/** Settlements; each has one to four transfer proofs, of one payment or of eight. */
const ROUNDS = LONG ? 200 : 16;
const LIMIT_MS = LONG ? 1_200_000 : 120_000;
const ASSETS = [0, 1, 2];
const WORKERS = [3, 4, 5, 6];
const UPDATERS = [7, 8];
const THIEF = 2;
const WHOLE_BPS = 10_000n;

let world: World;
let dir: string;
/** Credits as they must be, by account and asset. */
const owed = new Map<string, bigint>();
const paid = new Map<number, bigint>();

beforeAll(async () => {
  world = await World.start();
  dir = await mkdtemp(join(tmpdir(), 'tacit-rewards-'));
  for (const name of ['One', 'Two']) await world.rollup.registerAsset(await world.token(name));
}, 180_000);
afterAll(async () => {
  await world.stop();
  await rm(dir, { recursive: true, force: true });
});

const pick = <T>(from: readonly T[]): T => from[Number(world.random.uint(16) % BigInt(from.length))] as T;
const owe = (account: string, asset: number, amount: bigint): void => {
  const key = `${account} ${asset}`;
  owed.set(key, (owed.get(key) ?? 0n) + amount);
};

function feePayer(): TransferRecord {
  // From nothing to all that the width allows; odd amounts, so that shares leave remainders.
  const fee = world.random.uint(Number(world.random.uint(7) % 97n));
  return world.record({ fee, feeAsset: fee === 0n ? 0 : pick(ASSETS) });
}

/** The slow, readable twin of the contract's sharing. */
function shareOut({ fee, feeAsset }: TransferRecord, prover: string, updater: string): void {
  const [proving, updating] = [(fee * BigInt(TRANSFER_BPS)) / WHOLE_BPS, (fee * BigInt(UPDATE_BPS)) / WHOLE_BPS];
  owe(prover === ZERO_ADDRESS ? updater : prover, feeAsset, proving);
  owe(updater, feeAsset, updating);
  owe(world.address(0), feeAsset, fee - proving - updating);
  paid.set(feeAsset, (paid.get(feeAsset) ?? 0n) + fee);
}

async function randomSettlement(): Promise<void> {
  const transfers = Array.from({ length: 1 + Number(world.random.uint(2)) }, (): PlanTransfer => {
    const circuit = pick(['transfer_1', 'transfer_8'] as const);
    const prover = pick([...WORKERS.map((i) => world.address(i)), ZERO_ADDRESS]);
    return { circuit, prover, records: Array.from({ length: CIRCUITS[circuit].size }, feePayer) };
  });
  const records = transfers.flatMap(({ records: list, prover }) => list.map((record) => ({ record, prover: prover as string })));
  const updates: { circuit: 'update_8' | 'update_32'; used: number; prover: string }[] = [];
  for (let left = records.length; left > 0; ) {
    const circuit = left >= CIRCUITS.update_32.minSlots ? pick(['update_8', 'update_32'] as const) : 'update_8';
    const used = Math.min(left, CIRCUITS[circuit].size);
    updates.push({ circuit, used, prover: world.address(pick(UPDATERS)) });
    left -= used;
  }
  let slot = 0;
  for (const { used, prover: updater } of updates) {
    for (const { record, prover } of records.slice(slot, slot + used)) shareOut(record, prover, updater);
    slot += used;
  }
  await world.settle({ transfers, updates });
}

const creditOf = (account: string, asset: number): Promise<bigint> => world.rollup.credits(account, asset);

describe('rewards', () => {
  it(
    'credits sum to the fees, per asset, to the last unit, over a long random run',
    async () => {
      for (let round = 0; round < ROUNDS; round++) await randomSettlement();
      for (const asset of ASSETS) {
        let sum = 0n;
        for (const account of world.anvil.accounts.map(({ address }) => address.toLowerCase())) {
          const credit = await creditOf(account, asset);
          expect(credit, `${account} in ${asset}`).toBe(owed.get(`${account} ${asset}`) ?? 0n);
          sum += credit;
        }
        expect(sum).toBe(paid.get(asset));
      }
      expect(await creditOf(world.address(THIEF), 0)).toBe(0n);
    },
    LIMIT_MS,
  );

  it('A12: a settler that renames a prover, or re-randomises a proof, moves nothing; copied calldata earns nothing', async () => {
    const worker = world.address(WORKERS[0] as number);
    const thief = world.address(THIEF);
    const before = await creditOf(worker, 0);
    const record = world.record({ fee: 1_001n });
    const planned = world.plan({ transfers: [{ records: [record], prover: worker }] });
    const renamed = (change: (settlement: Settlement) => Settlement) => encodeSettlement(change(planned.settlement));
    const bytes = [
      renamed((s) => ({ ...s, transfers: s.transfers.map((entry) => ({ ...entry, prover: thief })) })),
      renamed((s) => ({ ...s, transfers: s.transfers.map((entry) => ({ ...entry, prover: ZERO_ADDRESS })) })),
      renamed((s) => ({ ...s, updates: s.updates.map((entry) => ({ ...entry, prover: thief })) })),
    ];
    for (const forged of bytes) expect(await codeOf(world.as(0).settle(forged))).toBe('CONTRACT_FOLD_INVALID');
    // Another valid proof of the same statement names the same worker: the name is in the statement.
    const [entry] = planned.settlement.transfers;
    const slots = settlementSlots([], [record]);
    const again = world.prove(planned.settlement, slots);
    const inputs = publicInputsOf(
      CIRCUITS.transfer_1.id,
      entry?.h as bigint,
      transferList(world.state.noteRoot, worker, [record], world.domain),
      world.domain,
    );
    const rerandomised = {
      ...again,
      transfers: again.transfers.map((t) => ({ ...t, proof: world.keys.prove(CIRCUITS.transfer_1.id, inputs) })),
    };
    // Somebody who copies the bytes has no right to settle, and would be paid nothing.
    expect(await codeOf(world.as(THIEF).settle(encodeSettlement(rerandomised)))).toBe('CONTRACT_NOT_SETTLER');
    await world.as(0).settle(encodeSettlement(rerandomised));
    world.state = planned.next;
    expect((await creditOf(worker, 0)) - before).toBe((1_001n * BigInt(TRANSFER_BPS)) / WHOLE_BPS);
    expect(await creditOf(thief, 0)).toBe(0n);
    // The same again, proof for proof, is spent.
    expect(await codeOf(world.as(0).settle(encodeSettlement(rerandomised)))).not.toBe('no error');
  });

  it('are shown and claimed by the worker, with the gas paid by another where it has none', async () => {
    // Money for the contract to pay from: credits of simulated proofs came from nowhere.
    await world.provider.send('anvil_setBalance', [world.rollup.address, `0x${((paid.get(0) ?? 0n) + 2_000n).toString(16)}`]);
    for (const asset of [1, 2])
      await mintTestToken(world.signers[0] as Signer, await world.rollup.asset(asset), world.rollup.address, paid.get(asset) ?? 0n);
    const [index, payer] = [WORKERS[1] as number, WORKERS[2] as number];
    const key = world.anvil.accounts[index]?.privateKey as string;
    const keys = await secret('worker.json', JSON.stringify({ version: 1, account: key, sealKeys: [] }));
    const payerKey = await secret('payer', world.anvil.accounts[payer]?.privateKey as string);
    const chain = ['--rpc', world.anvil.rpcUrl, '--contract', world.rollup.address, '--json'];
    const credit = await creditOf(world.address(index), 0);
    expect(await tacit('rewards', ...chain, '--keys', keys)).toMatchObject({
      account: world.address(index),
      rewards: [{ asset: 0, amount: String(credit) }, { asset: 1 }, { asset: 2 }],
    });
    expect(await tacit('rewards', ...chain)).toMatchObject({ error: { code: 'OPTION_MISSING' } });
    // A name that was mistyped is no new worker.
    const mistyped = join(dir, 'wroker.json');
    for (const command of ['rewards', 'claim']) {
      expect(await tacit(command, ...chain, '--keys', mistyped)).toMatchObject({ error: { code: 'FILE_MISSING' } });
    }
    expect(existsSync(mistyped)).toBe(false);
    const before = await world.provider.getBalance(world.address(index));
    const claimed = await tacit('claim', ...chain, '--keys', keys, '--payer-key-file', payerKey);
    expect(claimed).toMatchObject({
      to: world.address(index),
      claimed: [{ asset: 0, amount: String(credit) }, { asset: 1 }, { asset: 2 }],
    });
    expect((await world.provider.getBalance(world.address(index))) - before).toBe(credit);
    expect(await tacit('claim', ...chain, '--keys', keys)).toMatchObject({ claimed: [] });
    const poor = WORKERS[2] as number;
    const poorKeys = await secret(
      'poor.json',
      JSON.stringify({ version: 1, account: world.anvil.accounts[poor]?.privateKey, sealKeys: [] }),
    );
    await world.provider.send('anvil_setBalance', [world.address(poor), '0x0']);
    expect(await creditOf(world.address(poor), 0)).toBeGreaterThan(0n);
    expect(await tacit('claim', ...chain, '--keys', poorKeys)).toMatchObject({
      error: { code: 'FUNDS_TOO_LOW', expected: expect.stringContaining('--payer-key-file') },
    });
    const thief = await secret(
      'thief.json',
      JSON.stringify({ version: 1, account: world.anvil.accounts[THIEF]?.privateKey, sealKeys: [] }),
    );
    expect(await tacit('claim', ...chain, '--keys', thief)).toMatchObject({ claimed: [] });
    expect(await codeOf(world.as(THIEF).claim(world.address(WORKERS[3] as number), 0, world.address(THIEF)))).toBe(
      'CONTRACT_NOT_YOUR_CREDIT',
    );
  });
});

async function secret(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, `${text}\n`);
  await chmod(path, 0o600);
  return path;
}

/** Runs `tacit worker …args` and answers its JSON. */
async function tacit(...args: string[]): Promise<unknown> {
  const out: string[] = [];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => out.push(String(chunk)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true),
  ];
  try {
    const program = new Command('tacit').exitOverride();
    registerWorker(program);
    await program.parseAsync(['worker', ...args], { from: 'user' });
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = 0;
  }
  return JSON.parse(out.join(''));
}
