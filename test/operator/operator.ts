/**
 * An adversarial operator: the production node, whole, with real queue, contract and signatures, and a door before its chain
 * behind which its settlements are kept back and exchanged. What it changes it makes as good as it can: every update is
 * proven anew for what it then says. What it has no proof for, it cannot.
 *
 * The settlement that the node makes by itself: a deposit, two forced transfers, five transfers with fees, one of them a
 * withdrawal. Then the node has done its part and ends.
 */
import { Contract, type Signer, Wallet } from 'ethers';
import type { RunningNode } from '../../aggregator/node.js';
import { applyBatch } from '../../ledger/applyBatch.js';
import type { LedgerState } from '../../ledger/state.js';
import { hexToBytes } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { publicInputsOf } from '../../protocol/fingerprint.js';
import { decodeProof } from '../../protocol/proof.js';
import { recordHash, type TransferRecord } from '../../protocol/record.js';
import { decodeSettlement, encodeSettlement, type Settlement, type TransferProofEntry } from '../../protocol/settlement.js';
import { type QueueItem, type QueueItemKind, settlementSlots } from '../../protocol/slots.js';
import type { SignedSoftConfirmation } from '../../protocol/softConfirmation.js';
import { EMPTY_SLOT, updateList } from '../../protocol/update.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import { rollupInterface } from '../../verifier-contract/abi.js';
import { contractArtifact } from '../../verifier-contract/compile.js';
import { deployCode } from '../../verifier-contract/deploy.js';
import { homeProof, simulatedProof } from '../aggregator/simulatedFarm.js';
import { auditedReplay, codeOf, makeWorld, provenSubmission, recordOf, statusNow, until, type World } from '../aggregator/world.js';
import { type Door, openDoor } from './door.js';

/** All of it goes into one settlement: a batch is sealed when it is full, and eight slots are. */
const POLICY = { sealAfterMs: 60_000, settleAfterMs: 100, tickMs: 30, queueDelayFraction: 0, bumpAfterMs: 600_000 };
const FEE = 1_000n;

export class Operator {
  /** What the node would have settled. */
  honest!: Settlement;
  raw = '';
  readonly kinds: QueueItemKind[] = ['deposit', 'forced', 'forced'];
  /** The trees before it. */
  readonly before: LedgerState;
  readonly queue: QueueItem[] = [];
  /** The node's signed word on each record. */
  readonly promises: SignedSoftConfirmation[] = [];
  readonly records: TransferRecord[] = [];

  private constructor(
    readonly world: World,
    readonly door: Door,
    readonly node: RunningNode,
    readonly client: GatewayClient,
    before: LedgerState,
    readonly relay: string,
  ) {
    this.before = before;
  }

  static async start(): Promise<Operator> {
    const world = await makeWorld();
    const door = await openDoor(world.anvil.rpcUrl);
    const { abi, bytecode } = await contractArtifact('Relay', 'test');
    const relay = await deployCode(new Wallet(world.anvil.accounts[9]?.privateKey as string, world.provider), abi, bytecode, [], 'Relay');
    const { state } = await auditedReplay(world);
    const node = await world.start({ ...POLICY, updateCircuits: ['update_8'] }, { rpcUrl: door.url });
    await world.worker();
    const operator = new Operator(world, door, node, new GatewayClient(node.url), state, relay);
    await operator.#live();
    return operator;
  }

  async stop(): Promise<void> {
    await this.world.stop();
    await this.door.stop();
  }

  /** Account of the operator: it may settle. */
  get settler(): string {
    return this.address(0);
  }

  address(index: number): string {
    return (this.world.anvil.accounts[index] as { address: string }).address;
  }

  signer(index: number): Signer {
    return new Wallet(this.world.anvil.accounts[index]?.privateKey as string, this.world.provider);
  }

  /** The contract's answer to a settlement: the code of its error, or `no error`. */
  async refusal(bytes: Uint8Array, from = this.settler): Promise<string> {
    return (await codeOf(this.world.rollup.estimateSettle(bytes, from))) ?? 'no error';
  }

  /** Through a contract, so that the bytes are not those of the transaction. */
  async refusalRelayed(data: string): Promise<string> {
    const { abi } = await contractArtifact('Relay', 'test');
    const relay = new Contract(this.relay, abi, this.signer(0));
    try {
      await relay.getFunction('relay').estimateGas(this.world.rollup.address, data);
    } catch (error) {
      const revert = (error as { data?: string }).data ?? '';
      const parsed = rollupInterface().parseError(revert);
      return parsed?.name ?? String(error);
    }
    return 'no error';
  }

  /** Proves the updates anew, truthfully, for the slots that the settlement now has. @throws TacitError where no true update exists */
  remade(settlement: Settlement, queue: readonly QueueItem[] = this.queue): Settlement {
    const dropped = new Set(settlement.drops.map(({ item }) => item));
    const items = queue.slice(0, settlement.queueItems).map((item, i): QueueItem => (dropped.has(i) ? { kind: 'dropped' } : item));
    const slots = settlementSlots(
      items,
      settlement.transfers.flatMap(({ records }) => records),
    );
    const prover = settlement.updates[0]?.prover as string;
    const { publicInputs, next } = applyBatch(this.before, 'update_8', slots, prover, this.world.domain);
    const update = {
      circuitId: CIRCUITS.update_8.id,
      keepRoot: false,
      used: slots.length,
      prover,
      h: publicInputs.h,
      proof: decodeProof(hexToBytes(simulatedProof('update_8', publicInputs))),
      noteRootNew: next.noteRoot,
      nullRootNew: next.nullifierRoot,
    };
    return { ...settlement, updates: [update] };
  }

  /** An update that says what is not true, with a proof that verifies: what only the secrets of the proving keys can make. */
  forgedUpdate(settlement: Settlement, noteRootNew: bigint): Settlement {
    const [update] = settlement.updates as [Settlement['updates'][number]];
    const { nullRootNew, prover, h } = update;
    const own = settlementSlots(
      this.queue,
      settlement.transfers.flatMap(({ records }) => records),
    );
    const slots = Array.from({ length: CIRCUITS.update_8.size }, (_, i) => own[i] ?? EMPTY_SLOT);
    const { noteRoot: noteRootOld, nullifierRoot: nullRootOld } = this.before;
    const startIndex = BigInt(2 * CIRCUITS.update_8.size);
    const list = updateList('update_8', { noteRootOld, nullRootOld, noteRootNew, nullRootNew, startIndex, prover, slots });
    const proof = simulatedProof('update_8', publicInputsOf(CIRCUITS.update_8.id, h, list, this.world.domain));
    return { ...settlement, updates: [{ ...update, noteRootNew, proof: decodeProof(hexToBytes(proof)) }] };
  }

  /** A transfer with a valid proof of a record that nobody gave the operator: only whoever owns the notes can make one. */
  ownTransfer(record: TransferRecord): TransferProofEntry {
    const { h, proof, prover } = homeProof(record, this.before.noteRoot, this.honest.transfers[0]?.prover as string, this.world.domain);
    return {
      circuitId: CIRCUITS.transfer_1.id,
      prover,
      anchor: { kind: 'known', root: this.before.noteRoot },
      h: BigInt(h),
      proof: decodeProof(hexToBytes(proof)),
      records: [record],
    };
  }

  /** Lets the node's own settlement through. */
  async letThrough(): Promise<void> {
    await this.world.provider.send('eth_sendRawTransaction', [this.raw]);
    await until(
      () => this.world.rollup.state(),
      ({ settlementCount }) => settlementCount === 1,
      'settled',
    );
  }

  async #live(): Promise<void> {
    const { world } = this;
    await world.deposit(5n, 71n);
    for (const n of [11, 12]) await this.force(recordOf(n));
    await until(
      () => this.node.stats(),
      ({ queueItemsWaiting }) => queueItemsWaiting === 3,
      'the queue seen',
    );
    const records = [
      recordOf(1, { fee: FEE }),
      recordOf(2, { fee: FEE, outValue: 2n, recipient: this.address(4) }),
      ...[3, 4, 5].map((n) => recordOf(n, { fee: FEE })),
    ];
    this.records.push(...records);
    for (const record of records) {
      await this.client.submit(provenSubmission(record, this.before.noteRoot, world.domain));
      const { confirmation } = await statusNow(this.client, recordHash(record, world.domain));
      this.promises.push(confirmation as SignedSoftConfirmation);
    }
    await until(
      () => this.door.kept.length,
      (count) => count > 0,
      'settling',
      60_000,
    );
    const [{ bytes, raw }] = this.door.kept as [{ bytes: string; raw: string }];
    this.raw = raw;
    this.honest = decodeSettlement(hexToBytes(bytes), this.kinds);
    await this.node.stop();
    const commitment = BigInt((await world.rollup.queueItem(0)).word);
    this.queue.push({ kind: 'deposit', commitment }, ...[11, 12].map((n) => ({ kind: 'forced' as const, record: recordOf(n) })));
  }

  /** Puts a forced transfer into the contract's queue. */
  async force(record: TransferRecord): Promise<void> {
    const { h, proof, prover } = homeProof(record, this.before.noteRoot, `0x${'00'.repeat(20)}`, this.world.domain);
    await this.world.rollup.force({
      record,
      prover,
      refund: this.address(6),
      anchor: this.before.noteRoot,
      h: BigInt(h),
      proof: decodeProof(hexToBytes(proof)),
    });
  }
}

export function bytesOf(settlement: Settlement): Uint8Array {
  return encodeSettlement(settlement);
}
