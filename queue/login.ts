/**
 * How a worker without a way to Redis says who it is: it signs the node's challenge with the key of the address it is paid at.
 *
 *   WorkerLogin(address worker,string circuits,bytes32 sealKey,uint64 sealKeyUntil,string node,bytes32 nonce,uint64 expires)
 *
 * under the rollup's EIP-712 domain (chain, contract). `node` is the host that the worker dialled, so that a node which passes
 * another's challenge on learns nothing it could use there; `nonce` and `expires` are the challenge's, good for one login.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { z } from 'zod';
import { hexToBytes, uintToBytes } from '../protocol/bytes.js';
import { type DigestSigner, recoverSigner, SIGNATURE_BYTES, typedDigest } from '../protocol/eip712.js';
import { isTacitError, TacitError } from '../protocol/errors.js';
import { evmAddressToWord } from '../protocol/evmAddress.js';
import type { EvmAddress, Hex } from '../protocol/flavor.js';
import type { Domain } from '../protocol/record.js';
import { LANES, type Lane } from './farmOptions.js';
import { address, hexOf, word } from './shapes.js';

export interface LoginChallenge {
  /** 32 bytes. */
  nonce: Hex;
  /** Seconds since the epoch. */
  expires: number;
}

export interface WorkerLogin extends LoginChallenge {
  worker: EvmAddress;
  circuits: Lane[];
  /** X25519 public key that jobs may be sealed to (32 bytes), and until when its secret is kept (seconds since the epoch). */
  sealKey: Hex;
  sealKeyUntil: number;
  /** Host, with the port where it is not the scheme's own: as in the URL that the worker was given. */
  node: string;
  /** 65 bytes. */
  signature: Hex;
}

const TYPE = 'WorkerLogin(address worker,string circuits,bytes32 sealKey,uint64 sealKeyUntil,string node,bytes32 nonce,uint64 expires)';
const MAX_HOST_CHARACTERS = 262;
/** 2^53 − 1 s, as a JSON number holds it. */
const seconds = z.int().nonnegative();

export const loginShape = z.strictObject({
  worker: address,
  circuits: z.array(z.enum(LANES as [Lane, ...Lane[]])).max(LANES.length),
  sealKey: word,
  sealKeyUntil: seconds,
  node: z.string().min(1).max(MAX_HOST_CHARACTERS),
  nonce: word,
  expires: seconds,
  signature: hexOf(SIGNATURE_BYTES),
});

export async function signLogin(content: Omit<WorkerLogin, 'signature'>, domain: Domain, sign: DigestSigner): Promise<WorkerLogin> {
  return { ...content, signature: await sign(digest(content, domain)) };
}

/** @throws TacitError LOGIN_SIGNER: the named worker did not sign exactly this */
export function assertLoginSigned(login: WorkerLogin, domain: Domain): void {
  const signer = signerOf(login, domain);
  if (signer !== login.worker)
    throw new TacitError('LOGIN_SIGNER', 'the login is not signed by the worker it names, for this chain and contract', {
      expected: login.worker,
      got: signer ?? 'no signature',
    });
}

function signerOf(login: WorkerLogin, domain: Domain): EvmAddress | undefined {
  try {
    return recoverSigner(digest(login, domain), login.signature);
  } catch (error) {
    if (isTacitError(error)) return undefined;
    throw error;
  }
}

function digest(content: Omit<WorkerLogin, 'signature'>, domain: Domain): Uint8Array {
  const { worker, circuits, sealKey, sealKeyUntil, node, nonce, expires } = content;
  return typedDigest(domain, TYPE, [
    evmAddressToWord(worker, 'worker'),
    textHash(circuits.join(',')),
    hexToBytes(sealKey, 32),
    uintToBytes(sealKeyUntil, 32),
    textHash(node),
    hexToBytes(nonce, 32),
    uintToBytes(expires, 32),
  ]);
}

function textHash(text: string): Uint8Array {
  return keccak_256(new TextEncoder().encode(text));
}
