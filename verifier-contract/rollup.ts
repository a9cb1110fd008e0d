/**
 * Typed bindings of the rollup contract.
 *
 * Reads return domain types; writes come in two forms: `data.*` gives calldata for whoever keeps its own nonces, the
 * methods send through the signer and wait for the receipt. Every failure is a TacitError (contractError.ts).
 */
import {
  Contract,
  type ContractRunner,
  type ContractTransactionReceipt,
  type Provider,
  type Signer,
  type TransactionRequest,
} from 'ethers';
import { bytesToHex, hexToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import { assertEvmAddress } from '../protocol/evmAddress.js';
import type { Amount, AssetId, EvmAddress, Field, Hex, LeafIndex } from '../protocol/flavor.js';
import { encodeProof, type Groth16Proof } from '../protocol/proof.js';
import { type Domain, encodeRecord, type TransferRecord } from '../protocol/record.js';
import { rollupInterface } from './abi.js';
import { onChain } from './contractError.js';

/** Wei, or a count of wei. */
type Wei = bigint;
/** A block number, or `latest`. Reads at an old block need a node that keeps that state. */
export type BlockTag = number | 'latest';

export interface RollupState {
  readonly noteRoot: Field;
  readonly nullifierRoot: Field;
  /** Indices taken in both trees, 1..2^32. */
  readonly leafCount: bigint;
  readonly settlementCount: number;
  /** Items below are in the rollup; items in [head, tail) wait. */
  readonly queueHead: number;
  readonly queueTail: number;
}

/** What is fixed at deployment. */
export interface RollupConfig {
  readonly aggregator: EvmAddress;
  readonly queueDelaySeconds: number;
  readonly slotFeeWei: Wei;
  readonly bondWei: Wei;
  readonly dropRewardWei: Wei;
  readonly shares: FeeShares;
  readonly deploymentBlock: number;
  readonly keysHash: Hex;
  readonly circuitsHash: Hex;
}

/** Parts of every fee, in 1/10,000; the rest is the aggregator's. */
export interface FeeShares {
  readonly transferProverBps: number;
  readonly updateProverBps: number;
}

export interface QueuedItem {
  /** `none`: never queued, or in the rollup already. */
  readonly kind: 'none' | 'deposit' | 'forced' | 'dropped';
  /** Block time, seconds since the epoch. */
  readonly enqueuedAtSeconds: number;
  /** Deposit: the commitment. Else the hash of record, prover and refund address. */
  readonly word: Hex;
}

export interface DepositCall {
  readonly asset: AssetId;
  readonly value: Amount;
  readonly owner: Field;
  readonly ephemeral: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface ForceCall {
  readonly record: TransferRecord;
  readonly prover: EvmAddress;
  /** Who is credited the bond. */
  readonly refund: EvmAddress;
  readonly anchor: Field;
  readonly h: Field;
  readonly proof: Groth16Proof;
}

export interface DropCall {
  readonly queueIndex: number;
  readonly record: TransferRecord;
  readonly prover: EvmAddress;
  readonly refund: EvmAddress;
  /** Which of the record's nullifiers is spent. */
  readonly nullifier: 1 | 2;
  /** Its leaf in the nullifier tree. */
  readonly next: Field;
  readonly leafIndex: LeafIndex;
  /** 16 levels from the leaf up, three siblings each, ascending, the own node left out. */
  readonly siblings: readonly (readonly Field[])[];
}

export interface Mined {
  readonly hash: Hex;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly gasUsed: bigint;
}

const KINDS = ['none', 'deposit', 'forced', 'dropped'] as const;
// The state may move between estimate and execution: a cold slot more, a push that now fails.
const GAS_MARGIN_PERCENT = 120n;

/** Calldata of each function that changes state. */
export const rollupData = {
  deposit: ({ asset, value, owner, ephemeral, ciphertext }: DepositCall): Hex =>
    encode('deposit', [asset, value, owner, bytesToHex(ephemeral), bytesToHex(ciphertext)]),
  force: ({ record, prover, refund, anchor, h, proof }: ForceCall): Hex =>
    encode('force', [bytesToHex(encodeRecord(record)), prover, refund, anchor, h, bytesToHex(encodeProof(proof))]),
  drop: ({ queueIndex, record, prover, refund, nullifier, next, leafIndex, siblings }: DropCall): Hex =>
    encode('drop', [queueIndex, bytesToHex(encodeRecord(record)), prover, refund, nullifier === 2, next, leafIndex, siblings]),
  settle: (settlement: Uint8Array): Hex => encode('settle', [bytesToHex(settlement)]),
  claim: (account: EvmAddress, asset: AssetId, to: EvmAddress): Hex => encode('claim', [account, asset, to]),
  registerAsset: (token: EvmAddress): Hex => encode('registerAsset', [token]),
};

function encode(name: string, args: unknown[]): Hex {
  return rollupInterface().encodeFunctionData(name, args);
}

export class RollupContract {
  readonly address: EvmAddress;
  readonly #contract: Contract;
  readonly #runner: ContractRunner;
  #chainId: bigint | undefined;

  /** @param runner a provider for reads, a signer (with a provider) for reads and writes */
  constructor(address: EvmAddress, runner: Provider | Signer) {
    this.address = assertEvmAddress(address.toLowerCase(), 'rollup contract');
    this.#runner = runner;
    this.#contract = new Contract(this.address, rollupInterface(), runner);
  }

  /** The same contract through another signer or provider. */
  connect(runner: Provider | Signer): RollupContract {
    return new RollupContract(this.address, runner);
  }

  get provider(): Provider {
    const provider = this.#runner.provider;
    if (!provider) throw new TacitError('RPC_MISSING', 'the signer is not connected to a chain', { expected: 'a signer with a provider' });
    return provider;
  }

  /** Chain and contract: what every hash binds. */
  async domain(): Promise<Domain> {
    this.#chainId ??= (await onChain('read the chain id', () => this.provider.getNetwork())).chainId;
    return { chainId: this.#chainId, contract: this.address };
  }

  /** @throws TacitError CONTRACT_ABSENT when nothing stands at the address */
  async assertDeployed(): Promise<void> {
    const code = await onChain('read the contract code', () => this.provider.getCode(this.address));
    if (code === '0x')
      throw new TacitError('CONTRACT_ABSENT', 'there is no contract at this address', { expected: 'a rollup contract', got: this.address });
  }

  async state(blockTag: BlockTag = 'latest'): Promise<RollupState> {
    const read = (name: string): Promise<bigint> => this.#read<bigint>(name, [], blockTag);
    const [noteRoot, nullifierRoot, leafCount, settlementCount, queueHead, queueTail] = await Promise.all([
      read('noteRoot'),
      read('nullifierRoot'),
      read('leafCount'),
      read('settlementCount'),
      read('queueHead'),
      read('queueTail'),
    ]);
    return {
      noteRoot,
      nullifierRoot,
      leafCount,
      settlementCount: Number(settlementCount),
      queueHead: Number(queueHead),
      queueTail: Number(queueTail),
    };
  }

  async config(): Promise<RollupConfig> {
    const number = async (name: string): Promise<number> => Number(await this.#read<bigint>(name));
    const [
      aggregator,
      queueDelaySeconds,
      slotFeeWei,
      bondWei,
      dropRewardWei,
      transferProverBps,
      updateProverBps,
      deploymentBlock,
      keysHash,
      circuitsHash,
    ] = await Promise.all([
      this.#read<string>('aggregator'),
      number('queueDelaySeconds'),
      this.#read<bigint>('slotFeeWei'),
      this.#read<bigint>('bondWei'),
      this.#read<bigint>('dropRewardWei'),
      number('transferProverBps'),
      number('updateProverBps'),
      number('deploymentBlock'),
      this.#read<string>('keysHash'),
      this.#read<string>('circuitsHash'),
    ]);
    return {
      aggregator: aggregator.toLowerCase(),
      queueDelaySeconds,
      slotFeeWei,
      bondWei,
      dropRewardWei,
      shares: { transferProverBps, updateProverBps },
      deploymentBlock,
      keysHash,
      circuitsHash,
    };
  }

  isKnownRoot(root: Field, blockTag: BlockTag = 'latest'): Promise<boolean> {
    return this.#read('isKnownRoot', [root], blockTag);
  }

  /** True while the head of the queue has waited longer than the delay: then anyone may settle. */
  isOverdue(): Promise<boolean> {
    return this.#read('isOverdue');
  }

  /** Was a record of this hash ever forced? */
  isForced(recordHash: Hex): Promise<boolean> {
    return this.#read('isForced', [recordHash]);
  }

  async queueItem(index: number, blockTag: BlockTag = 'latest'): Promise<QueuedItem> {
    const [enqueuedAt, kind, word] = await this.#read<[bigint, bigint, string]>('queueItem', [index], blockTag);
    return { kind: KINDS[Number(kind)] ?? 'none', enqueuedAtSeconds: Number(enqueuedAt), word };
  }

  credits(account: EvmAddress, asset: AssetId, blockTag: BlockTag = 'latest'): Promise<Amount> {
    return this.#read('credits', [account, asset], blockTag);
  }

  /** Registered ERC-20s; their ids are 1..assetCount. */
  async assetCount(): Promise<number> {
    return Number(await this.#read<bigint>('assetCount'));
  }

  /** The token of an asset, the zero address for asset 0. @throws TacitError CONTRACT_ASSET_UNKNOWN */
  async asset(id: AssetId): Promise<EvmAddress> {
    return (await this.#read<string>('asset', [id])).toLowerCase();
  }

  /** The id of a token, 0 when it has none. */
  async assetOf(token: EvmAddress): Promise<AssetId> {
    return Number(await this.#read<bigint>('assetOf', [token]));
  }

  /** The verifying keys that this contract checks with; see keyBlob.ts. */
  async keyBlob(): Promise<Uint8Array> {
    return hexToBytes(await this.#read<string>('keyBlob'));
  }

  /** Pays in and joins the queue; for an ERC-20 the allowance must stand already. */
  async deposit(call: DepositCall, options: { slotFeeWei?: Wei } = {}): Promise<Mined & { queueIndex: number }> {
    const fee = options.slotFeeWei ?? (await this.#read<bigint>('slotFeeWei'));
    const receipt = await this.send('deposit', rollupData.deposit(call), call.asset === 0 ? call.value + fee : fee);
    return { ...mined(receipt), queueIndex: Number(this.#event(receipt, 'Deposit', 0)) };
  }

  /** Queues a transfer past the aggregator; costs bond and slot fee. */
  async force(call: ForceCall): Promise<Mined & { queueIndex: number }> {
    const [bond, fee] = await Promise.all([this.#read<bigint>('bondWei'), this.#read<bigint>('slotFeeWei')]);
    const receipt = await this.send('force', rollupData.force(call), bond + fee);
    return { ...mined(receipt), queueIndex: Number(this.#event(receipt, 'Forced', 0)) };
  }

  async drop(call: DropCall): Promise<Mined> {
    return mined(await this.send('drop', rollupData.drop(call)));
  }

  /** @param settlement as encodeSettlement gives it */
  async settle(settlement: Uint8Array): Promise<Mined & { settlementIndex: number }> {
    const receipt = await this.send('settle', rollupData.settle(settlement));
    return { ...mined(receipt), settlementIndex: Number(this.#event(receipt, 'Settled', 0)) };
  }

  async claim(account: EvmAddress, asset: AssetId, to: EvmAddress = account): Promise<Mined & { amount: Amount }> {
    const receipt = await this.send('claim', rollupData.claim(account, asset, to));
    return { ...mined(receipt), amount: this.#event(receipt, 'Claimed', 2) as bigint };
  }

  async registerAsset(token: EvmAddress): Promise<Mined & { asset: AssetId }> {
    const receipt = await this.send('registerAsset', rollupData.registerAsset(token));
    return { ...mined(receipt), asset: Number(this.#event(receipt, 'AssetRegistered', 0)) };
  }

  /** Gas that `settle` would use now, sent by `from`. @throws TacitError what the contract would revert with */
  estimateSettle(settlement: Uint8Array, from: EvmAddress): Promise<bigint> {
    return onChain('estimate settle', () => this.provider.estimateGas({ to: this.address, from, data: rollupData.settle(settlement) }));
  }

  /** Estimates, sends and waits for one confirmation. @throws TacitError */
  async send(action: string, data: Hex, valueWei: Wei = 0n): Promise<ContractTransactionReceipt> {
    const signer = this.#runner as Signer;
    if (typeof signer.sendTransaction !== 'function')
      throw new TacitError('SIGNER_MISSING', 'this contract is opened for reading only', { expected: 'a signer', got: action });
    return onChain(action, async () => {
      const request: TransactionRequest = { to: this.address, data, value: valueWei };
      const estimate = await signer.estimateGas(request);
      const response = await signer.sendTransaction({ ...request, gasLimit: (estimate * GAS_MARGIN_PERCENT) / 100n });
      const receipt = await response.wait();
      if (receipt === null) throw new TacitError('TRANSACTION_REPLACED', `the transaction vanished: ${action}`, { retryable: true });
      return receipt as ContractTransactionReceipt;
    });
  }

  #read<T>(name: string, args: unknown[] = [], blockTag: BlockTag = 'latest'): Promise<T> {
    return onChain(`read ${name}`, () => this.#contract.getFunction(name).staticCall(...args, { blockTag }) as Promise<T>);
  }

  #event(receipt: ContractTransactionReceipt, name: string, argument: number): unknown {
    for (const log of receipt.logs) {
      if (log.address.toLowerCase() !== this.address) continue;
      const parsed = rollupInterface().parseLog(log);
      if (parsed?.name === name) return parsed.args[argument];
    }
    throw new TacitError('EVENT_MISSING', `the receipt holds no ${name} event`, { got: receipt.hash });
  }
}

function mined({ hash, blockNumber, blockHash, gasUsed }: ContractTransactionReceipt): Mined {
  return { hash, blockNumber, blockHash, gasUsed };
}
