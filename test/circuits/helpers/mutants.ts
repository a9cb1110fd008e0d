/** Adversarial variations of true statements, seeded: what a fuzzer of the circuits draws from. */
import { SUBGROUP_ORDER } from '../../../protocol/babyjubjub.js';
import { FIELD_MODULUS } from '../../../protocol/field.js';
import type { TransferWitness } from '../../../protocol/transfer.js';
import type { Random } from '../../ledger/random.js';
import { type Terms, witness, world } from '../../protocol/walletSupport.js';
import type { Signals } from './transferProver.js';
import { withFingerprint } from './updateProver.js';

const MAX_AMOUNT = 2n ** 128n - 1n;
const ASSETS = [0, 7, 9];

/** A value near or far: what off-by-one, wrap-around and width mistakes let through. */
export function nearby(random: Random, value: bigint): bigint {
  const candidates = [
    value + 1n,
    value - 1n,
    0n,
    1n,
    -value,
    value + 2n ** 32n,
    value + 2n ** 248n,
    value + SUBGROUP_ORDER,
    random.below(FIELD_MODULUS),
  ];
  return ((candidates[random.int(candidates.length)]! % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;
}

/** The update's input with one place of one signal altered or two places exchanged; half of them with a fingerprint that fits. */
export function mutatedUpdate(random: Random, id: number, honest: Signals): Signals {
  const names = Object.keys(honest).filter((name) => !['h', 'z', 'y'].includes(name));
  const name = random.int(8) === 0 ? (['h', 'z', 'y'] as const)[random.int(3)]! : names[random.int(names.length)]!;
  const flat: bigint[] = [];
  collect(honest[name], flat);
  const at = random.int(flat.length);
  const other = random.int(flat.length);
  const changed = [...flat];
  if (random.int(4) === 0) [changed[at], changed[other]] = [flat[other]!, flat[at]!];
  else changed[at] = nearby(random, flat[at]!);
  const mutant = { ...honest, [name]: rebuild(honest[name], changed) };
  return random.int(2) === 0 && !['h', 'z', 'y'].includes(name) ? withFingerprint(id, mutant) : mutant;
}

function collect(value: unknown, into: bigint[]): void {
  if (Array.isArray(value)) for (const item of value) collect(item, into);
  else into.push(value as bigint);
}

function rebuild(shape: unknown, values: bigint[]): unknown {
  return Array.isArray(shape) ? shape.map((item) => rebuild(item, values)) : values.shift();
}

/** A transfer that balances, of any shape: dummies, swaps, edges of the widths, withdrawals and fees. */
export function honestTerms(random: Random): Terms {
  const amount = (): bigint => [0n, 1n, random.below(1000n), random.below(2n ** 90n), MAX_AMOUNT][random.int(5)]!;
  const [one, two] = [ASSETS[random.int(3)]!, ASSETS[random.int(3)]!];
  const values: [bigint, bigint] = [amount(), amount()];
  // Each input is split among an output of its asset and, at random, withdrawal or fee.
  const withdrawn = values[0] === 0n ? 0n : random.below(values[0] + 1n);
  const paid = values[1] === 0n ? 0n : random.below(values[1] < 2n ** 96n ? values[1] + 1n : 2n ** 96n);
  const [withdraws, pays] = [random.int(2) === 1, random.int(2) === 1];
  return {
    inputs: [
      { asset: one, value: values[0] },
      { asset: two, value: values[1] },
    ],
    outputs: [
      { asset: one, value: withdraws ? values[0] - withdrawn : values[0] },
      { asset: two, value: pays ? values[1] - paid : values[1] },
    ],
    ...(withdraws && withdrawn > 0n ? { withdrawal: { asset: one, value: withdrawn } } : {}),
    ...(pays && paid > 0n ? { fee: { asset: two, value: paid } } : {}),
  };
}

/** A transfer with one lie in it, signed as it stands. */
export function mutatedTransfer(random: Random, label: string): TransferWitness {
  const terms = honestTerms(random);
  const w = world(label, terms);
  const [note] = w.notes;
  const [output] = w.outputs;
  const integer = (value: number): number => [value + 1, 0, 7, 9, 2 ** 32 - 1][random.int(5)]!;
  const lies: (() => Parameters<typeof witness>[2])[] = [
    () => ({ inputs: [{ value: nearby(random, note.value) }, {}] }),
    () => ({ inputs: [{ asset: integer(note.asset) }, {}] }),
    () => ({ inputs: [{ nPrime: nearby(random, note.nPrime) }, {}] }),
    () => ({ inputs: [{ position: nearby(random, note.position) % 2n ** 40n }, {}] }),
    () => ({ inputs: [{ path: w.tree.path(note.position).map((row, level) => (level === 3 ? row.map((node) => node + 1n) : row)) }, {}] }),
    () => ({ inputs: [{ APrime: w.notes[1].oneTime.APrime }, {}] }),
    () => ({ outputs: [{ value: output.value + 1n }, {}] }),
    () => ({ outputs: [{ value: nearby(random, output.value) % 2n ** 130n }, {}] }),
    () => ({ outputs: [{ asset: integer(output.asset) }, {}] }),
    () => ({ record: { nf1: nearby(random, 5n) % 2n ** 248n } }),
    () => ({ record: { cm2: nearby(random, 5n) } }),
    () => ({ record: { fee: random.below(2n ** 96n), feeAsset: integer(0) } }),
    () => ({ record: { outValue: 1n + random.below(2n ** 128n - 1n), outAsset: integer(0), recipient: `0x${'ab'.repeat(20)}` } }),
  ];
  return witness(w, terms, lies[random.int(lies.length)]!());
}
