/** What the constructor demands of keys and configuration. The keys are synthetic: a test needs secrets to make bad ones. */
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insecureDevAlpha } from '../../circuits/setup/toxicWaste.js';
import type { CircuitName } from '../../protocol/circuit.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import type { KeyTable } from '../../protocol/fold.js';
import type { G2 } from '../../protocol/proof.js';
import type { VerifyingKey } from '../../protocol/vkey.js';
import { type Anvil, startAnvil } from '../../verifier-contract/anvil.js';
import { contractArtifact } from '../../verifier-contract/compile.js';
import { type DeployOptions, deployCode, deployRollup } from '../../verifier-contract/deploy.js';
import { encodeKeyBlob } from '../../verifier-contract/keyBlob.js';
import { POSEIDON_ARITIES, poseidonCreationCode } from '../../verifier-contract/poseidonCode.js';
import { openRpc } from '../../verifier-contract/rpc.js';
import { g2, syntheticKeys } from './syntheticKeys.js';
import { codeOf, World } from './world.js';

const NAMES: CircuitName[] = ['transfer_1', 'update_8'];
const keys = syntheticKeys(NAMES);

let anvil: Anvil;
let signer: Wallet;
let poseidon: string[];
beforeAll(async () => {
  anvil = await startAnvil();
  signer = await signerOf(anvil);
  poseidon = await poseidonAt(signer);
});
afterAll(async () => {
  signer?.provider?.destroy();
  await anvil?.stop();
});

async function signerOf({ rpcUrl, accounts }: Anvil): Promise<Wallet> {
  return new Wallet(accounts[0]!.privateKey, await openRpc(rpcUrl, { pollingMs: 20 }));
}
async function poseidonAt(by: Wallet): Promise<string[]> {
  const addresses: string[] = [];
  for (const inputs of POSEIDON_ARITIES) addresses.push(await deployCode(by, [], poseidonCreationCode(inputs), [], 'Poseidon'));
  return addresses;
}
/** Deploys with a blob of any content. */
async function deployBlob(blob: Uint8Array, by = signer, at = poseidon): Promise<string> {
  const { abi, bytecode } = await contractArtifact('Rollup');
  const config = [by.address, [3600, 1, 2, 1], 5_000, 3_000, at, `0x${'00'.repeat(32)}`];
  return codeOf(deployCode(by, abi, bytecode, [config, blob], 'Rollup'));
}
const blobWith = (change: (entries: [number, VerifyingKey][]) => [number, VerifyingKey][]): Uint8Array =>
  encodeKeyBlob(new Map(change([...keys.table])) as unknown as KeyTable);
const withDelta = (delta: G2): Promise<string> =>
  deployBlob(blobWith((entries) => entries.map(([id, key]) => [id, id === 1 ? key : { ...key, delta }])));
const negate = ({ x, y }: G2): G2 => ({
  x,
  y: [
    21888242871839275222246405745257275088696311157297823662689037894645226208583n - y[0],
    21888242871839275222246405745257275088696311157297823662689037894645226208583n - y[1],
  ],
});

describe('A13: keys that would let proofs be forged', () => {
  it('A13 honest: passes independent keys', async () => {
    expect(await deployBlob(encodeKeyBlob(keys.table))).toBe('no error');
  });

  it('refuses equal δ, δ = ±γ and δ = ±G2, in either sign', async () => {
    const other = keys.table.get(1)!.delta;
    for (const point of [other, keys.table.get(1)!.gamma, g2(1n)]) {
      expect(await withDelta(point)).toBe('CONTRACT_KEY_DELTA');
      expect(await withDelta(negate(point))).toBe('CONTRACT_KEY_DELTA');
    }
    expect(g2(FIELD_MODULUS - 1n)).toEqual(negate(g2(1n)));
  });

  it('refuses points off their groups, and infinity', async () => {
    expect(await withDelta({ x: [1n, 2n], y: [3n, 4n] })).toBe('CONTRACT_KEY_POINT');
    expect(await withDelta({ x: [0n, 0n], y: [0n, 0n] })).toBe('CONTRACT_KEY_POINT');
    const withIc = (x: bigint, y: bigint): Uint8Array =>
      blobWith((entries) => entries.map(([id, key]) => [id, id === 1 ? { ...key, ic: [{ x, y }, ...key.ic.slice(1)] } : key]));
    expect(await deployBlob(withIc(1n, 3n))).toBe('CONTRACT_KEY_POINT');
    expect(await deployBlob(withIc(0n, 0n))).toBe('CONTRACT_KEY_POINT');
    expect(await deployBlob(withIc(1n, 2n))).toBe('no error');
  });

  it('refuses a table that is out of order, incomplete, or of the wrong length', async () => {
    const blob = encodeKeyBlob(keys.table);
    const entry = 385;
    const reordered = Uint8Array.from([...blob.slice(0, 321), ...blob.slice(321 + entry), ...blob.slice(321, 321 + entry)]);
    expect(await deployBlob(reordered)).toBe('CONTRACT_KEY_ORDER');
    const twice = Uint8Array.from([...blob.slice(0, 321), ...blob.slice(321, 321 + entry), ...blob.slice(321, 321 + entry)]);
    expect(await deployBlob(twice)).toBe('CONTRACT_KEY_ORDER');
    const unknown = blob.slice();
    unknown[321 + entry] = 6;
    expect(await deployBlob(unknown)).toBe('CONTRACT_KEY_ORDER');
    expect(await deployBlob(blob.slice(0, -1))).toBe('CONTRACT_KEY_BLOB_LENGTH');
    expect(await deployBlob(blob.slice(0, 100))).toBe('CONTRACT_KEY_BLOB_LENGTH');
    expect(await deployBlob(blobWith(([first]) => [first!]))).toBe('CONTRACT_KEY_SET_INCOMPLETE');
    expect(await deployBlob(blobWith(([, second]) => [second!]))).toBe('CONTRACT_KEY_SET_INCOMPLETE');
  });

  it('refuses other code in the place of Poseidon', async () => {
    expect(await deployBlob(encodeKeyBlob(keys.table), signer, [poseidon[1]!, poseidon[1]!, poseidon[2]!])).toBe('CONTRACT_POSEIDON_CODE');
  });
});

describe('A13: development keys', () => {
  const development = syntheticKeys(NAMES, 'dev', { alpha: insecureDevAlpha() });

  it('are welcome on a development chain, the negated α too', async () => {
    expect(await deployBlob(encodeKeyBlob(development.table))).toBe('no error');
  });

  it('are refused on any other chain, and so is update(2)', async () => {
    const real = await startAnvil({ chainId: 424242 });
    const by = await signerOf(real);
    try {
      const at = await poseidonAt(by);
      expect(await deployBlob(encodeKeyBlob(development.table), by, at)).toBe('CONTRACT_DEVELOPMENT_KEYS');
      const negated = syntheticKeys(NAMES, 'dev', { alpha: FIELD_MODULUS - insecureDevAlpha() });
      expect(await deployBlob(encodeKeyBlob(negated.table), by, at)).toBe('CONTRACT_DEVELOPMENT_KEYS');
      expect(await deployBlob(encodeKeyBlob(syntheticKeys(['transfer_1', 'update_2', 'update_8']).table), by, at)).toBe(
        'CONTRACT_DEVELOPMENT_KEYS',
      );
      expect(await deployBlob(encodeKeyBlob(keys.table), by, at)).toBe('no error');
    } finally {
      by.provider?.destroy();
      await real.stop();
    }
  });
});

describe('the configuration', () => {
  const deploy = (change: Partial<DeployOptions>): Promise<string> =>
    codeOf(deployRollup(signer, { ...World.options(anvil, keys), ...change }));

  it('shares no more than there is, and promises no more than the bond', async () => {
    expect(await deploy({ shares: { transferProverBps: 6_000, updateProverBps: 4_001 } })).toBe('CONTRACT_SHARES_TOO_LARGE');
    expect(await deploy({ bondWei: 5n, dropRewardWei: 6n })).toBe('CONTRACT_BOND_BELOW_REWARD');
    expect(await deploy({ shares: { transferProverBps: 6_000, updateProverBps: 4_000 }, bondWei: 5n, dropRewardWei: 5n })).toBe('no error');
  });
});
