/** Money: fee shares, slot fees, withdrawals pushed and deferred, claims, and tokens that misbehave. Proofs are synthetic. */
import { Contract, parseEther } from 'ethers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { gasOf, WITHDRAWAL_GAS } from '../../aggregator/gasModel.js';
import type { QueueItem } from '../../protocol/slots.js';
import { contractArtifact } from '../../verifier-contract/compile.js';
import { deployCode } from '../../verifier-contract/deploy.js';
import { rollupData } from '../../verifier-contract/rollup.js';
import { codeOf, SLOT_FEE, TRANSFER_BPS, UPDATE_BPS, World } from './world.js';

const ERC20 = ['function mint(address,uint256)', 'function approve(address,uint256)', 'function balanceOf(address) view returns (uint256)'];
const [CLIENT, WORKER, UPDATER, SECOND_UPDATER] = [3, 6, 9, 8];

let world: World;
let back: () => Promise<void>;
beforeAll(async () => {
  world = await World.start();
  await fund(0, parseEther('10'));
});
beforeEach(async () => {
  back = await world.snapshot();
});
afterEach(() => back());
afterAll(() => world?.stop());

const blank = new Uint8Array(32);
const credit = (account: number, asset = 0): Promise<bigint> => world.rollup.credits(world.address(account), asset);

/** Puts value into the rollup: the contract must hold what is withdrawn. */
async function fund(asset: number, value: bigint): Promise<void> {
  const { queueIndex } = await world.as(0).deposit({ asset, value, owner: 7n, ephemeral: blank, ciphertext: blank });
  const item: QueueItem = { kind: 'deposit', commitment: BigInt((await world.rollup.queueItem(queueIndex)).word) };
  await world.settle({ queue: [item], updates: [{ used: 1, prover: world.address(7) }] });
}

/** A hostile contract of contracts/test/Hostile.sol. */
async function hostile(name: string, ...args: unknown[]): Promise<Contract> {
  const { abi, bytecode } = await contractArtifact(name, 'test');
  const address = await deployCode(world.signers[0]!, abi, bytecode, args, name);
  return new Contract(address, abi, world.signers[0]);
}

const withdrawal = (recipient: string, outValue: bigint, outAsset = 0) => ({
  records: [world.record({ recipient: recipient.toLowerCase(), outValue, outAsset })],
});

describe('fees', () => {
  it('are shared between the prover of the transfer, the prover of its update, and the aggregator', async () => {
    const fee = 12_345n;
    const [toProver, toUpdater] = [(fee * BigInt(TRANSFER_BPS)) / 10_000n, (fee * BigInt(UPDATE_BPS)) / 10_000n];
    await world.settle({
      transfers: [
        { records: [world.record({ fee })], prover: world.address(WORKER) },
        { records: [world.record({ fee })] }, // proven by the client: its prover's share goes to the update's prover
        { records: [world.record({ fee })], prover: world.address(WORKER) },
      ],
      updates: [{ used: 2 }, { used: 1, prover: world.address(SECOND_UPDATER) }],
    });
    expect(await credit(WORKER)).toBe(2n * toProver);
    expect(await credit(UPDATER)).toBe(toProver + 2n * toUpdater);
    expect(await credit(SECOND_UPDATER)).toBe(toUpdater);
    expect(await credit(0)).toBe(3n * (fee - toProver - toUpdater));
  });

  it('are paid in their own asset', async () => {
    await world.settle({
      transfers: [
        { records: [world.record({ fee: 10_000n, feeAsset: 3 })], prover: world.address(WORKER) },
        { records: [world.record({ fee: 10_000n })], prover: world.address(WORKER) },
      ],
    });
    expect([await credit(WORKER, 3), await credit(WORKER), await credit(UPDATER, 3), await credit(0, 3)]).toEqual([
      5_000n,
      5_000n,
      3_000n,
      2_000n,
    ]);
  });

  it('cover eight transfers of one proof', async () => {
    await world.settle({
      transfers: [
        { circuit: 'transfer_8', records: Array.from({ length: 8 }, () => world.record({ fee: 1_000n })), prover: world.address(WORKER) },
      ],
      updates: [{ used: 8 }],
    });
    expect([await credit(WORKER), await credit(UPDATER), await credit(0)]).toEqual([4_000n, 2_400n, 1_600n]);
  });

  it('A12: earn a copier nothing: a settlement sent by somebody else pays the same accounts', async () => {
    const { queueIndex } = await world.as(CLIENT).deposit({ asset: 0, value: 1n, owner: 7n, ephemeral: blank, ciphertext: blank });
    const item: QueueItem = { kind: 'deposit', commitment: BigInt((await world.rollup.queueItem(queueIndex)).word) };
    const plan = { queue: [item], transfers: [{ records: [world.record({ fee: 10_000n })], prover: world.address(WORKER) }] };
    await world.passSeconds(3_700);
    await world.settle(plan, CLIENT);
    expect([await credit(CLIENT), await credit(WORKER), await credit(UPDATER), await credit(0)]).toEqual([
      0n,
      5_000n,
      3_000n + SLOT_FEE,
      2_000n,
    ]);
  });
});

describe('withdrawals', () => {
  it('are pushed, native coin and tokens', async () => {
    const token = await world.token('Coin');
    const erc20 = new Contract(token, ERC20, world.signers[0]);
    const { asset } = await world.rollup.registerAsset(token);
    await (await erc20.getFunction('mint')(world.address(0), 500n)).wait();
    await (await erc20.getFunction('approve')(world.rollup.address, 500n)).wait();
    await fund(asset, 500n);
    const fresh = `0x${'ab'.repeat(20)}`;
    await world.settle({ transfers: [withdrawal(fresh, 77n), withdrawal(fresh, 120n, asset)] });
    expect(await world.provider.getBalance(fresh)).toBe(77n);
    expect(await erc20.getFunction('balanceOf')(fresh)).toBe(120n);
  });

  it('A14: fall back to a credit when the recipient refuses, burns its gas, or answers with a bomb', async () => {
    for (const name of ['RefusingRecipient', 'GreedyRecipient', 'BombRecipient']) {
      const recipient = (await (await hostile(name)).getAddress()).toLowerCase();
      const { gasUsed } = await world.settle({ transfers: [withdrawal(recipient, 50n)] });
      expect(await world.rollup.credits(recipient, 0)).toBe(50n);
      expect(gasUsed).toBeLessThan(700_000n);
    }
  });

  it('A14: cost at most what a node quotes for them, also where recipient or token take all the gas that they get', async () => {
    const greedyToken = await (await hostile('GreedyToken')).getAddress();
    const { asset } = await world.rollup.registerAsset(greedyToken);
    await (await new Contract(greedyToken, ERC20, world.signers[0]).getFunction('mint')(world.address(0), 500n)).wait();
    await fund(asset, 500n);
    const greedy = (await (await hostile('GreedyRecipient')).getAddress()).toLowerCase();
    const fresh = `0x${'ab'.repeat(20)}`;
    const gasOfOne = async (transfer: object): Promise<number> => {
      const undo = await world.snapshot();
      const { gasUsed } = await world.settle({ transfers: [transfer as ReturnType<typeof withdrawal>] });
      await undo();
      return Number(gasUsed);
    };
    const plain = await gasOfOne({ records: [world.record({})] });
    const added = async (recipient: string, id: number) => (await gasOfOne(withdrawal(recipient, 50n, id))) - plain;
    const [kind, wild, newcomer, token] = [
      await added(world.address(CLIENT), 0),
      await added(greedy, 0),
      await added(fresh, 0),
      await added(fresh, asset),
    ];
    const most = { native: gasOf(WITHDRAWAL_GAS.native), token: gasOf(WITHDRAWAL_GAS.token) };
    expect([kind, newcomer, wild].filter((gas) => gas > most.native || gas < 5_000)).toEqual([]);
    expect(wild).toBeGreaterThan(0.9 * most.native);
    expect(token).toBeLessThanOrEqual(most.token);
    expect(token).toBeGreaterThan(0.9 * most.token);
    expect(await world.rollup.credits(fresh, asset)).toBe(0n);
  });

  it('deferred, are paid out by claim: to the account at anyone’s call, elsewhere at its own', async () => {
    const contract = await hostile('RefusingRecipient');
    const recipient = (await contract.getAddress()).toLowerCase();
    await world.settle({ transfers: [withdrawal(recipient, 50n)] });
    expect(await codeOf(world.as(2).claim(recipient, 0))).toBe('CONTRACT_CLAIM_REFUSED');
    expect(await codeOf(world.as(2).claim(recipient, 0, world.address(2)))).toBe('CONTRACT_NOT_YOUR_CREDIT');
    const fresh = `0x${'cd'.repeat(20)}`;
    await (await contract.getFunction('claim')(world.rollup.address, 0, fresh)).wait();
    expect(await world.provider.getBalance(fresh)).toBe(50n);
    expect(await codeOf(world.as(2).claim(recipient, 0))).toBe('CONTRACT_NOTHING_TO_CLAIM');
  });

  it('are claimed by provers, once', async () => {
    await world.settle({ transfers: [{ records: [world.record({ fee: 10_000n })], prover: world.address(WORKER) }] });
    const before = await world.provider.getBalance(world.address(WORKER));
    expect((await world.as(2).claim(world.address(WORKER), 0)).amount).toBe(5_000n);
    expect(await world.provider.getBalance(world.address(WORKER))).toBe(before + 5_000n);
    expect(await codeOf(world.as(2).claim(world.address(WORKER), 0))).toBe('CONTRACT_NOTHING_TO_CLAIM');
  });

  it('A14: a starved push reverts instead of forcing the fallback', async () => {
    const fresh = `0x${'ef'.repeat(20)}`;
    const { bytes } = world.plan({ transfers: [withdrawal(fresh, 5n)] });
    const data = rollupData.settle(bytes);
    const run = (gas: bigint): Promise<string> =>
      world.provider
        .send('eth_call', [{ from: world.address(0), to: world.rollup.address, data, gas: `0x${gas.toString(16)}` }, 'latest'])
        .then(
          () => 'ok',
          (error: { info?: { error?: { data?: string } } }) => error.info?.error?.data?.slice(0, 10) ?? 'no data',
        );
    const enough = await world.rollup.estimateSettle(bytes, world.address(0));
    const starved = new Contract(world.rollup.address, ['error PushStarved(uint256,uint256)']).interface.getError('PushStarved')?.selector;
    expect(await run(enough + 20_000n)).toBe('ok');
    // Everything up to the push runs; the push itself would have had too little.
    expect(await run(enough - 30_000n)).toBe(starved);
  });
});

describe('misbehaving tokens and callers', () => {
  async function registered(name: string, ...args: unknown[]): Promise<{ token: Contract; asset: number }> {
    const token = await hostile(name, ...args);
    await (await token.getFunction('mint')(world.address(0), 1_000n)).wait();
    return { token, asset: (await world.rollup.registerAsset((await token.getAddress()).toLowerCase())).asset };
  }
  const call = { value: 100n, owner: 7n, ephemeral: blank, ciphertext: blank };

  it('a token that keeps a toll cannot be deposited', async () => {
    expect(await codeOf(world.as(0).deposit({ ...call, asset: (await registered('TollToken')).asset }))).toBe('CONTRACT_BALANCE_RISE');
  });

  it('a token that answers false cannot be deposited', async () => {
    expect(await codeOf(world.as(0).deposit({ ...call, asset: (await registered('FalseToken')).asset }))).toBe('CONTRACT_TOKEN_REFUSED');
  });

  it('a token that answers nothing works both ways', async () => {
    const { token, asset } = await registered('SilentToken');
    await fund(asset, 100n);
    const fresh = `0x${'aa'.repeat(20)}`;
    await world.settle({ transfers: [withdrawal(fresh, 40n, asset)] });
    expect(await token.getFunction('balanceOf')(fresh)).toBe(40n);
  });

  it('A14: a token hook that deposits inside a deposit is turned away, and the outer deposit stands', async () => {
    const { token, asset } = await registered('ReenteringToken', world.rollup.address);
    await (await token.getFunction('arm')(asset)).wait();
    await world.as(0).deposit({ ...call, asset });
    expect([await token.getFunction('entered')(), await token.getFunction('failed')()]).toEqual([true, true]);
    expect((await world.rollup.state()).queueTail).toBe(2);
  });

  it('A14: a recipient that calls back in is turned away and still paid', async () => {
    const recipient = await hostile('ReenteringRecipient', world.rollup.address);
    await world.settle({ transfers: [withdrawal(await recipient.getAddress(), 60n)] });
    expect([await recipient.getFunction('entered')(), await recipient.getFunction('failed')()]).toEqual([true, true]);
    expect(await world.provider.getBalance(await recipient.getAddress())).toBe(60n);
  });

  it('A14: settle refuses a caller with code, and a contract in between', async () => {
    const proxy = await hostile('SettleProxy');
    const { bytes } = world.plan({ transfers: [{ records: [world.record()] }] });
    expect(
      await codeOf(
        (async () => {
          const { contractError } = await import('../../verifier-contract/contractError.js');
          try {
            await proxy.getFunction('settle').staticCall(world.rollup.address, bytes);
          } catch (error) {
            throw contractError(error, 'settle through a contract');
          }
        })(),
      ),
    ).toBe('CONTRACT_NOT_TOP_LEVEL');
    // An account that has delegated itself to code (EIP-7702) has code, too.
    await world.provider.send('anvil_setCode', [world.address(0), `0xef0100${'11'.repeat(20)}`]);
    expect(await codeOf(world.rollup.estimateSettle(bytes, world.address(0)))).toBe('CONTRACT_NOT_TOP_LEVEL');
    await world.provider.send('anvil_setCode', [world.address(0), '0x']);
    expect(await codeOf(world.rollup.estimateSettle(bytes, world.address(0)))).toBe('no error');
  });
});
