import { bech32m } from '@scure/base';
import { describe, expect, it } from 'vitest';
import { ADDRESS_PREFIX, assertViewKey, decodeAddress, encodeAddress } from '../../protocol/address.js';
import { compressPoint } from '../../protocol/babyjubjub.js';
import { concatBytes } from '../../protocol/bytes.js';
import { deriveAccount } from '../../protocol/keys.js';
import { x25519Shared } from '../../protocol/onetime.js';
import { code } from './walletErrors.js';
import { account, SeededBytes } from './walletSupport.js';

const address = account('address').address;
const payload = (parts: { version?: number; A?: Uint8Array; N?: Uint8Array; V?: Uint8Array }) =>
  concatBytes(
    Uint8Array.of(parts.version ?? 1),
    parts.A ?? compressPoint(address.A),
    parts.N ?? compressPoint(address.N),
    parts.V ?? address.V,
  );
const text = (bytes: Uint8Array, prefix = 'tacitdev') => bech32m.encode(prefix, bech32m.toWords(bytes), false);

/** Canonical u-coordinates of order 1, 2, 4 and 8 on Curve25519 and its twist. Source: RFC 7748 §6.1 and cr.yp.to/ecdh.html. */
const LOW_ORDER_U = [
  0n,
  1n,
  2n ** 255n - 20n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];
const littleEndian = (u: bigint) => Uint8Array.from({ length: 32 }, (_, i) => Number((u >> BigInt(8 * i)) & 0xffn));
/** y = −1: the point (0, −1) of order 2. */
const ORDER_TWO = littleEndian(21888242871839275222246405745257275088548364400416034343698204186575808495616n);
const IDENTITY = littleEndian(1n);

describe('address text', () => {
  it('comes back as it went, on each network', () => {
    for (const network of ['main', 'test', 'dev'] as const) {
      const original = deriveAccount(new SeededBytes('n').bytes(64), network, 1).address;
      const encoded = encodeAddress(original);
      expect(encoded.startsWith(`${ADDRESS_PREFIX[network]}1`)).toBe(true);
      expect(decodeAddress(encoded, network)).toEqual(original);
    }
  });

  it('has one spelling: upper and mixed case, and space around it, are refused', () => {
    const encoded = encodeAddress(address);
    expect(code(() => decodeAddress(encoded.toUpperCase()))).toBe('ADDRESS_SPELLING');
    expect(code(() => decodeAddress(`T${encoded.slice(1)}`))).toBe('ADDRESS_CHECKSUM');
    expect(code(() => decodeAddress(` ${encoded}`))).toBe('ADDRESS_CHECKSUM');
    expect(code(() => decodeAddress(`${encoded}\n`))).toBe('ADDRESS_CHECKSUM');
  });

  it('is refused after any one-character change', () => {
    const encoded = encodeAddress(address);
    for (let i = 0; i < encoded.length; i += 5) {
      const other = encoded[i] === 'q' ? 'p' : 'q';
      expect(['ADDRESS_CHECKSUM', 'ADDRESS_NETWORK']).toContain(
        code(() => decodeAddress(encoded.slice(0, i) + other + encoded.slice(i + 1))),
      );
    }
  });

  it('names what is wrong', () => {
    expect(code(() => decodeAddress(''))).toBe('ADDRESS_CHECKSUM');
    expect(code(() => decodeAddress('tacitdev1qqqq'))).toBe('ADDRESS_CHECKSUM');
    expect(code(() => decodeAddress(text(new Uint8Array(200))))).toBe('ADDRESS_CHECKSUM');
    expect(code(() => decodeAddress(`tacitdev1${'q'.repeat(2 ** 24)}`))).toBe('ADDRESS_CHECKSUM');
    expect(code(() => decodeAddress(encodeAddress(address), 'main'))).toBe('ADDRESS_NETWORK');
    expect(code(() => decodeAddress(text(payload({}), 'bc')))).toBe('ADDRESS_NETWORK');
    expect(code(() => decodeAddress(text(payload({ version: 2 }))))).toBe('ADDRESS_VERSION');
    expect(code(() => decodeAddress(text(payload({}).slice(0, 96))))).toBe('ADDRESS_LENGTH');
    expect(code(() => decodeAddress(text(concatBytes(payload({}), Uint8Array.of(0)))))).toBe('ADDRESS_LENGTH');
  });
});

describe('A9: low-order and off-curve keys in addresses', () => {
  it.each([
    ['the identity', IDENTITY],
    ['a point of order 2', ORDER_TWO],
    ['y beyond the field', new Uint8Array(32).fill(0x7f)],
    ['y off the curve', littleEndian(2n)],
  ])('A9: %s is no spend key and no nullifier key', (_, bytes) => {
    expect(code(() => decodeAddress(text(payload({ A: bytes }))))).toBe('ADDRESS_POINT');
    expect(code(() => decodeAddress(text(payload({ N: bytes }))))).toBe('ADDRESS_POINT');
  });

  it.each(LOW_ORDER_U)('A9: the X25519 key u = %s gives no shared secret', (u) => {
    expect(code(() => assertViewKey(littleEndian(u)))).toBe('ADDRESS_VIEW_KEY');
    expect(code(() => decodeAddress(text(payload({ V: littleEndian(u) }))))).toBe('ADDRESS_VIEW_KEY');
    expect(code(() => x25519Shared(new Uint8Array(32).fill(9), littleEndian(u)))).toBe('X25519_ZERO');
  });

  it('A9: a second spelling of an X25519 key is refused', () => {
    const high = Uint8Array.from(address.V);
    high[31] = (high[31] as number) | 0x80;
    expect(code(() => decodeAddress(text(payload({ V: high }))))).toBe('ADDRESS_VIEW_KEY');
    expect(code(() => assertViewKey(littleEndian(2n ** 255n - 19n + 9n)))).toBe('ADDRESS_VIEW_KEY');
  });

  it('A9: the honest twin passes', () => {
    expect(decodeAddress(text(payload({})))).toEqual(address);
  });
});
