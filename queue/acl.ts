/**
 * The Redis user of one worker: what BullMQ needs in the lanes that the worker serves, its own line on the board, and nothing
 * else. A worker can spoil jobs of its lanes, which costs time (the node's journal publishes them again); it can read no
 * other key, see no other rollup's farm, and neither flush nor configure the server.
 *
 * The list of workers is everybody's to add to and nobody's to take from: a selector of its own allows SADD alone.
 *
 * Rules as in Redis' documentation of ACL SETUSER (7.0): an aclfile holds one such line a user.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { EvmAddress } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { farmPrefix, type Lane } from './farmOptions.js';

export interface WorkerAcl {
  /** Letters, digits, `-` and `_`. */
  readonly user: string;
  readonly password: string;
  readonly address: EvmAddress;
  readonly lanes: readonly Lane[];
}

/** Whoever guesses at Redis' speed needs more than a word. */
const MIN_PASSWORD_CHARACTERS = 16;

/**
 * Reading and writing without what is dangerous (KEYS, FLUSHALL, CONFIG, SORT …), without looking around, with the scripts that
 * BullMQ is made of; INFO tells the worker whether this Redis is fit for a farm, CLUSTER which server of several has its keys.
 */
const COMMANDS =
  '-@all +@read +@write +@blocking +@connection -@dangerous -scan -randomkey -dbsize +eval +evalsha +script|load +info +cluster|slots +cluster|info';

/** @returns one line of an aclfile. @throws TacitError ACL_USER, ACL_PASSWORD */
export function workerAclLine({ user, password, address, lanes }: WorkerAcl, domain: Domain): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(user))
    throw new TacitError('ACL_USER', 'not a name for a Redis user', { expected: 'letters, digits, - and _', got: user.slice(0, 64) });
  if (password.length < MIN_PASSWORD_CHARACTERS)
    throw new TacitError('ACL_PASSWORD', 'the password is too short', {
      expected: `at least ${MIN_PASSWORD_CHARACTERS} characters`,
      got: `${password.length}`,
    });
  const prefix = farmPrefix(domain);
  const keys = [...lanes.map((lane) => `~${prefix}:${lane}:*`), `~${prefix}:workers:${address}`];
  const digest = bytesToHex(sha256(new TextEncoder().encode(password))).slice(2);
  return `user ${user} reset on #${digest} ${keys.join(' ')} resetchannels ${COMMANDS} (-@all +sadd ~${prefix}:workers)`;
}
