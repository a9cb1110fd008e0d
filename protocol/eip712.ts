/**
 * What the operator signs for people to check: EIP-712 typed data, secp256k1, with the rollup contract as verifying
 * contract. The signing key stays with the caller, behind a `DigestSigner`; here are digests and recovery.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes, uintToBytes } from './bytes.js';
import { TacitError } from './errors.js';
import { bytesToEvmAddress, evmAddressToWord } from './evmAddress.js';
import type { EvmAddress, Hex } from './flavor.js';
import type { Domain } from './record.js';

/** Signs 32 bytes as they are (no prefix) and answers r ‖ s ‖ v, 65 bytes as hex, v = 27 or 28. */
export type DigestSigner = (digest: Uint8Array) => Hex | Promise<Hex>;

export const SIGNATURE_BYTES = 65;
/** Ethereum's offset of the recovery bit. */
const RECOVERY_OFFSET = 27;
const DOMAIN_TYPE = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)';
const DOMAIN_NAME = 'Tacit';
const DOMAIN_VERSION = '1';

export function domainSeparator({ chainId, contract }: Domain): Uint8Array {
  return keccak_256(
    concatBytes(
      keccakText(DOMAIN_TYPE),
      keccakText(DOMAIN_NAME),
      keccakText(DOMAIN_VERSION),
      uintToBytes(chainId, 32),
      evmAddressToWord(contract, 'contract'),
    ),
  );
}

/**
 * The digest to sign.
 * @param type the struct's EIP-712 type string
 * @param words the members, already encoded as 32-byte words
 */
export function typedDigest(domain: Domain, type: string, words: readonly Uint8Array[]): Uint8Array {
  return keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), domainSeparator(domain), keccak_256(concatBytes(keccakText(type), ...words))));
}

/**
 * The address that signed.
 * @throws TacitError SIGNATURE_INVALID for anything but a canonical 65-byte signature (low s, v 27 or 28)
 */
export function recoverSigner(digest: Uint8Array, signature: Hex): EvmAddress {
  try {
    const bytes = hexToBytes(signature, SIGNATURE_BYTES);
    const recovery = (bytes[SIGNATURE_BYTES - 1] as number) - RECOVERY_OFFSET;
    if (recovery !== 0 && recovery !== 1) throw new RangeError('v is neither 27 nor 28');
    const parsed = secp256k1.Signature.fromBytes(bytes.slice(0, SIGNATURE_BYTES - 1), 'compact').addRecoveryBit(recovery);
    // A signature with the complementary s recovers to the same key: two spellings of one promise.
    if (parsed.hasHighS()) throw new RangeError('s is in the upper half');
    return addressOfPublicKey(parsed.recoverPublicKey(digest).toBytes(false));
  } catch (cause) {
    throw new TacitError('SIGNATURE_INVALID', 'not a signature that anyone made', {
      expected: 'r ‖ s ‖ v with low s and v 27 or 28',
      cause,
    });
  }
}

/** A signer around a private key held by the caller (32 bytes). */
export function signerFromKey(privateKey: Uint8Array): DigestSigner {
  return (digest) => {
    const [recovery, ...rs] = secp256k1.sign(digest, privateKey, { prehash: false, lowS: true, format: 'recovered' });
    return bytesToHex(Uint8Array.of(...rs, (recovery as number) + RECOVERY_OFFSET));
  };
}

/** The EVM address of a private key. */
export function evmAddressOfKey(privateKey: Uint8Array): EvmAddress {
  return addressOfPublicKey(secp256k1.getPublicKey(privateKey, false));
}

function addressOfPublicKey(uncompressed: Uint8Array): EvmAddress {
  return bytesToEvmAddress(keccak_256(uncompressed.slice(1)).slice(12));
}

function keccakText(text: string): Uint8Array {
  return keccak_256(new TextEncoder().encode(text));
}
