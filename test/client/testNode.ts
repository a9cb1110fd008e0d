/**
 * A node small enough for tests: the real gateway over HTTP, one farm worker that opens and checks what is sealed for it,
 * and settlements on a real chain, with simulated proofs where the contract has synthetic keys. Home proofs are verified
 * against the real key.
 */
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { signerFromKey } from '../../protocol/eip712.js';
import { TacitError } from '../../protocol/errors.js';
import { fieldFromBytes } from '../../protocol/field.js';
import { publicInputsOf, publicSignals, transferList } from '../../protocol/fingerprint.js';
import type { Field, Hex } from '../../protocol/flavor.js';
import { verifyGroth16 } from '../../protocol/groth16.js';
import { x25519Public } from '../../protocol/onetime.js';
import { decodeProof } from '../../protocol/proof.js';
import { decodeRecord, recordHash, type TransferRecord } from '../../protocol/record.js';
import { openJob } from '../../protocol/seal.js';
import type { QueueItem } from '../../protocol/slots.js';
import { signSoftConfirmation } from '../../protocol/softConfirmation.js';
import { checkTransferWitness, decodeTransferWitness } from '../../protocol/transfer.js';
import { vkeyFromSnarkjs } from '../../protocol/vkey.js';
import { type RunningGateway, startGateway } from '../../queue/gateway.js';
import { makeRoster, signRoster } from '../../queue/roster.js';
import type { GatewayService, LeafPage, NodeInfo, SignedRoster, Submission, TransferStatus } from '../../queue/service.js';
import type { World } from '../verifier-contract/world.js';

interface Accepted {
  readonly record: TransferRecord;
  readonly submission: Submission;
  status: TransferStatus;
  readonly anchor: Field;
}

export class TestNode implements GatewayService {
  readonly transfers = new Map<Hex, Accepted>();
  readonly submissions: Submission[] = [];
  /** Thrown by the next submissions, one each. */
  refusals: TacitError[] = [];
  feeWei = 0n;
  rosterLifeSeconds = 600;
  readonly worker = { secret: new Uint8Array(32).fill(7), address: `0x${'11'.repeat(20)}` };
  #gateway: RunningGateway | undefined;
  #queue: QueueItem[] = [];
  #sequence = 0;

  constructor(
    readonly world: World,
    readonly vkey?: unknown,
  ) {}

  async start(): Promise<string> {
    this.#gateway = await startGateway({ service: this });
    return this.#gateway.url;
  }

  async stop(): Promise<void> {
    await this.#gateway?.close();
  }

  /** What the contract's queue has now and the next settlement takes. */
  queued(...items: QueueItem[]): void {
    this.#queue.push(...items);
  }

  /** Deposits by commitment. */
  deposited(...commitments: Hex[]): void {
    this.queued(...commitments.map((cm): QueueItem => ({ kind: 'deposit', commitment: fieldFromBytes(hexToBytes(cm)) })));
  }

  /** Settles what was accepted and what is queued. */
  async settle(): Promise<void> {
    const waiting = [...this.transfers.values()].filter(({ status }) => status.status === 'confirmed');
    const { hash } = await this.world.settle({
      queue: this.#queue,
      transfers: waiting.map(({ record, anchor }) => ({ records: [record], anchor: { kind: 'known' as const, root: anchor } })),
    });
    this.#queue = [];
    for (const accepted of waiting) accepted.status = { ...accepted.status, status: 'settled', settlementTx: hash };
  }

  async info(): Promise<NodeInfo> {
    const { domain } = this.world;
    return {
      software: 'test',
      version: '0',
      chainId: Number(domain.chainId),
      contract: domain.contract,
      deploymentBlock: 0,
      network: 'dev',
      confirmationDepth: 0,
      aggregator: this.world.address(0),
      operator: this.world.address(0),
      circuits: ['transfer_1'],
      assets: [],
      limits: { leafPageSize: 4096, bodyBytes: 131072 },
    };
  }

  async submit(submission: Submission): Promise<TransferStatus> {
    this.submissions.push(submission);
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw refusal;
    const known = this.transfers.get(submission.id);
    if (known !== undefined) {
      if (JSON.stringify(known.submission) === JSON.stringify(submission)) return known.status;
      throw new TacitError('SUBMISSION_CONFLICT', 'other content under this id');
    }
    const record = decodeRecord(hexToBytes(submission.record));
    if (recordHash(record, this.world.domain) !== submission.id) throw new TacitError('SUBMISSION_MALFORMED', 'id and record disagree');
    for (const nf of [record.nf1, record.nf2])
      if (this.world.state.nullifiers.has(nf)) throw new TacitError('NULLIFIER_SPENT', 'a note of this transfer is spent');
    const anchor = this.#check(submission, record);
    if (!(await this.world.rollup.isKnownRoot(anchor))) throw new TacitError('ANCHOR_UNKNOWN', 'unknown anchor', { retryable: true });
    const confirmation = await signSoftConfirmation(
      { recordHash: submission.id, sequence: ++this.#sequence, sealedIndex: 0 },
      this.world.domain,
      this.#sign(),
    );
    const status: TransferStatus = { id: submission.id, status: 'confirmed', times: { queued: Date.now() }, confirmation };
    this.transfers.set(submission.id, { record, submission, status, anchor });
    return status;
  }

  async status(id: Hex): Promise<TransferStatus | undefined> {
    return this.transfers.get(id)?.status;
  }

  async quote(asset: number) {
    const fee = String(this.feeWei);
    const parts = { data: fee, proof: '0', state: '0', provers: '0', margin: '0' };
    return {
      asset,
      feeProven: fee,
      feeSealed: fee,
      withdrawals: { native: String(3n * this.feeWei), token: String(5n * this.feeWei) },
      validUntil: Date.now() + 60_000,
      gasPriceWei: '1',
      parts: { proven: parts, sealed: parts, native: parts, token: parts },
    };
  }

  async roster(): Promise<SignedRoster> {
    const workers = [{ address: this.worker.address, sealKey: bytesToHex(x25519Public(this.worker.secret)) }];
    return signRoster(
      makeRoster(workers, Math.floor(Date.now() / 1000) + this.rosterLifeSeconds, this.world.domain),
      this.world.domain,
      this.#sign(),
    );
  }

  async leafPage(): Promise<LeafPage | undefined> {
    return undefined;
  }

  async health() {
    return { ok: true, checks: {}, pending: 0, workers: 1 };
  }

  subscribe(): () => void {
    return () => {};
  }

  #sign() {
    const account = this.world.anvil.accounts[0];
    if (account === undefined) throw new Error('anvil has no account');
    return signerFromKey(hexToBytes(account.privateKey));
  }

  /** What the farm's worker or the verifier says; the anchor that the transfer leans on. */
  #check(submission: Submission, record: TransferRecord): Field {
    const { domain } = this.world;
    if (submission.sealed !== undefined) {
      const { recordHash: id, rosterId, expiry } = submission.sealed;
      const plaintext = openJob(
        submission.sealed,
        this.worker.secret,
        this.worker.address,
        { domain, recordHash: id, rosterId, expiry },
        Math.floor(Date.now() / 1000),
      );
      const witness = decodeTransferWitness(new TextDecoder().decode(plaintext));
      checkTransferWitness(witness, domain);
      return witness.anchor;
    }
    const { anchor, prover, h, proof } = submission.proof;
    const root = fieldFromBytes(hexToBytes(anchor));
    const inputs = publicInputsOf(1, fieldFromBytes(hexToBytes(h)), transferList(root, prover, [record], domain), domain);
    verifyGroth16(vkeyFromSnarkjs(this.vkey), publicSignals(inputs), decodeProof(hexToBytes(proof)));
    return root;
  }
}
