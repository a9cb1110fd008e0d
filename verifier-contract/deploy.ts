/**
 * Deployment: three Poseidon contracts, then the rollup, which checks them and its keys in its constructor.
 */
import { ContractFactory, type InterfaceAbi, type Signer } from 'ethers';
import { bytesToHex } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import type { KeyTable } from '../protocol/fold.js';
import { contractArtifact } from './compile.js';
import { onChain } from './contractError.js';
import { encodeKeyBlob } from './keyBlob.js';
import { POSEIDON_ARITIES, poseidonCreationCode } from './poseidonCode.js';
import { type FeeShares, RollupContract } from './rollup.js';

export interface DeployOptions {
  /** Who may settle while no queue item is overdue. */
  readonly aggregator: EvmAddress;
  /** An item that waits longer opens settling to everybody. */
  readonly queueDelaySeconds: number;
  /** Native coin with every queue item, for the update's prover. */
  readonly slotFeeWei: bigint;
  /** Native coin with every forced transfer, back on inclusion. */
  readonly bondWei: bigint;
  /** Part of the bond for whoever drops an impossible item. */
  readonly dropRewardWei: bigint;
  readonly shares: FeeShares;
  readonly keyTable: KeyTable;
  /** Hash of the manifest of circuits and keys, readable on chain afterwards. Default: zero. */
  readonly circuitsHash?: Hex;
}

const ZERO_HASH = `0x${'00'.repeat(32)}`;

/**
 * Deploys everything and waits for it. `signer` pays; it gets no rights.
 * @throws TacitError CONTRACT_DEVELOPMENT_KEYS, CONTRACT_KEY_DELTA, CONTRACT_SHARES_TOO_LARGE, …
 */
export async function deployRollup(signer: Signer, options: DeployOptions): Promise<RollupContract> {
  const artifact = await contractArtifact('Rollup');
  const poseidon: EvmAddress[] = [];
  for (const inputs of POSEIDON_ARITIES)
    poseidon.push(await deployCode(signer, [], poseidonCreationCode(inputs), [], `Poseidon(${inputs})`));
  const { aggregator, queueDelaySeconds, slotFeeWei, bondWei, dropRewardWei, shares, keyTable, circuitsHash } = options;
  const config = [
    aggregator,
    [queueDelaySeconds, slotFeeWei, bondWei, dropRewardWei],
    shares.transferProverBps,
    shares.updateProverBps,
    poseidon,
    circuitsHash ?? ZERO_HASH,
  ];
  const address = await deployCode(signer, artifact.abi, artifact.bytecode, [config, bytesToHex(encodeKeyBlob(keyTable))], 'Rollup');
  return new RollupContract(address, signer);
}

/** Deploys one of the development tokens (contracts/test/TestToken.sol); anybody may mint it. */
export async function deployTestToken(signer: Signer, name: string, symbol: string, decimals: number): Promise<EvmAddress> {
  const { abi, bytecode } = await contractArtifact('TestToken', 'test');
  return deployCode(signer, abi, bytecode, [name, symbol, decimals], symbol);
}

/** Creates one contract and returns its address. */
export async function deployCode(
  signer: Signer,
  abi: InterfaceAbi,
  bytecode: Hex,
  args: readonly unknown[],
  what: string,
): Promise<EvmAddress> {
  return onChain(`deploy ${what}`, async () => {
    const contract = await new ContractFactory(abi, bytecode, signer).deploy(...args);
    await contract.waitForDeployment();
    const address = await contract.getAddress();
    if ((await signer.provider?.getCode(address)) === '0x')
      throw new TacitError('DEPLOY_FAILED', 'the contract was created without code', { got: what });
    return address.toLowerCase();
  });
}
