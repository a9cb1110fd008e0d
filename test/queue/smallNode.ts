/**
 * A node of a few lines behind the gateway interface, for tests of HTTP: it keeps submissions in memory and settles what it
 * is told to. The node of record is the aggregator's; what is tested here is everything between it and the wire.
 */

import { signerFromKey } from '../../protocol/eip712.js';
import { TacitError } from '../../protocol/errors.js';
import type { Domain } from '../../protocol/record.js';
import { signSoftConfirmation } from '../../protocol/softConfirmation.js';
import { makeRoster, signRoster } from '../../queue/roster.js';
import type {
  FeeQuote,
  GatewayService,
  HealthReport,
  LeafPage,
  NodeEvent,
  NodeInfo,
  SignedRoster,
  Submission,
  TransferStatus,
} from '../../queue/service.js';

export const DOMAIN: Domain = { chainId: 31337n, contract: `0x${'c0'.repeat(20)}` };
export const OPERATOR_KEY = new Uint8Array(32).fill(7);
const word = (digit: string): string => `0x${digit.repeat(64)}`;

export const PARTS = { data: '0', proof: '0', state: '0', provers: '0', margin: '1000' };

export class SmallNode implements GatewayService {
  readonly #known = new Map<string, { content: string; status: TransferStatus }>();
  readonly #listeners = new Set<(event: NodeEvent) => void>();
  capacity = Number.POSITIVE_INFINITY;
  healthy = true;
  /** Calls of submit that got past the capacity. */
  accepted = 0;
  /** Awaited inside submit. */
  gate: Promise<void> = Promise.resolve();

  async submit(submission: Submission): Promise<TransferStatus> {
    await this.gate;
    const content = JSON.stringify(submission);
    const known = this.#known.get(submission.id);
    if (known !== undefined) {
      if (known.content === content) return known.status;
      throw new TacitError('SUBMISSION_CONFLICT', 'another submission has this id', { expected: 'the same content', got: 'other content' });
    }
    if (this.#known.size >= this.capacity) throw new TacitError('NODE_BUSY', 'too many transfers are waiting', { retryable: true });
    this.accepted++;
    const status: TransferStatus = { id: submission.id, status: 'queued', times: { queued: 1 } };
    this.#known.set(submission.id, { content, status });
    return status;
  }

  async confirm(id: string): Promise<void> {
    const confirmation = await signSoftConfirmation({ recordHash: id, sequence: 1, sealedIndex: 0 }, DOMAIN, signerFromKey(OPERATOR_KEY));
    this.tell({ type: 'confirmation', confirmation });
  }

  settle(id: string, block: number): void {
    this.tell({
      type: 'settlement',
      settlement: { txHash: word('a'), block, noteRoot: word('b'), nullifierRoot: word('c'), transfers: [id], queueItems: 0 },
    });
  }

  tell(event: NodeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async status(id: string): Promise<TransferStatus | undefined> {
    return this.#known.get(id)?.status;
  }

  async info(): Promise<NodeInfo> {
    const assets = [{ id: 0, token: `0x${'00'.repeat(20)}`, symbol: 'ETH', decimals: 18 }];
    const parties = { aggregator: `0x${'a1'.repeat(20)}`, operator: `0x${'b2'.repeat(20)}` };
    const limits = { leafPageSize: 4096, bodyBytes: 131072 };
    return {
      software: 'tacit',
      version: '0.1.0',
      chainId: 31337,
      contract: DOMAIN.contract,
      deploymentBlock: 1,
      network: 'dev',
      confirmationDepth: 2,
      circuits: ['transfer_1'],
      assets,
      limits,
      ...parties,
    };
  }

  async quote(asset: number): Promise<FeeQuote> {
    if (asset !== 0) throw new TacitError('ASSET_UNKNOWN', 'no such asset', { expected: '0', got: String(asset) });
    const parts = { proven: PARTS, sealed: PARTS, native: PARTS, token: PARTS };
    const withdrawals = { native: '3000', token: '4000' };
    return { asset, feeProven: '1000', feeSealed: '2000', withdrawals, validUntil: 5, gasPriceWei: '7', parts };
  }

  async roster(): Promise<SignedRoster> {
    const workers = [
      { address: `0x${'02'.repeat(20)}`, sealKey: word('2') },
      { address: `0x${'01'.repeat(20)}`, sealKey: word('1') },
    ];
    return signRoster(makeRoster(workers, 2_000_000_000, DOMAIN), DOMAIN, signerFromKey(OPERATOR_KEY));
  }

  async leafPage(page: number): Promise<LeafPage | undefined> {
    return page > 1 ? undefined : { page, leaves: [word('0')], root: word('d'), complete: page === 0 };
  }

  async health(): Promise<HealthReport> {
    return { ok: this.healthy, checks: { redis: this.healthy ? 'ok' : 'unreachable' }, pending: this.#known.size, workers: 0 };
  }

  subscribe(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get subscribers(): number {
    return this.#listeners.size;
  }
}
