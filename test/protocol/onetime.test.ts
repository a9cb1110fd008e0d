import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInSubgroup, mulBase8 } from '../../protocol/babyjubjub.js';
import { bytesToHex } from '../../protocol/bytes.js';
import { decodeMemo, decryptNote, encodeMemo, encryptNote } from '../../protocol/encryption.js';
import { commitment, nullifier, ownerHash } from '../../protocol/note.js';
import {
  deriveForReceiver,
  deriveForSender,
  oneTimeFromShared,
  oneTimeSecrets,
  type PlannedOutput,
  senderSecret,
  shuffleBit,
  sortOutputs,
  streamKey,
  x25519Public,
  x25519Shared,
} from '../../protocol/onetime.js';
import { code } from './walletErrors.js';
import { account, DOMAIN, SeededBytes } from './walletSupport.js';

const alice = account('onetime/alice');
const bob = account('onetime/bob');
const e = new SeededBytes('onetime/e').bytes(32);
const E = x25519Public(e);

const planned = (value: bigint, memo = 'x'): PlannedOutput => ({ address: bob.address, asset: 0, value, memo: encodeMemo(memo) });
const context = (outputs: [PlannedOutput, PlannedOutput], nf1 = 11n) => ({ ...DOMAIN, nf1, nf2: 12n, outputs });

describe('one-time keys', () => {
  it.each([0, 1] as const)('sender and receiver agree on output %i and only the owner can form its secrets', (k) => {
    const sent = deriveForSender(e, bob.address, k, 'transfer');
    const seen = deriveForReceiver(bob.view, bob.address.A, bob.address.N, E, k, 'transfer');
    expect(seen).toEqual(sent);
    const { aPrime, nPrime } = oneTimeSecrets(bob, seen);
    expect(mulBase8(aPrime)).toEqual(sent.APrime);
    expect(mulBase8(nPrime)).toEqual(sent.NPrime);
    expect(ownerHash(sent.APrime, sent.NPrime)).toBe(sent.owner);
    expect(isInSubgroup(sent.APrime) && isInSubgroup(sent.NPrime)).toBe(true);
  });

  it('differ by output, label, sender key and payee', () => {
    const owners = [
      deriveForSender(e, bob.address, 0, 'transfer'),
      deriveForSender(e, bob.address, 1, 'transfer'),
      deriveForSender(e, bob.address, 0, 'deposit'),
      deriveForSender(
        Uint8Array.from(e, (byte) => byte ^ 0xff),
        bob.address,
        0,
        'transfer',
      ),
      deriveForSender(e, alice.address, 0, 'transfer'),
    ].map((oneTime) => oneTime.owner);
    expect(new Set(owners).size).toBe(owners.length);
  });

  it('are pinned: another derivation would strand notes', () => {
    expect(deriveForSender(e, bob.address, 0, 'transfer').owner.toString(16)).toMatchInlineSnapshot(
      `"22e10209590f0af9235aa74cd781f06365e143c7735348f73035e029e9fa03a1"`,
    );
    expect(bytesToHex(streamKey(x25519Shared(e, bob.address.V), E, bob.address.V, 1, 5n, 'transfer'))).toMatchInlineSnapshot(
      `"0x984d5c83a7f20249fd99ba9828f6bd1bb0c8cd50c6df5d7e7e206778d5d03f6e"`,
    );
    expect(bytesToHex(senderSecret(alice.outgoing, context([planned(1n), planned(2n)])))).toMatchInlineSnapshot(
      `"0x4bb5f6f96d2583fb786e13abf98d4b5a6ddcb7b838b29cedf44324208a5140d7"`,
    );
  });

  it('a stranger derives other keys', () => {
    const stranger = oneTimeFromShared(x25519Shared(alice.view, E), bob.address, E, bob.address.V, 0, 'transfer');
    expect(stranger.owner).not.toBe(deriveForSender(e, bob.address, 0, 'transfer').owner);
  });
});

describe('A8: the sender’s secret', () => {
  const base = context([planned(1n), planned(2n)]);
  const secret = bytesToHex(senderSecret(alice.outgoing, base));

  it('takes 12 bytes of memo and 32 of view key only: other widths could make two outputs one text', () => {
    const one = planned(1n);
    for (const size of [0, 11, 13])
      expect(code(() => senderSecret(alice.outgoing, context([{ ...one, memo: new Uint8Array(size) }, one])))).toBe('MEMO_SIZE');
    expect(code(() => sortOutputs([one, { ...one, address: { ...bob.address, V: new Uint8Array(31) } }]))).toBe('BYTES_SIZE');
  });

  it('A8 honest: is the same for the same contents in either order', () => {
    expect(bytesToHex(senderSecret(alice.outgoing, context([planned(2n), planned(1n)])))).toBe(secret);
    expect(sortOutputs([planned(2n), planned(1n)])).toEqual(sortOutputs([planned(1n), planned(2n)]));
  });

  it.each([
    ['a value', context([planned(1n), planned(3n)])],
    ['a memo', context([planned(1n), planned(2n, 'y')])],
    ['an asset', context([planned(1n), { ...planned(2n), asset: 1 }])],
    ['a payee', context([planned(1n), { ...planned(2n), address: alice.address }])],
    ['a nullifier', context([planned(1n), planned(2n)], 13n)],
    ['the chain', { ...base, chainId: 1n }],
    ['the contract', { ...base, contract: `0x${'c1'.repeat(20)}` }],
  ])('A8: one ephemeral key for two contents that differ by %s → another key', (_, changed) => {
    expect(bytesToHex(senderSecret(alice.outgoing, changed))).not.toBe(secret);
  });

  it('A8: one ephemeral key for two commitments → two key streams', () => {
    const shared = x25519Shared(e, bob.address.V);
    const keys = [1n, 2n].flatMap((cm) =>
      ([0, 1] as const).flatMap((k) =>
        (['transfer', 'deposit'] as const).map((label) => bytesToHex(streamKey(shared, E, bob.address.V, k, cm, label))),
      ),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('shuffles by a bit that takes both values', () => {
    const random = new SeededBytes('shuffle');
    const bits = Array.from({ length: 64 }, () => shuffleBit(random.bytes(32)));
    expect(new Set(bits)).toEqual(new Set([0, 1]));
  });
});

describe('note encryption', () => {
  const key = new SeededBytes('key').bytes(32);

  it('returns what went in and 32 bytes in between', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        (value, asset, memo) => {
          const ciphertext = encryptNote({ value, asset, memo }, key);
          expect(ciphertext).toHaveLength(32);
          expect(decryptNote(ciphertext, key)).toEqual({ value, asset, memo });
        },
      ),
      { seed: 2, numRuns: 100 },
    );
  });

  it('refuses what does not fit', () => {
    const memo = encodeMemo('');
    expect(code(() => encryptNote({ value: 2n ** 128n, asset: 0, memo }, key))).toBe('AMOUNT_RANGE');
    expect(code(() => encryptNote({ value: -1n, asset: 0, memo }, key))).toBe('AMOUNT_RANGE');
    expect(code(() => encryptNote({ value: 0n, asset: 2 ** 32, memo }, key))).toBe('ASSET_RANGE');
    expect(code(() => encryptNote({ value: 0n, asset: 0, memo: new Uint8Array(11) }, key))).toBe('MEMO_SIZE');
    expect(code(() => decryptNote(new Uint8Array(31), key))).toBe('BYTES_SIZE');
  });

  it('memos: twelve bytes of text', () => {
    for (const text of ['', 'INV-2026-042', 'zwölf', '🙂🙂🙂']) expect(decodeMemo(encodeMemo(text))).toBe(text);
    expect(code(() => encodeMemo('thirteen byte'))).toBe('MEMO_SIZE');
    expect(code(() => encodeMemo('a\0b'))).toBe('MEMO_TEXT');
    expect(decodeMemo(Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0))).toBe('0x010001000000000000000000');
    expect(decodeMemo(new Uint8Array(12).fill(0xff))).toBe(`0x${'ff'.repeat(12)}`);
  });

  it.each([
    ['escape: would start a terminal command', '\x1b[2J'],
    ['carriage return: would overwrite the line', 'a\rb'],
    ['line feed', 'a\nb'],
    ['C1 control', 'a\u009bb'],
    ['right-to-left override', '\u202e001'],
    ['isolate', '\u2066a'],
    ['zero-width joiner', 'a\u200db'],
    ['byte order mark', '\ufeffa'],
    ['line separator', 'a\u2028'],
    ['paragraph separator', 'a\u2029'],
    ['zero', 'a\0b'],
    ['half of a surrogate pair', 'a\ud800'],
  ])('memos: %s is refused by the payer and shown as hex to the payee', (_, text) => {
    expect(code(() => encodeMemo(text))).toBe('MEMO_TEXT');
    const bytes = new Uint8Array(12);
    bytes.set(new TextEncoder().encode(text));
    if (!text.endsWith('\ud800')) expect(decodeMemo(bytes)).toBe(bytesToHex(bytes));
  });

  it('memos: any 12 bytes decode to printable text on one line, and text comes back as those bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ minLength: 12, maxLength: 12 }), fc.uint8Array({ minLength: 12, maxLength: 12, min: 0x20, max: 0x7f })),
        (memo) => {
          const text = decodeMemo(memo);
          expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
          if (text.startsWith('0x') && text.length === 26) expect(text).toBe(bytesToHex(memo));
          else expect(encodeMemo(text)).toEqual(memo);
        },
      ),
      { seed: 12, numRuns: 500 },
    );
  });
});

describe('note', () => {
  it('commitment and nullifier check their ranges', () => {
    expect(code(() => commitment({ owner: -1n, asset: 0, value: 0n }))).toBe('FIELD_RANGE');
    expect(code(() => commitment({ owner: 1n, asset: -1, value: 0n }))).toBe('ASSET_RANGE');
    expect(code(() => commitment({ owner: 1n, asset: 0, value: 2n ** 128n }))).toBe('AMOUNT_RANGE');
    expect(code(() => nullifier(0n, 1n, 0n))).toBe('SCALAR_RANGE');
    expect(code(() => nullifier(1n, 1n, 2n ** 32n))).toBe('POSITION_RANGE');
  });

  it('a nullifier has 248 bits and depends on key, commitment and position', () => {
    const all = [nullifier(5n, 6n, 7n), nullifier(4n, 6n, 7n), nullifier(5n, 5n, 7n), nullifier(5n, 6n, 8n)];
    expect(new Set(all).size).toBe(4);
    for (const nf of all) expect(nf < 2n ** 248n).toBe(true);
  });
});
