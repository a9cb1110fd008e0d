/**
 * A18: BitsAtMost, tried on small constants with every assignment of its bits: the constraints admit the bits of the numbers
 * up to the constant and nothing else. Then the two constants in use, at their edges.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { SUBGROUP_ORDER } from '../../protocol/babyjubjub.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { fromFiles, type LoadedCircuit } from './helpers/circuit.js';
import { compileSmall } from './helpers/smallCircuit.js';

/** Even and odd, ends of zeros and of ones, nothing but ones, one bit. */
const SMALL = [1n, 2n, 5n, 6n, 7n, 10n, 11n, 12n, 13n, 15n, 16n, 19n, 21n, 26n];
const widthOf = (max: bigint): number => max.toString(2).length;
const SOURCE = `
pragma circom 2.1.6;
include "../lib/constants.circom";
include "../lib/bits_at_most.circom";

template Small() {
    signal input in[${SMALL.length}];
    signal input scalar;
    signal input digest;
${SMALL.map((max, i) => `    component part${i} = BitsAtMost(${widthOf(max)}, ${max}); part${i}.in <== in[${i}];`).join('\n')}
    component scalarBits = BitsAtMost(251, SUBGROUP_ORDER_MINUS_ONE());
    component digestBits = BitsAtMost(254, -1);
    scalarBits.in <== scalar;
    digestBits.in <== digest;
}
component main = Small();
`;

let circuit: LoadedCircuit;
let honest: bigint[];
/** Constraints that mention a part's wires. */
let constraintsOf: Map<string, Set<number>>;
beforeAll(async () => {
  const { r1csPath, wasmPath, symPath } = await compileSmall(SOURCE);
  circuit = fromFiles(r1csPath, wasmPath, symPath);
  honest = await circuit.witness({ in: SMALL.map(() => 0n), scalar: 0n, digest: 0n });
  constraintsOf = new Map();
  for (let wire = 1; wire < honest.length; wire++) {
    for (const name of circuit.names(wire)) {
      const part = name.split('.')[0] as string;
      constraintsOf.set(part, new Set([...(constraintsOf.get(part) ?? []), ...circuit.r1cs.uses(wire)]));
    }
  }
});

/** The witness in which one part reads `value` as these bits, its products computed as the template does. */
function readAs(part: string, max: bigint, input: string, value: bigint, bits: readonly bigint[]): bigint[] {
  const forged = [...honest];
  const set = (name: string, to: bigint) => {
    const wire = circuit.wire(name);
    if (wire !== undefined) forged[wire] = ((to % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;
  };
  set(input, value);
  set(`${part}.in`, value);
  let equal = 1n;
  for (let i = bits.length - 1; i >= 0; i--) {
    set(`${part}.bit[${i}]`, bits[i] as bigint);
    if ((max >> BigInt(i)) & 1n) equal = (equal * (bits[i] as bigint)) % FIELD_MODULUS;
    set(`${part}.equal[${i}]`, equal);
  }
  return forged;
}

/** Every constraint of the part, and of its input, is content. */
function holds(part: string, input: string, witness: readonly bigint[]): boolean {
  const mentioned = [...(constraintsOf.get(part) ?? []), ...circuit.r1cs.uses(circuit.wire(input) as number)];
  expect(mentioned.length).toBeGreaterThan(0);
  return circuit.r1cs.firstBroken(witness, mentioned) === -1;
}
const bitsOf = (value: bigint, count: number): bigint[] => Array.from({ length: count }, (_, i) => (value >> BigInt(i)) & 1n);
const sumOf = (bits: readonly bigint[]): bigint => bits.reduce((sum, bit, i) => sum + bit * 2n ** BigInt(i), 0n);

describe('A18: BitsAtMost', () => {
  it.each(SMALL.map((max, i) => [max, i] as const))(
    'A18: every assignment of 0, 1, 2 and −1 to the bits of a number up to %s → only the bits of such numbers hold',
    (max, i) => {
      const width = widthOf(max);
      const admitted: bigint[] = [];
      for (let choice = 0; choice < 4 ** width; choice++) {
        const bits = Array.from({ length: width }, (_, k) => ([0n, 1n, 2n, -1n] as const)[(choice >> (2 * k)) & 3] as bigint);
        const value = sumOf(bits);
        if (holds(`part${i}`, `in[${i}]`, readAs(`part${i}`, max, `in[${i}]`, value, bits))) {
          expect(bits).toEqual(bitsOf(value, width));
          admitted.push(value);
        }
      }
      expect(admitted.sort((a, b) => Number(a - b))).toEqual(Array.from({ length: Number(max) + 1 }, (_, k) => BigInt(k)));
    },
  );

  it.each([
    ['scalar', 'scalarBits', SUBGROUP_ORDER - 1n, 251],
    ['digest', 'digestBits', FIELD_MODULUS - 1n, 254],
  ] as const)('A2: bits of a %s beyond its constant → hold no more', (input, part, max, width) => {
    const tops = [0n, 1n, max - 1n, max];
    for (let i = 0n; i < BigInt(width); i++) {
      // The prefix of the constant down to bit i, with zeros and with ones behind it: below or equal, and beyond where it can be.
      const prefix = (max >> i) << i;
      tops.push(prefix, prefix + 2n ** i - 1n, prefix - 1n);
    }
    const beyond = (value: bigint): boolean => value > max;
    let refused = 0;
    for (const value of [...tops, max + 1n, max + 2n, 2n ** BigInt(width) - 1n]) {
      if (value < 0n || value >= 2n ** BigInt(width)) continue;
      const good = holds(part, input, readAs(part, max, input, value, bitsOf(value, width)));
      expect(good, value.toString(16)).toBe(!beyond(value));
      if (!good) refused++;
    }
    expect(refused).toBeGreaterThan(width / 4);
  });

  it('A18 honest: the calculator gives the bits of the largest numbers, and stops at the next', async () => {
    const largest = { in: SMALL, scalar: SUBGROUP_ORDER - 1n, digest: FIELD_MODULUS - 1n };
    const witness = await circuit.witness(largest);
    expect(circuit.r1cs.firstBroken(witness)).toBe(-1);
    await expect(circuit.witness({ ...largest, scalar: SUBGROUP_ORDER })).rejects.toMatchObject({ code: 'WITNESS_ASSERTION' });
    for (const [i, max] of SMALL.entries()) {
      const next = SMALL.map((value, k) => (k === i ? max + 1n : value));
      await expect(circuit.witness({ ...largest, in: next })).rejects.toMatchObject({ code: 'WITNESS_ASSERTION' });
    }
  });
});
