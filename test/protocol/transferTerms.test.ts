import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIELD_MODULUS } from '../../protocol/field.js';
import type { TransferRecord } from '../../protocol/record.js';
import { checkTransferWitness } from '../../protocol/transfer.js';
import { code } from './walletErrors.js';
import { ASSET_A, ASSET_B, DOMAIN, type Terms, USUAL, witness, world } from './walletSupport.js';

const MAX_AMOUNT = 2n ** 128n - 1n;
const check = (label: string, terms: Terms, change: Parameters<typeof witness>[2] = {}) =>
  code(() => checkTransferWitness(witness(world(label, terms), terms, change), DOMAIN));

describe('A5: amounts', () => {
  const io = (inputs: [bigint, bigint], outputs: [bigint, bigint]): Terms => ({
    inputs: [
      { asset: ASSET_A, value: inputs[0] },
      { asset: ASSET_A, value: inputs[1] },
    ],
    outputs: [
      { asset: ASSET_A, value: outputs[0] },
      { asset: ASSET_A, value: outputs[1] },
    ],
  });

  it.each([
    ['one unit too much', io([10n, 20n], [25n, 6n]), {}, 'TRANSFER_T8'],
    ['one unit too little', io([10n, 20n], [25n, 4n]), {}, 'TRANSFER_T8'],
    ['an output of 2^128', io([MAX_AMOUNT, 1n], [0n, 0n]), { outputs: [{ value: 2n ** 128n }, {}] }, 'TRANSFER_T2'],
    ['negative change', io([10n, 0n], [11n, 0n]), { outputs: [{}, { value: -1n }] }, 'TRANSFER_T2'],
    ['change of p − 1', io([10n, 0n], [11n, 0n]), { outputs: [{}, { value: FIELD_MODULUS - 1n }] }, 'TRANSFER_T2'],
    ['a sum that wraps at 2^128', io([1n, 0n], [MAX_AMOUNT, 2n]), {}, 'TRANSFER_T8'],
    ['both outputs at the edge from nothing', io([0n, 0n], [MAX_AMOUNT, 1n]), {}, 'TRANSFER_T8'],
  ] as const)('A5: %s', (name, shape, change, expected) => {
    expect(check(`A5 ${name}`, shape, change as Parameters<typeof witness>[2])).toBe(expected);
  });

  it('A5: an input of 2^128 is refused before all else', () => {
    expect(check('A5', USUAL, { inputs: [{ value: 2n ** 128n }, {}] })).toBe('TRANSFER_T2');
    expect(check('A5', USUAL, { inputs: [{ value: -1n }, {}] })).toBe('TRANSFER_T2');
  });

  it('A5: random splits hold exactly, and no unit more', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: MAX_AMOUNT }),
        fc.bigInt({ min: 1n, max: MAX_AMOUNT }),
        fc.bigInt({ min: 0n, max: 2n ** 96n - 1n }),
        (one, two, feeWish) => {
          const fee = feeWish % (one + two + 1n) < 2n ** 96n ? feeWish % (one + two + 1n) : 0n;
          const rest = one + two - fee;
          const first = rest > MAX_AMOUNT ? MAX_AMOUNT : rest;
          const shape: Terms = { ...io([one, two], [first, rest - first]), fee: { asset: ASSET_A, value: fee } };
          if (rest - first > MAX_AMOUNT) return true;
          expect(check('A5 split', shape)).toBe('nothing thrown');
          expect(check('A5 split', { ...shape, inputs: [{ asset: ASSET_A, value: one - 1n }, shape.inputs[1]] })).toBe('TRANSFER_T8');
          return true;
        },
      ),
      { seed: 5, numRuns: 6 },
    );
  });
});

describe('A6: assets', () => {
  const one = (outputs: Terms['outputs'], rest: Partial<Terms> = {}): Terms => ({
    inputs: [
      { asset: ASSET_A, value: 10n },
      { asset: ASSET_A, value: 20n },
    ],
    outputs,
    ...rest,
  });
  const swap = (outputs: Terms['outputs'], rest: Partial<Terms> = {}): Terms => ({
    inputs: [
      { asset: ASSET_A, value: 10n },
      { asset: ASSET_B, value: 20n },
    ],
    outputs,
    ...rest,
  });

  it.each([
    [
      'an output of B from A',
      one([
        { asset: ASSET_A, value: 20n },
        { asset: ASSET_B, value: 10n },
      ]),
      'TRANSFER_T8',
    ],
    [
      'B beside a balanced A',
      one([
        { asset: ASSET_A, value: 30n },
        { asset: ASSET_B, value: 1n },
      ]),
      'TRANSFER_T9',
    ],
    [
      'a fee in B',
      one(
        [
          { asset: ASSET_A, value: 30n },
          { asset: ASSET_A, value: 0n },
        ],
        { fee: { asset: ASSET_B, value: 1n } },
      ),
      'TRANSFER_T9',
    ],
    [
      'a withdrawal in B',
      one(
        [
          { asset: ASSET_A, value: 30n },
          { asset: ASSET_A, value: 0n },
        ],
        { withdrawal: { asset: ASSET_B, value: 1n } },
      ),
      'TRANSFER_T9',
    ],
    [
      'a swap with the values exchanged',
      swap([
        { asset: ASSET_A, value: 20n },
        { asset: ASSET_B, value: 10n },
      ]),
      'TRANSFER_T8',
    ],
    [
      'A turned into B through the fee',
      swap(
        [
          { asset: ASSET_A, value: 10n },
          { asset: ASSET_B, value: 20n },
        ],
        { fee: { asset: ASSET_B, value: 1n } },
      ),
      'TRANSFER_T8',
    ],
    [
      'A turned into B through the withdrawal',
      swap(
        [
          { asset: ASSET_A, value: 9n },
          { asset: ASSET_B, value: 20n },
        ],
        { withdrawal: { asset: ASSET_B, value: 1n } },
      ),
      'TRANSFER_T8',
    ],
    [
      'a third asset',
      swap(
        [
          { asset: ASSET_A, value: 10n },
          { asset: ASSET_B, value: 20n },
        ],
        { withdrawal: { asset: 9, value: 1n } },
      ),
      'TRANSFER_T9',
    ],
  ])('A6: %s', (name, shape, expected) => {
    expect(check(`A6 ${name}`, shape)).toBe(expected);
  });

  it('A6: an id that is equal modulo 2^32 is out of range', () => {
    expect(check('A6', USUAL, { outputs: [{ asset: 2 ** 32 }, {}] })).toBe('TRANSFER_T2');
    expect(check('A6', USUAL, { inputs: [{ asset: -1 }, {}] })).toBe('TRANSFER_T2');
  });
});

describe('A7: what the owners signed', () => {
  const good = witness(world('A7', USUAL), USUAL);
  const flip = (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, i) => (i === 9 ? byte ^ 1 : byte));
  const altered: [string, Partial<TransferRecord>, string][] = [
    ['recipient', { recipient: `0x${'ac'.repeat(20)}` }, 'TRANSFER_T5'],
    ['withdrawn value', { outValue: 3n }, 'TRANSFER_T5'],
    ['withdrawn asset', { outAsset: 1 }, 'TRANSFER_T5'],
    ['fee', { fee: 2n }, 'TRANSFER_T5'],
    ['fee asset', { feeAsset: 1 }, 'TRANSFER_T5'],
    ['E', { ephemeral: flip(good.record.ephemeral) }, 'TRANSFER_T5'],
    ['first ciphertext', { ciphertexts: [flip(good.record.ciphertexts[0]), good.record.ciphertexts[1]] }, 'TRANSFER_T5'],
    ['second ciphertext', { ciphertexts: [good.record.ciphertexts[0], flip(good.record.ciphertexts[1])] }, 'TRANSFER_T5'],
    ['order of ciphertexts', { ciphertexts: [good.record.ciphertexts[1], good.record.ciphertexts[0]] }, 'TRANSFER_T5'],
    ['cm1', { cm1: good.record.cm1 + 1n }, 'TRANSFER_T5'],
    ['cm2', { cm2: good.record.cm2 + 1n }, 'TRANSFER_T5'],
    ['nf1', { nf1: good.record.nf1 + 1n }, 'TRANSFER_T4'],
    ['order of nullifiers', { nf1: good.record.nf2, nf2: good.record.nf1 }, 'TRANSFER_T4'],
  ];

  it.each(altered)('A7: %s altered after signing → T4 or T5 fails, by name', (_, change, expected) => {
    expect(code(() => checkTransferWitness({ ...good, record: { ...good.record, ...change } }, DOMAIN))).toBe(expected);
  });

  it('A7: another chain id or contract → T5 fails: nobody signed for it', () => {
    expect(code(() => checkTransferWitness(good, { ...DOMAIN, chainId: 1n }))).toBe('TRANSFER_T5');
    expect(code(() => checkTransferWitness(good, { ...DOMAIN, contract: `0x${'c1'.repeat(20)}` }))).toBe('TRANSFER_T5');
  });

  it('A7: outputs that the commitments do not open to → T6 fails', () => {
    const [first, second] = good.outputs;
    expect(code(() => checkTransferWitness({ ...good, outputs: [second, first] }, DOMAIN))).toBe('TRANSFER_T6');
    expect(code(() => checkTransferWitness({ ...good, outputs: [{ ...first, owner: FIELD_MODULUS }, second] }, DOMAIN))).toBe(
      'TRANSFER_T6',
    );
  });

  it('A9: keys and signature points off the curve or of low order', () => {
    const [one, two] = good.inputs;
    for (const point of [
      { x: 1n, y: 1n },
      { x: 0n, y: 1n },
      { x: 0n, y: FIELD_MODULUS - 1n },
    ]) {
      expect(code(() => checkTransferWitness({ ...good, inputs: [{ ...one, APrime: point }, two] }, DOMAIN))).toBe('TRANSFER_T1');
      expect(
        code(() => checkTransferWitness({ ...good, inputs: [{ ...one, signature: { ...one.signature, R8: point } }, two] }, DOMAIN)),
      ).toBe('TRANSFER_T1');
    }
  });
});
