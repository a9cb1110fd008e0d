/** T1–T10 of docs/spec/transfer.md on circuit transfer(1): accepted inputs, and inputs that break one statement each. */
import { beforeAll, describe, expect, it } from 'vitest';
import { SUBGROUP_ORDER } from '../../protocol/babyjubjub.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { transferCircuitInput } from '../../protocol/transfer.js';
import { DOMAIN, USUAL, witness, world } from '../protocol/walletSupport.js';
import { type LoadedArtifacts, loadCircuit } from './helpers/circuit.js';
import { brokenStatement } from './helpers/statement.js';
import {
  ASSET_A,
  ASSET_B,
  dummy,
  honestPlan,
  OFF_CURVE,
  type Signals,
  signatureWithoutKey,
  type TransferPlan,
  transferSignals,
  withInput,
} from './helpers/transferProver.js';

let circuit: LoadedArtifacts;
beforeAll(async () => {
  circuit = await loadCircuit('transfer_1');
});

const broken = (signals: Signals): Promise<string> => brokenStatement(circuit.witness(signals));
const brokenPlan = (plan: TransferPlan): Promise<string> => broken(transferSignals(plan));
/** A change after signing; arrays are [transfer][place]. */
const altered = (name: string, change: (value: bigint) => bigint, plan = honestPlan()): Promise<string> => {
  const signals = transferSignals(plan);
  const list = (signals[name] as (bigint | bigint[])[])[0]!;
  if (Array.isArray(list)) list[0] = change(list[0]!);
  else (signals[name] as bigint[])[0] = change(list);
  return broken(signals);
};

describe('accepted', () => {
  const accepted: [string, () => TransferPlan][] = [
    ['two notes of one asset, change, withdrawal and fee', honestPlan],
    ['a dummy beside a note', () => ({ ...honestPlan(), inputs: [{ ...honestPlan().inputs[0], value: 30n }, dummy(ASSET_A)] })],
    [
      'a dummy that names an asset nobody has',
      () => ({ ...honestPlan(), inputs: [{ ...honestPlan().inputs[0], value: 30n }, dummy(12345n)] }),
    ],
    [
      'a swap: two owners, two assets, the fee in one of them',
      () => ({
        ...withInput(honestPlan(), 1, { asset: ASSET_B }),
        outputs: [
          { asset: ASSET_B, value: 20n },
          { asset: ASSET_A, value: 9n },
        ],
        withdrawal: { asset: 0n, value: 0n },
        fee: { asset: ASSET_A, value: 1n },
      }),
    ],
    [
      'two dummies and nothing',
      () => ({
        inputs: [dummy(1n), dummy(2n)],
        outputs: [
          { asset: 5n, value: 0n },
          { asset: 6n, value: 0n },
        ],
        withdrawal: { asset: 0n, value: 0n },
        fee: { asset: 0n, value: 0n },
      }),
    ],
    [
      'the largest amount and the largest asset id',
      () => {
        const asset = 2n ** 32n - 1n;
        const value = 2n ** 128n - 1n;
        const plan = withInput(withInput(honestPlan(), 0, { asset, value }), 1, { asset, value: 1n });
        return {
          ...plan,
          outputs: [
            { asset, value },
            { asset, value: 1n },
          ],
          withdrawal: { asset: 0n, value: 0n },
          fee: { asset: 0n, value: 0n },
        };
      },
    ],
    ['the last position of the tree', () => withInput(honestPlan(), 0, { pos: 2n ** 32n - 1n, treeIndex: 2n ** 32n - 1n })],
  ];
  it.each(accepted)('%s', async (_, plan) => {
    const values = await circuit.witness(transferSignals(plan()));
    expect(circuit.r1cs.firstBroken(values)).toBe(-1);
  });

  it("the protocol's own builder of inputs, with its public inputs", async () => {
    const w = world('circuits/transfer', USUAL);
    const { input, publicInputs } = transferCircuitInput('transfer_1', [witness(w, USUAL)], w.tree.root, `0x${'11'.repeat(20)}`, DOMAIN);
    const values = await circuit.witness(input);
    expect(circuit.r1cs.firstBroken(values)).toBe(-1);
    expect(values.slice(1, 4)).toEqual([publicInputs.h, publicInputs.z, publicInputs.y]);
  });
});

describe('T1: points on the curve, one reading of n′', () => {
  it('A9: T1 refuses a spend key off the curve', async () => {
    expect(await brokenPlan(withInput(honestPlan(), 0, { key: OFF_CURVE }))).toBe('T1');
  });
  it('A9: T1 refuses an R8 off the curve', async () => {
    expect(await brokenPlan(withInput(honestPlan(), 0, { signature: { R8: OFF_CURVE, S: 5n } }))).toBe('T1');
  });
  it("A2: T1 refuses n' + l, which owns the same note and would give it a second nullifier", async () => {
    const plan = honestPlan();
    expect(await brokenPlan(withInput(plan, 0, { nk: plan.inputs[0].nk + SUBGROUP_ORDER }))).toBe('T1');
  });
  it("A2: T1 refuses n' = l and accepts n' = l − 1", async () => {
    expect(await brokenPlan(withInput(honestPlan(), 0, { nk: SUBGROUP_ORDER }))).toBe('T1');
    expect(await brokenPlan(withInput(honestPlan(), 0, { nk: SUBGROUP_ORDER - 1n }))).toBe('none');
  });
  it("A2: T1 refuses n' of more than 253 bits", async () => {
    const plan = honestPlan();
    expect(await brokenPlan(withInput(plan, 0, { nk: plan.inputs[0].nk + 6n * SUBGROUP_ORDER }))).toBe('T1');
  });
});

describe('T2: widths', () => {
  it('A5: T2 refuses an input of 2^128', async () => {
    const plan = withInput(honestPlan(), 0, { value: 2n ** 128n });
    expect(
      await brokenPlan({
        ...plan,
        outputs: [
          { asset: ASSET_A, value: 2n ** 128n - 1n },
          { asset: ASSET_A, value: 18n },
        ],
      }),
    ).toBe('T2');
  });
  it('A5: T2 refuses a negative output that makes the sums fit', async () => {
    const plan = honestPlan();
    expect(
      await brokenPlan({
        ...plan,
        outputs: [
          { asset: ASSET_A, value: 1000n },
          { asset: ASSET_A, value: FIELD_MODULUS - 973n },
        ],
      }),
    ).toBe('T2');
  });
  it('T2 refuses an asset id of 2^32', async () => {
    const plan = withInput(withInput(honestPlan(), 0, { asset: 2n ** 32n }), 1, { asset: 2n ** 32n });
    const zero = { asset: 0n, value: 0n };
    expect(
      await brokenPlan({
        ...plan,
        outputs: [
          { asset: 2n ** 32n, value: 30n },
          { asset: 0n, value: 0n },
        ],
        withdrawal: zero,
        fee: zero,
      }),
    ).toBe('T2');
  });
});

describe('T3: membership', () => {
  it('T3 refuses a note with value that is in no tree', async () => {
    expect(await brokenPlan(withInput(honestPlan(), 0, { inTree: false }))).toBe('T3');
  });
  it('A2: T3 refuses the note at another position', async () => {
    expect(await brokenPlan(withInput(honestPlan(), 0, { pos: 2n }))).toBe('T3');
  });
  it('A2: T3 refuses a position of 33 bits whose low bits are right', async () => {
    expect(await brokenPlan(withInput(honestPlan(), 0, { pos: 2n ** 32n + 3n }))).toBe('T3');
  });
  it('T3 refuses another anchor', async () => {
    const signals = transferSignals(honestPlan());
    expect(await broken({ ...signals, anchor: 5n })).toBe('T3');
  });
});

describe('T4: nullifiers', () => {
  it('A3: T4 refuses one note twice', async () => {
    const plan = honestPlan();
    const [note] = plan.inputs;
    expect(
      await brokenPlan({
        ...plan,
        inputs: [note, note],
        outputs: [
          { asset: ASSET_A, value: 15n },
          { asset: ASSET_A, value: 2n },
        ],
      }),
    ).toBe('T4');
  });
});

describe('T5: signatures', () => {
  it.each([0, 1] as const)('T5 refuses the signature of a stranger on input %i', async (i) => {
    expect(await brokenPlan(withInput(honestPlan(), i, { signer: 99n }))).toBe('T5');
  });
  it('A4: T5 refuses an unsigned dummy', async () => {
    expect(
      await brokenPlan({
        ...honestPlan(),
        inputs: [
          { ...honestPlan().inputs[0], value: 30n },
          { ...dummy(ASSET_A), signer: 99n },
        ],
      }),
    ).toBe('T5');
  });
  it('A12: T5 refuses S + l', async () => {
    expect(await altered('sigS', (s) => s + SUBGROUP_ORDER)).toBe('T5');
  });
  it.each([
    ['the identity', { x: 0n, y: 1n }],
    ['the point of order 2', { x: 0n, y: FIELD_MODULUS - 1n }],
  ])('A9: T5 refuses %s as a spend key, which anybody could sign for', async (_, key) => {
    expect(await brokenPlan(withInput(honestPlan(), 0, { key, signature: signatureWithoutKey() }))).toBe('T5');
  });
  it.each(['wAsset', 'wValue', 'feeAsset', 'fee', 'ext', 'outOwner', 'outAssetId', 'outNoteValue'])(
    'A7: T5 refuses %s altered after signing',
    async (name) => {
      expect(await altered(name, (value) => value + 1n)).toBe('T5');
    },
  );
});

describe('T6: output commitments', () => {
  it('T6: a record that names another commitment than the outputs’ has another y', async () => {
    const signals = transferSignals(honestPlan());
    // One more on cm2 moves y by z^5: ext, fee, feeAsset, wValue and wAsset stand behind it.
    const z = signals.z as bigint;
    expect(await broken({ ...signals, y: ((signals.y as bigint) + z ** 5n) % FIELD_MODULUS })).toBe('T10');
  });
});

describe('T7, T8: sums by asset', () => {
  it('A5: T8 refuses one unit more out than in', async () => {
    expect(
      await brokenPlan({
        ...honestPlan(),
        outputs: [
          { asset: ASSET_A, value: 26n },
          { asset: ASSET_A, value: 2n },
        ],
      }),
    ).toBe('T8');
  });
  it('A5: T8 refuses one unit less out than in', async () => {
    expect(
      await brokenPlan({
        ...honestPlan(),
        outputs: [
          { asset: ASSET_A, value: 24n },
          { asset: ASSET_A, value: 2n },
        ],
      }),
    ).toBe('T8');
  });
  it('A4: T8 refuses value in the asset that only a dummy names', async () => {
    const plan = { ...honestPlan(), inputs: [{ ...honestPlan().inputs[0], value: 30n }, dummy(ASSET_B)] } as const;
    expect(
      await brokenPlan({
        ...plan,
        outputs: [
          { asset: ASSET_A, value: 27n },
          { asset: ASSET_B, value: 1n },
        ],
      }),
    ).toBe('T8');
  });
  it('A6: T8 refuses to turn asset A into asset B in a swap', async () => {
    const plan = withInput(honestPlan(), 1, { asset: ASSET_B });
    expect(
      await brokenPlan({
        ...plan,
        outputs: [
          { asset: ASSET_B, value: 25n },
          { asset: ASSET_A, value: 2n },
        ],
      }),
    ).toBe('T8');
  });
  it('A6: T7, T8: equal assets are counted together, so that neither input can be left out', async () => {
    expect(
      await brokenPlan({
        ...honestPlan(),
        outputs: [
          { asset: ASSET_A, value: 5n },
          { asset: ASSET_A, value: 2n },
        ],
      }),
    ).toBe('T8');
  });
});

describe('T9: no other asset', () => {
  it.each([
    ['an output', (plan: TransferPlan) => ({ ...plan, outputs: [plan.outputs[0], { asset: ASSET_B, value: 2n }] as const })],
    ['the withdrawal', (plan: TransferPlan) => ({ ...plan, withdrawal: { asset: ASSET_B, value: 2n } })],
    ['the fee', (plan: TransferPlan) => ({ ...plan, fee: { asset: ASSET_B, value: 1n } })],
  ])('A6: T9 refuses to mint another asset through %s', async (_, change) => {
    const plan = change(honestPlan());
    const all = [...plan.outputs, plan.withdrawal, plan.fee];
    const inA = all.reduce((sum, use) => sum + (use.asset === ASSET_A ? use.value : 0n), 0n);
    expect(await brokenPlan(withInput(withInput(plan, 0, { value: inA }), 1, { value: 0n }))).toBe('T9');
  });
});

describe('T10: the fingerprint', () => {
  it.each(['h', 'y', 'z'])('T10 refuses another %s', async (name) => {
    const signals = transferSignals(honestPlan());
    expect(await broken({ ...signals, [name]: (signals[name] as bigint) + 1n })).toBe('T10');
  });
  it('A12: T10 refuses another prover', async () => {
    const signals = transferSignals(honestPlan());
    expect(await broken({ ...signals, prover: 5n })).toBe('T10');
  });
});
