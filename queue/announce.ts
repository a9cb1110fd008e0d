/**
 * How workers make themselves known: a signed line on a board in Redis that fades unless renewed.
 *
 * The line names the worker's address, the X25519 key jobs may be sealed to, its lanes and what they take there (as it
 * measured, `tacit worker calibrate`); the worker's own Ethereum key signs it, so that whoever can write to Redis cannot put his seal key under another's address. Whether an address is
 * welcome is the operator's decision, taken where the roster is made.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { z } from 'zod';
import { hexToBytes, uintToBytes } from '../protocol/bytes.js';
import { type DigestSigner, recoverSigner, typedDigest } from '../protocol/eip712.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { farmPrefix, LANES, type Lane } from './farmOptions.js';
import { type LogLine, probeRedis } from './redis.js';
import { openLasting, type RedisClient } from './redisClient.js';
import { address, hexOf, word } from './shapes.js';

export interface WorkerAnnouncement {
  address: EvmAddress;
  /** X25519 public key (32 bytes). */
  sealKey: Hex;
  lanes: Lane[];
  /** Seconds since the epoch until which the worker keeps the secret of `sealKey`. */
  sealKeyUntil: number;
  /** Proofs that it makes at a time; 1 where absent. */
  concurrency?: number;
  /** What a proof takes there, in milliseconds, by lane, where it was measured. Advice to whoever scales the farm, no promise. */
  provingMs?: Partial<Record<Lane, number>>;
  signature: Hex;
}

/** A worker renews its line three times in the life of a line, so that one lost write does not hide it. */
export const ANNOUNCEMENT_TTL_MS = 15_000;
export const ANNOUNCE_EVERY_MS = 5_000;

const TYPE = 'FarmWorker(bytes32 sealKey,bytes32 lanes,uint64 sealKeyUntil,uint64 concurrency,bytes32 provingMs)';
const SIGNATURE_BYTES = 65;
/** More is a mistake. */
export const MAX_CONCURRENCY = 64;
const MAX_PROVING_MS = 3_600_000;
export const announcementShape = z.strictObject({
  address,
  sealKey: word,
  lanes: z.array(z.enum(LANES as [Lane, ...Lane[]])).max(LANES.length),
  sealKeyUntil: z.int().nonnegative(),
  concurrency: z.int().min(1).max(MAX_CONCURRENCY).exactOptional(),
  provingMs: z.partialRecord(z.enum(LANES as [Lane, ...Lane[]]), z.int().positive().max(MAX_PROVING_MS)).exactOptional(),
  signature: hexOf(SIGNATURE_BYTES),
});

export async function signAnnouncement(
  content: Omit<WorkerAnnouncement, 'signature'>,
  domain: Domain,
  sign: DigestSigner,
): Promise<WorkerAnnouncement> {
  return { ...content, signature: await sign(digest(content, domain)) };
}

/** True where the announced address made the signature. */
export function isGenuine(announcement: WorkerAnnouncement, domain: Domain): boolean {
  try {
    return recoverSigner(digest(announcement, domain), announcement.signature) === announcement.address;
  } catch {
    return false;
  }
}

export class AnnouncementBoard {
  readonly #redis: RedisClient;
  readonly #domain: Domain;
  readonly #key: string;
  /** What stood in each line of the last look: a line that stands is not checked again, and anybody may ask for the roster. */
  #seen: ReadonlyMap<string, WorkerAnnouncement | undefined> = new Map();

  constructor(redisUrl: string, domain: Domain, log: LogLine = () => {}) {
    this.#redis = openLasting(redisUrl);
    this.#redis.on('error', (error: Error) => log(`worker board: ${error.message}`));
    this.#domain = domain;
    this.#key = `${farmPrefix(domain)}:workers`;
  }

  /** One key a worker, which Redis lets expire: a dead worker disappears by itself. */
  async put(announcement: WorkerAnnouncement): Promise<void> {
    await this.#redis.set(`${this.#key}:${announcement.address}`, JSON.stringify(announcement), 'PX', ANNOUNCEMENT_TTL_MS);
    await this.#redis.sadd(this.#key, announcement.address);
  }

  /** A worker takes its line down; from the list it may take nobody, not even itself: whoever reads the list does. */
  async withdraw(worker: EvmAddress): Promise<void> {
    await this.#redis.del(`${this.#key}:${worker}`);
  }

  /** In ascending order of address; what is malformed or not signed by its worker is left out. */
  async list(): Promise<WorkerAnnouncement[]> {
    const workers = (await this.#redis.smembers(this.#key)).sort();
    const lines = await Promise.all(workers.map((worker) => this.#redis.get(`${this.#key}:${worker}`)));
    const announced: WorkerAnnouncement[] = [];
    const seen = new Map<string, WorkerAnnouncement | undefined>();
    for (const [i, worker] of workers.entries()) {
      const line = lines[i] ?? null;
      if (line === null) {
        await this.#redis.srem(this.#key, worker);
        continue;
      }
      const announcement = this.#seen.has(line) ? this.#seen.get(line) : genuineLine(line, this.#domain);
      seen.set(line, announcement);
      if (announcement?.address === worker) announced.push(announcement);
    }
    this.#seen = seen;
    return announced;
  }

  /** @throws TacitError as probeRedis */
  async check(): Promise<void> {
    await probeRedis(this.#redis, `${this.#key}:probe`);
  }

  close(): void {
    this.#redis.disconnect();
  }
}

/** Undefined where it is malformed, or not signed by the worker it names. */
function genuineLine(line: string, domain: Domain): WorkerAnnouncement | undefined {
  const announcement = parseLine(line);
  return announcement !== undefined && isGenuine(announcement, domain) ? announcement : undefined;
}

function parseLine(line: string): WorkerAnnouncement | undefined {
  try {
    const parsed = announcementShape.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function digest(
  { sealKey, lanes, sealKeyUntil, concurrency = 1, provingMs = {} }: Omit<WorkerAnnouncement, 'signature'>,
  domain: Domain,
): Uint8Array {
  const hashed = (text: string): Uint8Array => keccak_256(new TextEncoder().encode(text));
  const times = LANES.map((lane) => `${lane}=${provingMs[lane] ?? ''}`).join(',');
  return typedDigest(domain, TYPE, [
    hexToBytes(sealKey, 32),
    hashed(lanes.join(',')),
    uintToBytes(sealKeyUntil, 32),
    uintToBytes(concurrency, 32),
    hashed(times),
  ]);
}
