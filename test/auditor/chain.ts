/**
 * A small honest chain with something of everything: deposits alone and paired, transfers of one and of eight, fees in
 * two assets, withdrawals, several updates in a settlement, an anchor inside it, forced transfers included and dropped in
 * both ways, one of each sent through a contract in between, a settlement by a stranger when the head was overdue, a claim.
 *
 * Proofs are simulated under keys whose secret the test knows (test/verifier-contract/syntheticKeys.ts): the pairing
 * equations are real, circuits are not needed.
 */
import { Contract, type Signer } from 'ethers';
import type { TransferRecord } from '../../protocol/record.js';
import type { ForcedData } from '../../protocol/settlement.js';
import type { QueueItem } from '../../protocol/slots.js';
import { contractArtifact } from '../../verifier-contract/compile.js';
import { deployCode } from '../../verifier-contract/deploy.js';
import type { ForceCall } from '../../verifier-contract/rollup.js';
import { rollupData } from '../../verifier-contract/rollup.js';
import { approveToken, mintTestToken } from '../../verifier-contract/token.js';
import { BOND, DELAY_SECONDS, SLOT_FEE, World } from '../verifier-contract/world.js';

type Queued = QueueItem & { data?: ForcedData };

export class HonestChain {
  readonly world: World;
  readonly stranger = 7;
  /** A contract that passes calls on. */
  relay = '';

  private constructor(world: World) {
    this.world = world;
  }

  static async start(): Promise<HonestChain> {
    const chain = new HonestChain(await World.start());
    await chain.#live();
    return chain;
  }

  stop(): Promise<void> {
    return this.world.stop();
  }

  async #deposit(value: bigint, asset = 0): Promise<Queued> {
    const { world } = this;
    const call = { asset, value, owner: world.random.field(), ephemeral: world.random.bytes(32), ciphertext: world.random.bytes(32) };
    const { queueIndex } = await world.as(2).deposit(call);
    return { kind: 'deposit', commitment: BigInt((await world.rollup.queueItem(queueIndex)).word) };
  }

  async #force(record: TransferRecord, prover?: string): Promise<Queued & { call: ForceCall; index: number }> {
    const call = this.world.forceCall(record, prover);
    const { queueIndex } = await this.world.as(3).force(call);
    return { kind: 'forced', record: call.record, data: call, call, index: queueIndex };
  }

  /** The same, through the relay. */
  async #forceRelayed(record: TransferRecord, prover?: string): Promise<Queued & { call: ForceCall }> {
    const call = this.world.forceCall(record, prover);
    await this.#send(rollupData.force(call), BOND + SLOT_FEE);
    return { kind: 'forced', record: call.record, data: call, call };
  }

  /** A call of the rollup by the relay. */
  async #send(data: string, valueWei = 0n): Promise<void> {
    const { abi } = await contractArtifact('Relay', 'test');
    const relay = new Contract(this.relay, abi, this.world.signers[3] as Signer);
    const sent = await relay.getFunction('relay')(this.world.rollup.address, data, { value: valueWei });
    await sent.wait();
  }

  async #live(): Promise<void> {
    const { world } = this;
    const { abi, bytecode } = await contractArtifact('Relay', 'test');
    this.relay = await deployCode(world.signers[3] as Signer, abi, bytecode, [], 'Relay');
    const token = await world.token();
    const { asset } = await world.rollup.registerAsset(token);
    await mintTestToken(world.signers[2] as Signer, token, world.address(2), 10_000n);
    await approveToken(world.signers[2] as Signer, token, world.rollup.address, 10_000n);
    const deposits = [await this.#deposit(50_000n), await this.#deposit(60_000n), await this.#deposit(7_000n, asset)];
    await world.settle({
      queue: deposits,
      transfers: [{ records: [world.record({ fee: 999n })], prover: world.address(8) }],
      updates: [{ circuit: 'update_8', used: 3 }],
    });

    const withdrawal = { outValue: 1_000n, recipient: world.address(4) };
    const refused = { outValue: 2_000n, recipient: world.rollup.address };
    const inTokens = { outAsset: asset, outValue: 3_000n, recipient: world.address(4), fee: 70n, feeAsset: asset };
    await world.settle({
      transfers: [
        { records: [world.record({ fee: 50n, ...withdrawal })] },
        { records: [refused, inTokens, {}, {}, {}, {}, {}, {}].map((fields) => world.record(fields)), circuit: 'transfer_8' },
        { records: [world.record({ fee: 7n })], anchor: { kind: 'update', index: 0 } },
      ],
      updates: [
        { circuit: 'update_8', used: 8, keepRoot: true },
        { circuit: 'update_2', used: 1, prover: world.address(6) },
        { circuit: 'update_2', used: 1 },
      ],
    });

    const spent = world.record();
    await world.settle({ transfers: [{ records: [spent] }], updates: [{ circuit: 'update_2', used: 1 }] });
    const doomed = await this.#force({ ...world.record(), nf1: spent.nf1 });
    await this.#dropByOpening(doomed.call, doomed.index, spent.nf1);
    const first = await this.#forceRelayed(world.record({ fee: 11n }), world.address(8));
    const rival = await this.#force({ ...world.record(), nf2: first.call.record.nf2 });
    const late = await this.#deposit(80_000n);
    await world.passSeconds(DELAY_SECONDS + 10);
    await world.settle(
      {
        queue: [{ kind: 'dropped' }, first, rival, late],
        drops: [{ item: 2, by: 1 }],
        updates: [{ circuit: 'update_2', used: 2, prover: world.address(6) }],
      },
      this.stranger,
    );
    await world.as(8).claim(world.address(8), 0);
  }

  async #dropByOpening(call: ForceCall, queueIndex: number, nf: bigint): Promise<void> {
    const { world } = this;
    const leaf = world.state.nullifiers.used(nf) as { next: bigint; index: bigint };
    const { record, prover, refund } = call;
    const siblings = world.state.nullifiers.path(leaf.index);
    const data = rollupData.drop({ queueIndex, record, prover, refund, nullifier: 1, next: leaf.next, leafIndex: leaf.index, siblings });
    await this.#send(data);
  }
}
