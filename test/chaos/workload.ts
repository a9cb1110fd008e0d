/**
 * What people do while the system is hurt: deposit, pay with a proof of their own, pay through the farm, withdraw, force.
 * Like wallets they insist: what got no clear answer is sent again, byte for byte, until the node says that it is settled.
 */
import { Wallet } from 'ethers';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { isTacitError } from '../../protocol/errors.js';
import { decodeProof } from '../../protocol/proof.js';
import { decodeRecord, encodeRecord, recordHash, type TransferRecord } from '../../protocol/record.js';
import { GatewayClient } from '../../queue/gatewayClient.js';
import type { Submission, TransferStatus } from '../../queue/service.js';
import { hex, homeProof, sealForSimulated } from '../aggregator/simulatedFarm.js';
import { auditedReplay, provenSubmission, recordOf, until, type World } from '../aggregator/world.js';
import { settledRecords } from './settledRecords.js';

/** Refusals that another try may pass; a node that is gone is one too. */
const PAUSE_MS = 40;
const PATIENCE_MS = 180_000;
/** Replaying the chain takes a processor that the node needs too. */
const REPLAY_PAUSE_MS = 250;
const REFUND_ACCOUNT = 6;
const WITHDRAWN_WEI = 1_000n;

/**
 * `conflict`: two forced transfers of one note, of which the second must be dropped; something has to be queued after it.
 * `overtaken`: sealed for the farm, and then proven at home before the farm has.
 */
export type Act = 'deposit' | 'proven' | 'sealed' | 'withdrawal' | 'forced' | 'conflict' | 'overtaken';
export const EVERY_ACT: readonly Act[] = ['deposit', 'proven', 'sealed', 'withdrawal', 'forced'];

export class Workload {
  /** Submitted transfers that must settle, by id. */
  readonly transfers = new Map<string, Submission>();
  /** Ids of forced ones. */
  readonly forced: string[] = [];
  readonly recipients = new Map<string, bigint>();
  deposits = 0;
  readonly #world: World;
  readonly #client: GatewayClient;
  #next: number;

  /** @param first number of the first record; two workloads of one world must not overlap */
  constructor(world: World, url: string, first = 1) {
    this.#world = world;
    this.#client = new GatewayClient(url);
    this.#next = first;
  }

  /** Does these, each accepted by chain or node when this resolves. */
  async act(acts: readonly Act[]): Promise<void> {
    for (const act of acts) {
      if (act === 'deposit') await this.#deposit();
      else if (act === 'forced') await this.#force(recordOf(this.#next++));
      else if (act === 'conflict') await this.#conflict();
      else if (act === 'overtaken') await this.#overtake();
      else await this.submit(await this.make(act));
    }
  }

  /** A submission that has not been sent yet. */
  async make(act: 'proven' | 'sealed' | 'withdrawal'): Promise<Submission> {
    const { rollup, domain } = this.#world;
    const number = this.#next++;
    const record = act === 'withdrawal' ? this.#withdrawal(number) : recordOf(number);
    const anchor = (await insist(() => rollup.state())).noteRoot;
    if (act !== 'sealed') return provenSubmission(record, anchor, domain);
    const roster = await insist(async () => {
      const { workers, ...rest } = await this.#client.roster();
      if (workers.length === 0) throw new Error('nobody to seal for');
      return { workers, ...rest };
    });
    const sealed = sealForSimulated(record, anchor, roster, domain);
    return { id: recordHash(record, domain), record: bytesToHex(encodeRecord(record)), sealed, anchor: hex(anchor) };
  }

  async submit(submission: Submission): Promise<TransferStatus> {
    this.transfers.set(submission.id, submission);
    return insist(() => this.#client.submit(submission));
  }

  /** Waits until each transfer is settled, in the node's words and on the chain, and the queue is served; sends again what is asked for again. */
  async settled(limitMs = PATIENCE_MS): Promise<void> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const open = await this.#open();
      if (open.length === 0) break;
      if (Date.now() > deadline) throw new Error(`still not settled: ${open.join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    await until(
      () => insist(() => this.#world.rollup.state()),
      ({ queueHead, queueTail }) => queueHead === queueTail,
      'served, the queue',
      limitMs,
    );
  }

  /** What is not settled, in the node's words or else, for these cost more to ask, on the chain. */
  async #open(): Promise<string[]> {
    const statuses = await Promise.all(
      [...this.transfers].map(async ([id, submission]) => ({ id, status: await this.#status(id, submission) })),
    );
    const open = statuses.filter(({ status }) => status !== 'settled').map(({ id, status }) => `${id} ${status}`);
    if (open.length > 0) return open;
    // A node may call settled what blocks that were taken back had settled.
    await new Promise((resolve) => setTimeout(resolve, REPLAY_PAUSE_MS));
    const wanted = [...this.transfers.keys(), ...this.forced];
    const replay = await auditedReplay(this.#world).catch(() => undefined);
    const settled = new Set(replay === undefined ? [] : settledRecords(replay));
    return wanted.filter((id) => !settled.has(id));
  }

  async #status(id: string, submission: Submission): Promise<string> {
    try {
      const status = await this.#client.status(id);
      if (status === undefined || status.status === 'reseal') await this.#client.submit(await this.#renewed(submission)).catch(() => {});
      return status?.status ?? 'unknown';
    } catch (error) {
      return isTacitError(error) ? error.code : String(error);
    }
  }

  /** The same record under the newest root: what a wallet does when its anchor is gone or its seal has expired. */
  async #renewed(submission: Submission): Promise<Submission> {
    const { domain, rollup } = this.#world;
    const anchor = (await insist(() => rollup.state())).noteRoot;
    const record = decodeRecord(hexToBytes(submission.record));
    if (submission.proof !== undefined) return provenSubmission(record, anchor, domain);
    const sealed = sealForSimulated(record, anchor, await this.#client.roster(), domain);
    return { ...submission, sealed, anchor: hex(anchor) };
  }

  async #deposit(): Promise<void> {
    await this.#world.deposit(WITHDRAWN_WEI * 2n, BigInt(70 + this.deposits));
    this.deposits++;
  }

  #withdrawal(number: number): TransferRecord {
    const recipient = `0x${number.toString(16).padStart(40, 'd')}`;
    this.recipients.set(recipient, WITHDRAWN_WEI);
    return recordOf(number, { outValue: WITHDRAWN_WEI, recipient });
  }

  async #overtake(): Promise<void> {
    const sealed = await this.make('sealed');
    await this.submit(sealed);
    const anchor = (await insist(() => this.#world.rollup.state())).noteRoot;
    await this.submit(provenSubmission(decodeRecord(hexToBytes(sealed.record)), anchor, this.#world.domain));
  }

  async #conflict(): Promise<void> {
    const record = recordOf(this.#next++);
    await this.#force(record);
    await this.#force(recordOf(this.#next++, { nf1: record.nf1 }));
    // Nobody waits for the second.
    this.forced.pop();
  }

  async #force(record: TransferRecord): Promise<void> {
    const { rollup, domain, anvil, provider } = this.#world;
    const anchor = (await insist(() => rollup.state())).noteRoot;
    const { h, proof, prover } = homeProof(record, anchor, ZERO_ADDRESS, domain);
    const refund = new Wallet(anvil.accounts[REFUND_ACCOUNT]?.privateKey as string, provider).address.toLowerCase();
    await rollup.force({ record, prover, refund, anchor, h: BigInt(h), proof: decodeProof(hexToBytes(proof)) });
    this.forced.push(recordHash(record, domain));
  }
}

/** Again and again until it works: a node that restarts answers nothing for a while. */
export async function insist<T>(attempt: () => Promise<T>, limitMs = PATIENCE_MS): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline || (isTacitError(error) && !error.retryable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
