/**
 * Random small constraint systems with as many witnesses as wanted, written as .r1cs and .wtns without a compiler.
 *
 * Wires: 1, public inputs, private inputs, then one wire w for every constraint A·B = w + C of random sparse sums over
 * the wires before it: a witness follows from its inputs. Coefficients and inputs are small, edges of the field or random.
 * Sources: the iden3 r1cs and wtns file formats.
 */
import { fileHeader, sectionHeader, writeUint256 } from '../../circuits/binfile.js';
import { SCALAR_FIELD } from '../../prover/engine/field/parameters.js';

const { prime: r } = SCALAR_FIELD;
const FIELD_BYTES = 32;
const MOST_PUBLIC = 3;
const MOST_PRIVATE = 4;
const MOST_CONSTRAINTS = 60;
const MOST_TERMS = 4;
const EDGES = [0n, 1n, 2n, r - 1n, r - 2n, 1n << 253n, (r - 1n) / 2n];

/** Terms (wire, coefficient) of a sum. */
type Sum = readonly (readonly [wire: number, coefficient: bigint])[];

export interface RandomCircuit {
  readonly r1cs: Uint8Array;
  /** A fresh witness. */
  witness(): Uint8Array;
}

const bytesOf = (size: number, write: (view: DataView) => void): Uint8Array => {
  const view = new DataView(new ArrayBuffer(size));
  write(view);
  return new Uint8Array(view.buffer);
};
const integer = (value: bigint): Uint8Array => bytesOf(FIELD_BYTES, (view) => writeUint256(view, 0, value));
const words = (...values: number[]): Uint8Array =>
  bytesOf(4 * values.length, (view) => {
    values.forEach((value, i) => {
      view.setUint32(4 * i, value, true);
    });
  });

function binaryFile(type: string, version: number, sections: readonly Uint8Array[]): Uint8Array {
  const parts = sections.flatMap((section, i) => [sectionHeader(i + 1, section.length), section]);
  return new Uint8Array(Buffer.concat([fileHeader(type, version, sections.length), ...parts]));
}

export function randomCircuit(next: (limit: bigint) => bigint): RandomCircuit {
  const below = (limit: number): number => Number(next(BigInt(limit)));
  const value = (): bigint => {
    const kind = below(4);
    if (kind === 0) return EDGES[below(EDGES.length)] as bigint;
    return kind === 1 ? BigInt(below(2)) : next(r);
  };
  const publicInputs = 1 + below(MOST_PUBLIC);
  const privateInputs = 1 + below(MOST_PRIVATE);
  const inputs = 1 + publicInputs + privateInputs;
  const sum = (wires: number): Sum => Array.from({ length: below(MOST_TERMS + 1) }, () => [below(wires), value()] as const);
  const constraints = Array.from(
    { length: 1 + below(MOST_CONSTRAINTS) },
    (_, i) => [sum(inputs + i), sum(inputs + i), sum(inputs + i)] as const,
  );
  const wires = inputs + constraints.length;
  const evaluate = (terms: Sum, witness: readonly bigint[]): bigint =>
    terms.reduce((total, [wire, coefficient]) => (total + coefficient * (witness[wire] as bigint)) % r, 0n);
  return {
    r1cs: binaryFile('r1cs', 1, [
      Buffer.concat([words(FIELD_BYTES), integer(r), words(wires, 0, publicInputs, privateInputs, wires, 0, constraints.length)]),
      Buffer.concat(
        constraints.flatMap(([a, b, c], i) =>
          [a, b, [[inputs + i, 1n] as const, ...c.map(([wire, k]) => [wire, (r - k) % r] as const)]].map(encodeSum),
        ),
      ),
      bytesOf(8 * wires, (view) => {
        for (let wire = 0; wire < wires; wire++) view.setBigUint64(8 * wire, BigInt(wire), true);
      }),
    ]),
    witness: () => {
      const values = [1n, ...Array.from({ length: inputs - 1 }, value)];
      // A·B = w − C, as the constraint's third sum is w − C.
      for (const [a, b, c] of constraints) values.push((evaluate(a, values) * evaluate(b, values) + evaluate(c, values)) % r);
      return binaryFile('wtns', 2, [Buffer.concat([words(FIELD_BYTES), integer(r), words(wires)]), Buffer.concat(values.map(integer))]);
    },
  };
}

/** A sum with one term a wire, in the order of the wires. */
function encodeSum(terms: Sum): Uint8Array {
  const merged = new Map<number, bigint>();
  for (const [wire, coefficient] of terms) merged.set(wire, ((merged.get(wire) ?? 0n) + coefficient) % r);
  const sorted = [...merged].sort(([a], [b]) => a - b);
  return Buffer.concat([words(sorted.length), ...sorted.flatMap(([wire, coefficient]) => [words(wire), integer(coefficient)])]);
}
