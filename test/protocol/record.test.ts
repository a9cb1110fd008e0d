import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, bytesToHex } from '../../protocol/bytes.js';
import { NULLIFIER_MAX, ZERO_ADDRESS } from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import {
  decodeRecord,
  encodeRecord,
  readRecord,
  recordElements,
  recordExt,
  recordHash,
  recordMessage,
  type TransferRecord,
} from '../../protocol/record.js';
import { codeOf, DOMAIN, record, SEEDED } from './arbitraries.js';

const plain: TransferRecord = {
  nf1: 1n,
  nf2: 2n,
  cm1: 3n,
  cm2: 4n,
  outAsset: 0,
  outValue: 0n,
  recipient: ZERO_ADDRESS,
  feeAsset: 0,
  fee: 0n,
  ephemeral: new Uint8Array(32).fill(5),
  ciphertexts: [new Uint8Array(32).fill(6), new Uint8Array(32).fill(7)],
};

describe('record', () => {
  it('A7 honest: survives encoding, and decoding then encoding gives the same bytes', () => {
    fc.assert(
      fc.property(record, (r) => {
        const bytes = encodeRecord(r);
        expect(decodeRecord(bytes)).toEqual(r);
        expect(encodeRecord(decodeRecord(bytes))).toEqual(bytes);
      }),
      SEEDED,
    );
  });

  it('takes at most 240 bytes when private, and exactly 40 more for a withdrawal', () => {
    const widest = { ...plain, fee: 2n ** 96n - 1n, feeAsset: 7 };
    expect(encodeRecord(plain)).toHaveLength(223);
    expect(encodeRecord({ ...plain, fee: 2n ** 63n })).toHaveLength(231);
    expect(encodeRecord(widest)).toHaveLength(239);
    expect(encodeRecord({ ...plain, outValue: 1n, recipient: DOMAIN.contract })).toHaveLength(263);
  });

  it('any altered byte gives another record or is refused; nothing decodes to the same record', () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.integer({ min: 1, max: 255 }), (r, at, mask) => {
        const bytes = encodeRecord(r);
        const altered = bytes.slice();
        altered[at % bytes.length] = (altered[at % bytes.length] as number) ^ mask;
        try {
          expect(encodeRecord(decodeRecord(altered))).toEqual(altered);
        } catch (error) {
          expect((error as { name: string }).name).toBe('TacitError');
        }
      }),
      SEEDED,
    );
  });

  it('reads one record out of many', () => {
    const reader = new ByteReader(new Uint8Array([...encodeRecord(plain), ...encodeRecord({ ...plain, fee: 300n })]), 'two records');
    expect([readRecord(reader).fee, readRecord(reader).fee]).toEqual([0n, 300n]);
    reader.end();
  });

  it.each<[string, Partial<TransferRecord>, string]>([
    ['a zero nullifier', { nf1: 0n }, 'RECORD_NULLIFIER'],
    ['the end of the last gap as nullifier', { nf2: NULLIFIER_MAX }, 'RECORD_NULLIFIER'],
    ['A3: one nullifier twice', { nf2: 1n }, 'RECORD_NULLIFIERS_EQUAL'],
    ['A1: a commitment of p', { cm1: FIELD_MODULUS }, 'FIELD_RANGE'],
    ['A1: a commitment of p + 4', { cm2: FIELD_MODULUS + 4n }, 'FIELD_RANGE'],
    ['A5: a withdrawal of 2^128', { outValue: 2n ** 128n, recipient: DOMAIN.contract }, 'RECORD_WIDTH'],
    ['A5: a negative fee', { fee: -1n }, 'RECORD_WIDTH'],
    ['A5: a fee of 2^96', { fee: 2n ** 96n }, 'RECORD_WIDTH'],
    ['A6: an asset of 2^32', { outValue: 1n, outAsset: 2 ** 32, recipient: DOMAIN.contract }, 'RECORD_WIDTH'],
    ['a fractional asset', { outValue: 1n, outAsset: 0.5, recipient: DOMAIN.contract }, 'RECORD_WIDTH'],
    ['a recipient without a value', { recipient: DOMAIN.contract }, 'RECORD_WITHDRAWAL'],
    ['an asset without a value', { outAsset: 1 }, 'RECORD_WITHDRAWAL'],
    ['a fee asset without a fee', { feeAsset: 1 }, 'RECORD_FEE'],
    ['a checksummed recipient', { outValue: 1n, recipient: '0x5FbDB2315678afecb367f032d93F642f64180aa3' }, 'EVM_ADDRESS_INVALID'],
    ['a short ephemeral key', { ephemeral: new Uint8Array(31) }, 'RECORD_WIDTH'],
    ['a long ciphertext', { ciphertexts: [new Uint8Array(33), new Uint8Array(32)] }, 'RECORD_WIDTH'],
  ])('refuses %s', (_, change, code) => {
    expect(codeOf(() => encodeRecord({ ...plain, ...change }))).toBe(code);
  });

  it('refuses every second spelling', () => {
    const bytes = encodeRecord(plain);
    const withFlags = (flags: number, ...tail: number[]) => Uint8Array.of(flags, ...bytes.slice(1), ...tail);
    expect(codeOf(() => decodeRecord(withFlags(0x10)))).toBe('RECORD_FLAGS');
    expect(codeOf(() => decodeRecord(withFlags(1 << 2, 0, 0, 0, 0)))).toBe('RECORD_NOT_CANONICAL'); // fee 0 in four bytes
    expect(codeOf(() => decodeRecord(withFlags(2 << 2, 0, 0, 0, 0, 0, 0, 0, 9)))).toBe('RECORD_NOT_CANONICAL'); // fee 9 in eight
    expect(codeOf(() => decodeRecord(withFlags(2, 0, 0, 0, 0)))).toBe('RECORD_NOT_CANONICAL'); // native fee asset named
    expect(codeOf(() => decodeRecord(withFlags(2, 0, 0, 0, 1)))).toBe('RECORD_FEE'); // fee asset without a fee
    expect(codeOf(() => decodeRecord(withFlags(1, ...new Array<number>(40).fill(0))))).toBe('RECORD_NOT_CANONICAL'); // withdrawal of nothing
    expect(codeOf(() => decodeRecord(withFlags(0, 0)))).toBe('BYTES_TRAILING');
    expect(codeOf(() => decodeRecord(bytes.slice(0, -1)))).toBe('BYTES_SHORT');
  });

  it('A7: any field, the chain id or the contract altered → another message, which nobody signed', () => {
    const base = { ...plain, outValue: 9n, outAsset: 1, recipient: DOMAIN.contract, fee: 8n, feeAsset: 2 };
    const other = new Uint8Array(32).fill(99);
    const changes: Partial<TransferRecord>[] = [
      { nf1: 50n },
      { nf2: 51n },
      { cm1: 52n },
      { cm2: 53n },
      { outAsset: 3 },
      { outValue: 10n },
      { recipient: `0x${'11'.repeat(20)}` },
      { feeAsset: 4 },
      { fee: 9n },
      { ephemeral: other },
      { ciphertexts: [other, base.ciphertexts[1]] },
      { ciphertexts: [base.ciphertexts[1], base.ciphertexts[0]] },
      { nf1: base.nf2, nf2: base.nf1 },
      { cm1: base.cm2, cm2: base.cm1 },
    ];
    const messages = [
      recordMessage(base, DOMAIN),
      recordMessage(base, { ...DOMAIN, chainId: 1n }),
      recordMessage(base, { ...DOMAIN, contract: ZERO_ADDRESS }),
      ...changes.map((change) => recordMessage({ ...base, ...change }, DOMAIN)),
    ];
    expect(new Set(messages).size).toBe(messages.length);
    const hashes = [
      recordHash(base, DOMAIN),
      recordHash(base, { ...DOMAIN, chainId: 1n }),
      ...changes.map((change) => recordHash({ ...base, ...change }, DOMAIN)),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('keeps its vector: any change here is another protocol', () => {
    expect(bytesToHex(encodeRecord({ ...plain, fee: 258n })).slice(0, 10)).toBe('0x04000000');
    expect(recordElements(plain, DOMAIN).slice(0, 8)).toEqual([1n, 2n, 3n, 4n, 0n, 0n, 0n, 0n]);
    expect({
      ext: recordExt(plain, DOMAIN),
      message: recordMessage(plain, DOMAIN),
      hash: recordHash(plain, DOMAIN),
    }).toMatchInlineSnapshot(`
      {
        "ext": 356998921074159068057866502126305944467040127569768832201771630528534331674n,
        "hash": "0x4b0979cf0d9065e1856c551560e616a8ddb9f9b587a779371a738b6bff1a8f16",
        "message": 359692987774964055749963263139759498251777256062616797443021444070263714397n,
      }
    `);
  });
});
