/**
 * The roster that wallets seal their jobs for: workers that announced themselves and are welcome, signed by the operator.
 * It is made anew when the workers change or half its life is over; until then everybody gets the same.
 */
import { CIRCUITS } from '../protocol/circuit.js';
import type { DigestSigner } from '../protocol/eip712.js';
import type { EvmAddress } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import type { WorkerAnnouncement } from '../queue/announce.js';
import { MAX_ROSTER_WORKERS, makeRoster, signRoster } from '../queue/roster.js';
import type { SignedRoster } from '../queue/service.js';
import type { WorkerRecords } from './workerRecords.js';

export interface RosterKeeperParameters {
  readonly domain: Domain;
  readonly sign: DigestSigner;
  readonly lifetimeSeconds: number;
  /** Workers announced lately. */
  readonly workers: () => Promise<readonly WorkerAnnouncement[]>;
  /** Only these and those that the operator admitted; all where absent. */
  readonly admitted: readonly string[] | undefined;
  readonly records: WorkerRecords;
}

export class RosterKeeper {
  readonly #parameters: RosterKeeperParameters;
  #current: SignedRoster | undefined;

  constructor(parameters: RosterKeeperParameters) {
    this.#parameters = parameters;
  }

  async roster(nowMs: number): Promise<SignedRoster> {
    const { domain, sign, lifetimeSeconds } = this.#parameters;
    const nowSeconds = Math.floor(nowMs / 1000);
    const workers = this.#best(await this.eligible(nowSeconds));
    const current = this.#current;
    const same =
      current !== undefined &&
      JSON.stringify(current.workers) === JSON.stringify(workers.map(({ address, sealKey }) => ({ address, sealKey })));
    if (same && current.expires - nowSeconds > lifetimeSeconds / 2) return current;
    // Nobody may be asked to open a job after having destroyed the key for it.
    const expires = Math.min(nowSeconds + lifetimeSeconds, ...workers.map(({ sealKeyUntil }) => sealKeyUntil));
    const roster = makeRoster(
      workers.map(({ address, sealKey }) => ({ address, sealKey })),
      expires,
      domain,
    );
    this.#current = await signRoster(roster, domain, sign);
    return this.#current;
  }

  /** Why a worker gets no jobs, or undefined where it is welcome. */
  refusal(worker: EvmAddress): string | undefined {
    const { admitted, records } = this.#parameters;
    const standing = records.standing(worker);
    if (standing === 'banned') return 'the operator has banned it';
    if (standing === 'removed') return 'too much of what it signed was false; it returns with time, or when the operator admits it';
    if (admitted === undefined || records.isAdmitted(worker)) return undefined;
    return admitted.some((address) => address.toLowerCase() === worker) ? undefined : 'the operator has not admitted it';
  }

  /** Where more are at hand than a roster holds: those that have done most, so that a crowd of newcomers pushes nobody out. */
  #best(workers: readonly WorkerAnnouncement[]): WorkerAnnouncement[] {
    const { records } = this.#parameters;
    const ranked = [...workers].sort((a, b) => records.rank(b.address) - records.rank(a.address) || (a.address < b.address ? -1 : 1));
    return ranked.slice(0, MAX_ROSTER_WORKERS).sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  /** Announced, welcome, takes transfers, and keeps its key for a while. Ascending by address. */
  async eligible(nowSeconds: number): Promise<WorkerAnnouncement[]> {
    return (await this.#parameters.workers()).filter(
      ({ address, lanes, sealKeyUntil }) =>
        lanes.some((lane) => CIRCUITS[lane].kind === 'transfer') && sealKeyUntil > nowSeconds && this.refusal(address) === undefined,
    );
  }
}
