/**
 * A rollup on a chain of its own for a test: deployed with synthetic keys, its trees kept by the ledger's oracle, so
 * that settlements carry true roots.
 */
import { type JsonRpcProvider, NonceManager, type Signer, Wallet } from 'ethers';
import { LedgerState } from '../../ledger/state.js';
import { CIRCUITS, type CircuitName, circuitById } from '../../protocol/circuit.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { publicInputsOf, transferList } from '../../protocol/fingerprint.js';
import type { Groth16Proof } from '../../protocol/proof.js';
import type { Domain, TransferRecord } from '../../protocol/record.js';
import {
  type AnchorRef,
  type Drop,
  encodeSettlement,
  type ForcedData,
  type Settlement,
  type TransferProofEntry,
  type UpdateEntry,
} from '../../protocol/settlement.js';
import { type QueueItem, type QueueItemKind, settlementSlots } from '../../protocol/slots.js';
import type { Slot } from '../../protocol/update.js';
import { type Anvil, type AnvilOptions, startAnvil } from '../../verifier-contract/anvil.js';
import { type DeployOptions, deployRollup, deployTestToken } from '../../verifier-contract/deploy.js';
import type { ForceCall, RollupContract } from '../../verifier-contract/rollup.js';
import { openRpc } from '../../verifier-contract/rpc.js';
import { settlementStatements } from '../../verifier-contract/statements.js';
import { SeededRandom } from './random.js';
import { type SyntheticKeys, syntheticKeys } from './syntheticKeys.js';

export const NO_PROOF: Groth16Proof = { a: { x: 0n, y: 0n }, b: { x: [0n, 0n], y: [0n, 0n] }, c: { x: 0n, y: 0n } };
export const DELAY_SECONDS = 3600;
export const SLOT_FEE = 10_000n;
export const BOND = 1_000_000n;
export const DROP_REWARD = 300_000n;
export const TRANSFER_BPS = 5_000;
export const UPDATE_BPS = 3_000;

export interface PlanTransfer {
  readonly records: readonly TransferRecord[];
  readonly prover?: string;
  readonly anchor?: AnchorRef;
  readonly circuit?: CircuitName;
}

export interface PlanUpdate {
  readonly circuit?: CircuitName;
  readonly used: number;
  readonly prover?: string;
  readonly keepRoot?: boolean;
}

export interface Plan {
  readonly queue?: readonly (QueueItem & { data?: ForcedData })[];
  readonly drops?: readonly Drop[];
  readonly transfers?: readonly PlanTransfer[];
  /** Default: one update_8 for everything. */
  readonly updates?: readonly PlanUpdate[];
}

export interface Planned {
  readonly settlement: Settlement;
  readonly kinds: readonly QueueItemKind[];
  readonly bytes: Uint8Array;
  /** The trees afterwards. */
  readonly next: LedgerState;
}

export class World {
  state = LedgerState.genesis();
  readonly random = new SeededRandom('world');

  private constructor(
    readonly anvil: Anvil,
    readonly provider: JsonRpcProvider,
    readonly keys: SyntheticKeys,
    readonly rollup: RollupContract,
    readonly domain: Domain,
    readonly signers: readonly Signer[],
  ) {}

  /** Signer 0 deploys and is the aggregator. */
  static async start(options: Partial<DeployOptions> & { circuits?: readonly CircuitName[]; anvil?: AnvilOptions } = {}): Promise<World> {
    const anvil = await startAnvil(options.anvil);
    const provider = await openRpc(anvil.rpcUrl, { pollingMs: 20 });
    const signers = anvil.accounts.map(({ privateKey }) => new Wallet(privateKey, provider));
    const keys = syntheticKeys(options.circuits ?? ['transfer_1', 'transfer_8', 'update_2', 'update_8', 'update_32']);
    const rollup = await deployRollup(signers[0] as Signer, { ...World.options(anvil, keys), ...options });
    return new World(anvil, provider, keys, rollup, await rollup.domain(), signers);
  }

  static options(anvil: Anvil, keys: SyntheticKeys): DeployOptions {
    return {
      aggregator: (anvil.accounts[0] as { address: string }).address,
      queueDelaySeconds: DELAY_SECONDS,
      slotFeeWei: SLOT_FEE,
      bondWei: BOND,
      dropRewardWei: DROP_REWARD,
      shares: { transferProverBps: TRANSFER_BPS, updateProverBps: UPDATE_BPS },
      keyTable: keys.table,
    };
  }

  async stop(): Promise<void> {
    this.provider.destroy();
    await this.anvil.stop();
  }

  address(i: number): string {
    return (this.anvil.accounts[i] as { address: string }).address;
  }

  as(i: number): RollupContract {
    return this.rollup.connect(this.signers[i] as Signer);
  }

  token(name = 'Test', decimals = 6): Promise<string> {
    return deployTestToken(this.signers[0] as Signer, name, name.toUpperCase(), decimals);
  }

  /** Moves the chain's clock and mines. */
  async passSeconds(seconds: number): Promise<void> {
    await this.provider.send('evm_increaseTime', [seconds]);
    await this.provider.send('evm_mine', []);
  }

  async snapshot(): Promise<() => Promise<void>> {
    const id = (await this.provider.send('evm_snapshot', [])) as string;
    const state = this.state.fork();
    return async () => {
      await this.provider.send('evm_revert', [id]);
      this.state = state.fork();
    };
  }

  record(fields: Partial<TransferRecord> = {}): TransferRecord {
    const { random } = this;
    return {
      nf1: random.uint(247) + 1n,
      nf2: random.uint(247) + 1n,
      cm1: random.field(),
      cm2: random.field(),
      outAsset: 0,
      outValue: 0n,
      recipient: ZERO_ADDRESS,
      feeAsset: 0,
      fee: 0n,
      ephemeral: random.bytes(32),
      ciphertexts: [random.bytes(32), random.bytes(32)],
      ...fields,
    };
  }

  /** A forced transfer with a simulated proof, anchored to the current note root. */
  forceCall(record: TransferRecord, prover = ZERO_ADDRESS, refund = this.address(5), anchor = this.state.noteRoot): ForceCall {
    const h = this.random.field();
    const inputs = publicInputsOf(CIRCUITS.transfer_1.id, h, transferList(anchor, prover, [record], this.domain), this.domain);
    return { record, prover, refund, anchor, h, proof: this.keys.prove(CIRCUITS.transfer_1.id, inputs) };
  }

  /** A settlement with true roots and simulated proofs; `change` may spoil it before it is proven, `spoil` after. */
  plan(plan: Plan, change?: (settlement: Settlement) => Settlement): Planned {
    const queue = plan.queue ?? [];
    const dropped = new Set((plan.drops ?? []).map(({ item }) => item));
    const transfers = (plan.transfers ?? []).map(
      ({ records, prover, anchor, circuit }): TransferProofEntry => ({
        circuitId: CIRCUITS[circuit ?? 'transfer_1'].id,
        prover: prover ?? ZERO_ADDRESS,
        anchor: anchor ?? { kind: 'known', root: this.state.noteRoot },
        h: this.random.field(),
        proof: NO_PROOF,
        records,
      }),
    );
    const items = queue.map((item, i): QueueItem => (dropped.has(i) ? { kind: 'dropped' } : item));
    const slots = settlementSlots(
      items,
      transfers.flatMap(({ records }) => records),
    );
    const next = this.state.fork();
    let taken = 0;
    const updates = (plan.updates ?? [{ used: slots.length }]).map(({ circuit, used, prover, keepRoot }): UpdateEntry => {
      const { id, size } = CIRCUITS[circuit ?? 'update_8'];
      next.advance(size, slots.slice(taken, taken + used));
      taken += used;
      return {
        circuitId: id,
        keepRoot: keepRoot ?? false,
        used,
        prover: prover ?? this.address(9),
        h: this.random.field(),
        proof: NO_PROOF,
        noteRootNew: next.noteRoot,
        nullRootNew: next.nullifierRoot,
      };
    });
    const forced = queue.flatMap(({ data }) => (data === undefined ? [] : [data]));
    const bare: Settlement = { queueItems: queue.length, drops: plan.drops ?? [], forced, transfers, updates };
    const settlement = this.prove(change?.(bare) ?? bare, slots);
    const kinds = queue.map(({ kind }) => kind);
    return { settlement, kinds, bytes: encodeSettlement(settlement), next };
  }

  prove(settlement: Settlement, slots: readonly Slot[]): Settlement {
    const { items } = settlementStatements(settlement, slots, {
      domain: this.domain,
      noteRoot: this.state.noteRoot,
      nullifierRoot: this.state.nullifierRoot,
      leafCount: this.state.leafCount,
    });
    const proofs = items.map(({ circuitId, publicInputs }) => this.keys.prove(circuitId, publicInputs));
    const transfers = settlement.transfers.map((entry, i) => ({ ...entry, proof: proofs[i] as Groth16Proof }));
    const updates = settlement.updates.map((entry, i) => ({ ...entry, proof: proofs[transfers.length + i] as Groth16Proof }));
    return { ...settlement, transfers, updates };
  }

  /** Plans and settles as the aggregator (or another signer), and keeps the trees in step. */
  async settle(plan: Plan, signer = 0): Promise<Planned & { gasUsed: bigint; hash: string }> {
    const planned = this.plan(plan);
    const { gasUsed, hash } = await this.as(signer).settle(planned.bytes);
    this.state = planned.next;
    return { ...planned, gasUsed, hash };
  }
}

/** The TacitError code that a call ends with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
}

export { circuitById, NonceManager };
