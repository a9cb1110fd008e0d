import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes, uintToBytes } from '../../protocol/bytes.js';
import { code } from './walletErrors.js';

const SEEDED = { seed: 20261121, numRuns: 300 };

describe('hexadecimal', () => {
  it('comes back as it went, in either case of the digits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = bytesToHex(bytes);
        expect(text).toBe(`0x${Buffer.from(bytes).toString('hex')}`);
        expect(hexToBytes(text, bytes.length)).toEqual(bytes);
        expect(hexToBytes(`0x${text.slice(2).toUpperCase()}`)).toEqual(bytes);
      }),
      SEEDED,
    );
  });

  it.each([
    '',
    '0',
    '0x0',
    '0X00',
    '00',
    'x000',
    '0xg0',
    '0x0g',
    '0x 0',
    '0x0\n',
    '0x00\n',
    '0x-1',
    '0x0０',
    '0x0Ā',
    '0x@@',
    '0x``',
    '0x[[',
    '0x//',
    '0x::',
    '0x\0\0',
    '0x\u0130\u0130',
  ])('refuses %j', (text) => {
    expect(code(() => hexToBytes(text))).toBe('HEX_INVALID');
  });

  it('refuses every character that is no digit, in either place', () => {
    for (let unit = 0; unit < 0x300; unit++) {
      const character = String.fromCharCode(unit);
      const wanted = /^[0-9a-fA-F]$/.test(character) ? 'nothing thrown' : 'HEX_INVALID';
      expect(code(() => hexToBytes(`0x${character}0`))).toBe(wanted);
      expect(code(() => hexToBytes(`0x0${character}`))).toBe(wanted);
    }
  });

  it('refuses another size than the one asked for', () => {
    for (const size of [0, 1, 3, 2 ** 24]) expect(code(() => hexToBytes('0x0102', size))).toBe('HEX_INVALID');
    expect(hexToBytes('0x0102', 2)).toEqual(Uint8Array.of(1, 2));
  });

  it('takes texts of many millions of characters, good or bad, without running out of stack', () => {
    const half = 'a5'.repeat(2 ** 24);
    expect(hexToBytes(`0x${half}`)).toHaveLength(2 ** 24);
    expect(code(() => hexToBytes(`0x${half}zz`))).toBe('HEX_INVALID');
    expect(code(() => hexToBytes(`0x${half}`, 32))).toBe('HEX_INVALID');
  });
});

describe('integers', () => {
  it('refuses numbers that are not exact integers, with a code', () => {
    for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -1, -1n, 256n])
      expect(code(() => uintToBytes(value, value === 2 ** 53 ? 8 : 1))).toBe('UINT_RANGE');
    expect(uintToBytes(255, 1)).toEqual(Uint8Array.of(255));
  });
});
