import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SUBGROUP_ORDER } from '../../protocol/babyjubjub.js';
import { DOM_NULLIFIER, ZERO_ADDRESS } from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { H } from '../../protocol/hash.js';
import { nullifier } from '../../protocol/note.js';
import type { TransferRecord } from '../../protocol/record.js';
import {
  checkTransferWitness,
  decodeTransferWitness,
  encodeTransferWitness,
  rootOfPath,
  transferCircuitInput,
  WITNESS_MAX_CHARACTERS,
} from '../../protocol/transfer.js';
import { code } from './walletErrors.js';
import { ASSET_A, ASSET_B, DOMAIN, type Terms, USUAL, witness, world } from './walletSupport.js';

const MAX_AMOUNT = 2n ** 128n - 1n;
const check = (label: string, terms: Terms, change: Parameters<typeof witness>[2] = {}) =>
  code(() => checkTransferWitness(witness(world(label, terms), terms, change), DOMAIN));
const terms = (change: Partial<Terms>): Terms => ({ inputs: USUAL.inputs, outputs: USUAL.outputs, ...change });

describe('an honest transfer', () => {
  it('A2, A4, A5, A6 honest: holds in every usual shape', () => {
    const shapes: Terms[] = [
      USUAL,
      terms({
        inputs: [
          { asset: ASSET_A, value: 27n },
          { asset: ASSET_A, value: 0n },
        ],
      }),
      terms({
        inputs: [
          { asset: ASSET_A, value: 0n },
          { asset: ASSET_B, value: 0n },
        ],
        outputs: [
          { asset: 3, value: 0n },
          { asset: 4, value: 0n },
        ],
      }),
      {
        inputs: [
          { asset: ASSET_A, value: 5n },
          { asset: ASSET_B, value: 6n },
        ],
        outputs: [
          { asset: ASSET_B, value: 6n },
          { asset: ASSET_A, value: 5n },
        ],
      },
      {
        inputs: [
          { asset: ASSET_A, value: 5n },
          { asset: ASSET_B, value: 6n },
        ],
        outputs: [
          { asset: ASSET_B, value: 4n },
          { asset: ASSET_A, value: 4n },
        ],
        fee: { asset: ASSET_A, value: 1n },
        withdrawal: { asset: ASSET_B, value: 2n },
      },
      {
        inputs: [
          { asset: ASSET_A, value: MAX_AMOUNT },
          { asset: ASSET_A, value: MAX_AMOUNT },
        ],
        outputs: [
          { asset: ASSET_A, value: MAX_AMOUNT },
          { asset: ASSET_A, value: MAX_AMOUNT },
        ],
      },
    ];
    for (const [i, shape] of shapes.entries()) expect(check(`shape ${i}`, shape)).toBe('nothing thrown');
  });

  it('survives its codec, whose length tells nothing', () => {
    const one = witness(world('codec', USUAL), USUAL);
    const small = terms({ withdrawal: { asset: ASSET_A, value: 3n }, fee: { asset: ASSET_A, value: 0n } });
    const text = encodeTransferWitness(one);
    expect(decodeTransferWitness(text)).toEqual(one);
    const privateOne = witness(world('codec', small), {
      ...small,
      outputs: [
        { asset: ASSET_A, value: 2n ** 127n },
        { asset: ASSET_B, value: 0n },
      ],
    });
    expect(encodeTransferWitness({ ...privateOne, record: one.record })).toHaveLength(text.length);
  });

  it('its codec refuses other shapes', () => {
    const good = JSON.parse(encodeTransferWitness(witness(world('codec', USUAL), USUAL)));
    const bad: [object | string, string][] = [
      ['{', 'WITNESS_FORMAT'],
      [{ ...good, extra: 1 }, 'WITNESS_FORMAT'],
      [{ ...good, inputs: [good.inputs[0]] }, 'WITNESS_FORMAT'],
      [{ ...good, anchor: 5 }, 'WITNESS_FORMAT'],
      [{ ...good, anchor: good.anchor.replace(/[a-f]/, (digit: string) => digit.toUpperCase()) }, 'WITNESS_FORMAT'],
      [{ ...good, anchor: `0x${'ff'.repeat(32)}` }, 'FIELD_RANGE'],
      [{ ...good, anchor: '0x00' }, 'HEX_INVALID'],
      [{ ...good, outputs: [{ ...good.outputs[0], asset: `0x${'00'.repeat(27)}0100000000` }, good.outputs[1]] }, 'WITNESS_FORMAT'],
      [{ ...good, inputs: [{ ...good.inputs[0], path: good.inputs[0].path.slice(1) }, good.inputs[1]] }, 'WITNESS_FORMAT'],
      [{ ...good, record: `${good.record}00` }, 'BYTES_TRAILING'],
    ];
    for (const [value, expected] of bad)
      expect(code(() => decodeTransferWitness(typeof value === 'string' ? value : JSON.stringify(value)))).toBe(expected);
  });

  it('its codec has room for the longest witness, and refuses a longer text unread', () => {
    const text = encodeTransferWitness(witness(world('codec', USUAL), USUAL));
    expect(text.length).toBeLessThan(WITNESS_MAX_CHARACTERS * 0.75);
    expect(decodeTransferWitness(text.padEnd(WITNESS_MAX_CHARACTERS))).toEqual(decodeTransferWitness(text));
    expect(code(() => decodeTransferWitness(text.padEnd(WITNESS_MAX_CHARACTERS + 1)))).toBe('WITNESS_FORMAT');
    expect(code(() => decodeTransferWitness(`{"record":"0x${'00'.repeat(2 ** 24)}"}`))).toBe('WITNESS_FORMAT');
  });

  it('becomes the circuit’s input', () => {
    const w = witness(world('input', USUAL), USUAL);
    const { input, publicInputs, x } = transferCircuitInput('transfer_1', [w], w.anchor, ZERO_ADDRESS, DOMAIN);
    expect(x).toHaveLength(11);
    expect(Object.keys(input).sort()).toEqual([
      'anchor',
      'ext',
      'fee',
      'feeAsset',
      'h',
      'inAsset',
      'inAx',
      'inAy',
      'inNk',
      'inPath',
      'inPos',
      'inValue',
      'outAssetId',
      'outNoteValue',
      'outOwner',
      'prover',
      'sigR8x',
      'sigR8y',
      'sigS',
      'wAsset',
      'wValue',
      'y',
      'z',
    ]);
    expect(input.inValue).toEqual([['10', '20']]);
    expect([input.wValue, input.fee, input.y]).toEqual([['2'], ['1'], String(publicInputs.y)]);
    expect(code(() => transferCircuitInput('transfer_8', [w], w.anchor, ZERO_ADDRESS, DOMAIN))).toBe('LIST_LENGTH');
    expect(code(() => transferCircuitInput('transfer_1', [w], w.anchor + 1n, ZERO_ADDRESS, DOMAIN))).toBe('TRANSFER_ANCHOR');
  });

  it('the path function agrees with the tree', () => {
    const { tree, notes } = world('path', USUAL);
    for (const note of notes) expect(rootOfPath(note.cm, note.position, tree.path(note.position))).toBe(tree.root);
  });
});

describe('A2: a second nullifier for one note', () => {
  const w = world('A2', USUAL);
  const note = w.notes[0];
  const second = { asset: ASSET_A };

  it('A2: n′ + l gives the same keys and is refused', () => {
    expect(check('A2', USUAL, { inputs: [{ nPrime: note.nPrime + SUBGROUP_ORDER }, second] })).toBe('TRANSFER_T1');
    expect(check('A2', USUAL, { inputs: [{ nPrime: 0n }, second] })).toBe('TRANSFER_T1');
  });

  it('A2: the low bits of H + p are no nullifier', () => {
    const other = (H(note.nPrime, note.cm, note.position, DOM_NULLIFIER) + FIELD_MODULUS) & (2n ** 248n - 1n);
    expect(check('A2', USUAL, { record: { nf1: other } })).toBe('TRANSFER_T4');
  });

  it('A2: another position is refused, in range or out of it', () => {
    const at = (position: bigint) =>
      check('A2', USUAL, {
        inputs: [{ position }, second],
        record: position < 2n ** 32n ? { nf1: nullifier(note.nPrime, note.cm, position) } : {},
      });
    expect(at(note.position)).toBe('nothing thrown');
    expect(at(note.position + 1n)).toBe('TRANSFER_T3');
    expect(at(note.position + 2n ** 31n)).toBe('TRANSFER_T3');
    expect(at(note.position + 2n ** 32n)).toBe('TRANSFER_T3');
    expect(at(note.position + FIELD_MODULUS)).toBe('TRANSFER_T3');
  });
});

describe('A3: one note as both inputs', () => {
  it('A3: is refused', () => {
    const w = witness(world('A3', USUAL), USUAL);
    const twice = { ...w, inputs: [w.inputs[0], w.inputs[0]] as const, record: { ...w.record, nf2: w.record.nf1 } };
    expect(code(() => checkTransferWitness(twice, DOMAIN))).toBe('RECORD_NULLIFIERS_EQUAL');
    expect(code(() => checkTransferWitness({ ...twice, record: w.record }, DOMAIN))).toBe('TRANSFER_T4');
  });
});

describe('A4: dummies', () => {
  const base = terms({
    inputs: [
      { asset: ASSET_A, value: 27n },
      { asset: ASSET_A, value: 0n },
    ],
    outputs: [
      { asset: ASSET_A, value: 25n },
      { asset: ASSET_A, value: 2n },
    ],
  });

  it('A4: the honest dummy passes, the one that claims value is not in the tree', () => {
    expect(check('A4', base)).toBe('nothing thrown');
    const rich = world('A4', base);
    const [one, two] = rich.notes;
    const claiming = { ...rich, notes: [one, { ...two, value: 5n }] as const };
    expect(code(() => checkTransferWitness(witness(claiming, base, { outputs: [{ value: 30n }, {}] }), DOMAIN))).toBe('TRANSFER_T3');
  });

  it('A4: a dummy of another asset brings none of it out', () => {
    const other: Terms = {
      inputs: [
        { asset: ASSET_A, value: 27n },
        { asset: ASSET_B, value: 0n },
      ],
      outputs: [
        { asset: ASSET_A, value: 27n },
        { asset: ASSET_B, value: 1n },
      ],
    };
    expect(check('A4b', other)).toBe('TRANSFER_T8');
    expect(
      check('A4b', {
        ...other,
        outputs: [
          { asset: ASSET_A, value: 27n },
          { asset: ASSET_B, value: 0n },
        ],
      }),
    ).toBe('nothing thrown');
  });

  it('A4: a dummy cannot name a real note’s nullifier', () => {
    const { notes } = world('A4', base);
    const victim = world('A4 victim', USUAL).notes[0];
    expect(check('A4', base, { record: { nf2: nullifier(victim.nPrime, victim.cm, victim.position) } })).toBe('TRANSFER_T4');
    // The same key and position with value 0 is another commitment, hence another nullifier.
    expect(
      check('A4', base, {
        inputs: [{}, { APrime: victim.oneTime.APrime, nPrime: victim.nPrime, position: victim.position }],
        record: { nf2: nullifier(victim.nPrime, victim.cm, victim.position) },
      }),
    ).toBe('TRANSFER_T4');
    expect(notes[1].value).toBe(0n);
  });
});

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
