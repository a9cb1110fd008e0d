import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../protocol/bytes.js';
import { x25519Public } from '../../protocol/onetime.js';
import { openJob, SEAL_PADDING_BYTES, type SealedJob, sealJob } from '../../protocol/seal.js';
import { code } from './walletErrors.js';
import { DOMAIN, SeededBytes } from './walletSupport.js';

const random = new SeededBytes('seal');
const EXPIRY = 1_900_000_000;
const workers = Array.from({ length: 3 }, (_, i) => {
  const secret = random.bytes(32);
  return { secret, address: `0x${String(i + 1).repeat(40)}`, sealKey: bytesToHex(x25519Public(secret)) };
});
const [w0, w1, w2] = workers as [(typeof workers)[0], (typeof workers)[0], (typeof workers)[0]];
const context = { domain: DOMAIN, recordHash: `0x${'aa'.repeat(32)}`, rosterId: `0x${'bb'.repeat(32)}`, expiry: EXPIRY };
const plaintext = new TextEncoder().encode('{"secret":"witness"}');
const sealed = sealJob(plaintext, { ...context, recipients: [w0, w1] }, random.bytes);
const open = (job: SealedJob, worker = w0, ctx = context, now = EXPIRY - 1) => openJob(job, worker.secret, worker.address, ctx, now);
const flipHex = (hex: string, at: number) => hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1);

describe('sealed job', () => {
  it('A16 honest: opens for each recipient, also after JSON', () => {
    expect(open(sealed)).toEqual(plaintext);
    expect(open(JSON.parse(JSON.stringify(sealed)), w1)).toEqual(plaintext);
  });

  it('uses the platform’s randomness by default, and never twice the same', () => {
    const [one, two] = [sealJob(plaintext, { ...context, recipients: [w0] }), sealJob(plaintext, { ...context, recipients: [w0] })];
    expect(one.ciphertext).not.toBe(two.ciphertext);
    expect(one.recipients[0]?.ephemeral).not.toBe(two.recipients[0]?.ephemeral);
    expect(open(one)).toEqual(plaintext);
  });

  it('has an ephemeral key of its own for every recipient', () => {
    expect(new Set(sealed.recipients.map((recipient) => recipient.ephemeral)).size).toBe(2);
  });

  it('hides the length', () => {
    const [short, long] = [
      sealJob(new Uint8Array(1), { ...context, recipients: [w0] }),
      sealJob(new Uint8Array(SEAL_PADDING_BYTES - 4), { ...context, recipients: [w0] }),
    ];
    expect(short.ciphertext).toHaveLength(long.ciphertext.length);
    expect(open(long)).toHaveLength(SEAL_PADDING_BYTES - 4);
  });

  it('A16: does not open when tampered with, anywhere', () => {
    const [first, second] = sealed.recipients;
    if (first === undefined || second === undefined) throw new Error('two recipients expected');
    const broken: SealedJob[] = [
      { ...sealed, ciphertext: flipHex(sealed.ciphertext, 2) },
      { ...sealed, ciphertext: flipHex(sealed.ciphertext, sealed.ciphertext.length - 1) },
      { ...sealed, ciphertext: sealed.ciphertext.slice(0, -2) },
      { ...sealed, nonce: flipHex(sealed.nonce, 5) },
      { ...sealed, recipients: [{ ...first, wrapped: flipHex(first.wrapped, 9) }, second] },
      { ...sealed, recipients: [{ ...first, ephemeral: flipHex(first.ephemeral, 9) }, second] },
      { ...sealed, recipients: [{ ...first, ephemeral: `0x${'00'.repeat(32)}` }, second] },
      { ...sealed, recipients: [{ ...first, wrapped: second.wrapped, ephemeral: second.ephemeral }, second] },
      { ...sealed, nonce: 'no' },
    ];
    for (const job of broken) expect(code(() => open(job))).toBe('SEAL_TAMPERED');
  });

  it('A16: something else than a sealed job is refused with the same code, never with a crash', () => {
    const [first] = sealed.recipients;
    const shapes: unknown[] = [
      null,
      undefined,
      'sealed',
      [],
      {},
      { ...sealed, expiry: EXPIRY + 0.5 },
      { ...sealed, expiry: -1 },
      { ...sealed, expiry: Number.NaN },
      { ...sealed, expiry: Number.POSITIVE_INFINITY },
      { ...sealed, expiry: 2 ** 53 },
      { ...sealed, expiry: String(EXPIRY) },
      { ...sealed, recipients: undefined },
      { ...sealed, recipients: [] },
      { ...sealed, recipients: {} },
      { ...sealed, recipients: [null] },
      { ...sealed, recipients: [{ ...first, address: 5 }] },
      { ...sealed, recipients: [{ ...first, wrapped: undefined }] },
      { ...sealed, recipients: [{ ...first, ephemeral: ['0x'] }] },
      { ...sealed, recipients: Array(17).fill(first) },
      { ...sealed, recordHash: '0x12' },
      { ...sealed, rosterId: `0x${'zz'.repeat(32)}` },
      { ...sealed, nonce: undefined },
      { ...sealed, ciphertext: 7 },
    ];
    for (const job of shapes) {
      // The worker takes its context from the job itself, so a malformed claim agrees with it.
      const { recordHash, rosterId, expiry } = { ...context, ...(job as object) };
      expect(code(() => open(job as SealedJob, w0, { ...context, recordHash, rosterId, expiry }))).toBe('SEAL_TAMPERED');
    }
    expect(code(() => sealJob(plaintext, { ...context, expiry: 1.5, recipients: [w0] }, random.bytes))).toBe('UINT_RANGE');
    expect(open(sealed)).toEqual(plaintext);
  });

  it('A16: does not open when replayed for another record, roster, time, chain or contract', () => {
    const other = `0x${'cc'.repeat(32)}`;
    for (const claim of [{ recordHash: other }, { rosterId: other }, { expiry: EXPIRY + 60 }]) {
      expect(code(() => open(sealed, w0, { ...context, ...claim }))).toBe('SEAL_CONTEXT');
      expect(code(() => open({ ...sealed, ...claim }, w0, { ...context, ...claim }))).toBe('SEAL_TAMPERED');
    }
    for (const domain of [
      { ...DOMAIN, chainId: 1n },
      { ...DOMAIN, contract: `0x${'c1'.repeat(20)}` },
    ])
      expect(code(() => open(sealed, w0, { ...context, domain }))).toBe('SEAL_TAMPERED');
    for (const now of [EXPIRY, EXPIRY + 1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(code(() => open(sealed, w0, context, now))).toBe('SEAL_EXPIRED');
  });

  it('A16: does not open for others: not addressed, or re-addressed', () => {
    expect(code(() => open(sealed, w2))).toBe('SEAL_NOT_ADDRESSED');
    const moved: SealedJob = {
      ...sealed,
      recipients: sealed.recipients.map((recipient, i) => (i === 0 ? { ...recipient, address: w2.address } : recipient)),
    };
    expect(code(() => open(moved, w2))).toBe('SEAL_TAMPERED');
    expect(code(() => open(sealed, { ...w0, secret: w1.secret }))).toBe('SEAL_TAMPERED');
  });

  it('refuses impossible lists of recipients and unusable keys', () => {
    const to = (recipients: typeof workers) => code(() => sealJob(plaintext, { ...context, recipients }));
    expect(to([])).toBe('SEAL_RECIPIENTS');
    expect(to([w0, w0])).toBe('SEAL_RECIPIENTS');
    expect(to(Array.from({ length: 17 }, (_, i) => ({ ...w0, address: `0x${(i + 16).toString(16).repeat(20)}` })))).toBe('SEAL_RECIPIENTS');
    expect(to([{ ...w0, sealKey: `0x${'00'.repeat(32)}` }])).toBe('X25519_ZERO');
    expect(to([{ ...w0, sealKey: '0x12' }])).toBe('HEX_INVALID');
  });
});
