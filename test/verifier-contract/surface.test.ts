/** The contract's surface and its constants, compared with their other copies. */

import { readFileSync } from 'node:fs';
import { Interface, keccak256, toUtf8Bytes } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insecureDevAlpha } from '../../circuits/setup/toxicWaste.js';
import { LedgerState } from '../../ledger/state.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { TAG_CHALLENGE, TAG_EXT, TAG_FOLD, TAG_FORCED, TAG_RECORD } from '../../protocol/constants.js';
import { H } from '../../protocol/hash.js';
import { ROLLUP_ABI } from '../../verifier-contract/abi.js';
import { contractArtifact, MAX_RUNTIME_BYTES } from '../../verifier-contract/compile.js';
import { errorCode } from '../../verifier-contract/contractError.js';
import { decodeKeyBlob, encodeKeyBlob, keyBlobHash } from '../../verifier-contract/keyBlob.js';
import { POSEIDON_ARITIES, poseidonCreationCode } from '../../verifier-contract/poseidonCode.js';
import { g1 } from './syntheticKeys.js';
import { codeOf, World } from './world.js';

const source = (name: string): string => readFileSync(new URL(`../../verifier-contract/contracts/${name}.sol`, import.meta.url), 'utf8');
const CREATION_HEADER_BYTES = 12;

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world?.stop());

describe('the text of the interface', () => {
  it('is what the compiler says, entry by entry', async () => {
    const { abi } = await contractArtifact('Rollup');
    const entries = (of: Interface): string[] =>
      of.fragments
        .filter(({ type }) => type !== 'constructor')
        .map((fragment) => fragment.format('full').replace(/ returns \(.*\)$/, (text) => text.replace(/ [a-zA-Z]+(?=[,)])/g, '')))
        .sort();
    expect(entries(new Interface(ROLLUP_ABI))).toEqual(entries(new Interface(abi as string)));
  });

  it('fits the limit on code size', async () => {
    expect((await contractArtifact('Rollup')).runtimeBytes).toBeLessThanOrEqual(MAX_RUNTIME_BYTES);
  });

  it('names errors one way', () => {
    expect(errorCode('NotSettler')).toBe('CONTRACT_NOT_SETTLER');
    expect(errorCode('NotATransferCircuit')).toBe('CONTRACT_NOT_A_TRANSFER_CIRCUIT');
  });
});

describe('constants of the contract', () => {
  it('are the tags of the protocol', () => {
    const tags = Object.fromEntries([...source('Tags').matchAll(/constant (TAG_\w+) = "([^"]+)"/g)].map(([, name, text]) => [name, text]));
    const padded = (text: string): string => bytesToHex(toUtf8Bytes(text)).padEnd(66, '0');
    for (const [name, tag] of Object.entries({ TAG_EXT, TAG_CHALLENGE, TAG_FOLD, TAG_RECORD, TAG_FORCED }))
      expect(padded(tags[name] as string)).toBe(bytesToHex(tag));
  });

  it('are the circuit ids of the protocol', () => {
    const ids = Object.fromEntries(
      [...source('Circuits').matchAll(/constant ((?:TRANSFER|UPDATE)_\d+) = (\d+)/g)].map(([, name, id]) => [
        (name as string).toLowerCase(),
        Number(id),
      ]),
    );
    expect(ids).toEqual(Object.fromEntries(Object.values(CIRCUITS).map(({ name, id }) => [name, id])));
  });

  it('are the genesis roots of the ledger', async () => {
    const genesis = LedgerState.genesis();
    const state = await world.rollup.state(await world.rollup.config().then(({ deploymentBlock }) => deploymentBlock));
    expect([state.noteRoot, state.nullifierRoot, state.leafCount]).toEqual([genesis.noteRoot, genesis.nullifierRoot, genesis.leafCount]);
    expect(await world.rollup.isKnownRoot(genesis.noteRoot)).toBe(true);
  });

  it('are the hashes of the generated Poseidon contracts', () => {
    for (const inputs of POSEIDON_ARITIES) {
      const runtime = `0x${poseidonCreationCode(inputs).slice(2 + 2 * CREATION_HEADER_BYTES)}`;
      expect(source('Poseidon')).toContain(`CODE_${inputs} = ${keccak256(runtime)}`);
    }
  });

  it('are the published development α', () => {
    expect(source('KeyTable').replace(/\s+/g, ' ')).toContain(`DEVELOPMENT_ALPHA_X = ${g1(insecureDevAlpha()).x};`);
  });
});

describe('reads', () => {
  it('give the configuration', async () => {
    const config = await world.rollup.config();
    const blob = encodeKeyBlob(world.keys.table);
    expect(config).toMatchObject({
      aggregator: world.address(0),
      queueDelaySeconds: 3600,
      slotFeeWei: 10_000n,
      bondWei: 1_000_000n,
      dropRewardWei: 300_000n,
      keysHash: keyBlobHash(blob),
    });
    expect(await world.rollup.keyBlob()).toEqual(blob);
    expect(encodeKeyBlob(decodeKeyBlob(blob))).toEqual(blob);
  });

  it('refuse an address without a contract', async () => {
    await world.rollup.assertDeployed();
    const { RollupContract } = await import('../../verifier-contract/rollup.js');
    expect(await codeOf(new RollupContract(`0x${'12'.repeat(20)}`, world.provider).assertDeployed())).toBe('CONTRACT_ABSENT');
  });
});

describe('deposit', () => {
  const blank = new Uint8Array(32);
  const call = { asset: 0, value: 5n, owner: 7n, ephemeral: blank, ciphertext: blank };

  it('queues the commitment that the protocol computes', async () => {
    const { queueIndex } = await world.rollup.deposit(call);
    expect(await world.rollup.queueItem(queueIndex)).toMatchObject({
      kind: 'deposit',
      word: bytesToHex(
        Uint8Array.from(
          H(7n, 0n, 5n)
            .toString(16)
            .padStart(64, '0')
            .match(/../g)!
            .map((b) => Number.parseInt(b, 16)),
        ),
      ),
    });
  });

  it('takes an ERC-20 and the slot fee', async () => {
    const token = await world.token('Coin');
    const { asset } = await world.rollup.registerAsset(token);
    expect(await world.rollup.asset(asset)).toBe(token);
    expect(await world.rollup.assetOf(token)).toBe(asset);
    const { Contract } = await import('ethers');
    const erc20 = new Contract(
      token,
      ['function mint(address,uint256)', 'function approve(address,uint256)', 'function balanceOf(address) view returns (uint256)'],
      world.signers[0],
    );
    await (await erc20.getFunction('mint')(world.address(0), 100n)).wait();
    expect(await codeOf(world.rollup.deposit({ ...call, asset }))).toBe('CONTRACT_TOKEN_REFUSED'); // no allowance
    await (await erc20.getFunction('approve')(world.rollup.address, 60n)).wait();
    await world.rollup.deposit({ ...call, asset, value: 60n });
    expect(await erc20.getFunction('balanceOf')(world.rollup.address)).toBe(60n);
    expect(await codeOf(world.rollup.registerAsset(token))).toBe('CONTRACT_TOKEN_REGISTERED');
  });

  it('refuses what is not a deposit', async () => {
    const { FIELD_MODULUS } = await import('../../protocol/field.js');
    expect(await codeOf(world.rollup.deposit({ ...call, value: 0n }))).toBe('CONTRACT_DEPOSIT_VALUE');
    expect(await codeOf(world.rollup.deposit({ ...call, asset: 1, value: 1n << 128n }))).toBe('CONTRACT_DEPOSIT_VALUE');
    expect(await codeOf(world.rollup.deposit({ ...call, owner: FIELD_MODULUS }))).toBe('CONTRACT_NOT_IN_FIELD');
    expect(await codeOf(world.rollup.deposit(call, { slotFeeWei: 0n }))).toBe('CONTRACT_WRONG_PAYMENT');
    expect(await codeOf(world.rollup.deposit({ ...call, asset: 99 }))).toBe('CONTRACT_ASSET_UNKNOWN');
    expect(await codeOf(world.rollup.registerAsset(world.address(3)))).toBe('CONTRACT_TOKEN_WITHOUT_CODE');
  });
});
