import { describe, expect, it } from 'vitest';
import { SUBGROUP_ORDER } from '../../protocol/babyjubjub.js';
import { DOM_NULLIFIER, ZERO_ADDRESS } from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { H } from '../../protocol/hash.js';
import { nullifier } from '../../protocol/note.js';
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
