/** The development set-up on the engine's kernels against its readable twin, on small circuits of random constraints. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileHeader, readSections, readUint256, sectionHeader, writeUint256 } from '../../circuits/binfile.js';
import { R1cs } from '../../circuits/r1cs.js';
import { DEV_KEY_MARK, insecureDevSetup } from '../../circuits/setup/insecureDevSetup.js';
import { readRows } from '../../circuits/setup/qap.js';
import { referenceScalars } from '../../circuits/setup/reference.js';
import { insecureDevWaste } from '../../circuits/setup/toxicWaste.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { BASE_FIELD, FILE_MONTGOMERY_BITS } from '../../prover/engine/field/parameters.js';
import { multiple, type Point } from '../../prover/engine/reference/curve.js';
import { seeded } from '../engine/harness.js';
import { GENERATORS } from '../engine/points.js';
import { codeOf } from '../protocol/arbitraries.js';

const SEED = 20261121;
const WIRES = 9;
const PUBLIC_WIRES = 3;

type Terms = [wire: number, coefficient: bigint][];

/** Little-endian bytes of one linear combination in the r1cs format. */
function combination(terms: Terms): Uint8Array {
  const bytes = new Uint8Array(4 + terms.length * 36);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, terms.length, true);
  terms.forEach(([wire, coefficient], i) => {
    view.setUint32(4 + 36 * i, wire, true);
    writeUint256(view, 8 + 36 * i, coefficient);
  });
  return bytes;
}

function r1csFile(constraints: Terms[][]): Uint8Array {
  const head = new Uint8Array(64);
  const view = new DataView(head.buffer);
  view.setUint32(0, 32, true);
  writeUint256(view, 4, FIELD_MODULUS);
  [WIRES, 0, PUBLIC_WIRES - 1, WIRES - PUBLIC_WIRES, WIRES, 0, constraints.length].forEach((word, i) => {
    view.setUint32(36 + 4 * i, word, true);
  });
  const body = Buffer.concat(constraints.flat().map(combination));
  const labels = new Uint8Array(8 * WIRES);
  const sections = [head, body, labels].flatMap((content, i) => [sectionHeader(i + 1, content.length), content]);
  return Buffer.concat([fileHeader('r1cs', 1, 3), ...sections]);
}

/** Constraints with empty combinations, a wire in every row, zero and extreme coefficients, and a wire in none. */
function constraintsOf(count: number): Terms[][] {
  const next = seeded(SEED + count);
  const coefficient = (): bigint => [0n, 1n, FIELD_MODULUS - 1n, next(FIELD_MODULUS)][Number(next(4n))]!;
  const terms = (): Terms => Array.from({ length: Number(next(4n)) }, () => [Number(next(BigInt(WIRES - 1))), coefficient()]);
  return Array.from({ length: count }, () => [[[1, 1n], ...terms()], terms(), terms()]);
}

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tacit-setup-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A point in the form of zkey files. */
function toFile(point: Point, coordinates: number): bigint[] {
  if (!point) return new Array<bigint>(coordinates).fill(0n);
  return [...point.x, ...point.y].map((c) => (c << FILE_MONTGOMERY_BITS) % BASE_FIELD.prime);
}

describe.each([
  [1, 1],
  // Fills its domain exactly.
  [13, 3],
])('a development key of %i constraints by %i threads', (count, threads) => {
  it('has the points and coefficients of the readable twin', async () => {
    const [r1csPath, zkeyPath, vkeyPath] = ['r1cs', 'zkey', 'json'].map((end) => join(dir, `${count}-${threads}.${end}`)) as [
      string,
      string,
      string,
    ];
    const file = r1csFile(constraintsOf(count));
    await writeFile(r1csPath, file);
    const { domainSize, wires } = await insecureDevSetup({ circuit: 'small', r1csPath, zkeyPath, vkeyPath, threads });
    expect(domainSize).toBe(2 ** Math.ceil(Math.log2(count + PUBLIC_WIRES)));
    expect(wires).toBe(WIRES);

    const r1cs = new R1cs(file);
    const waste = insecureDevWaste('small', createHash('sha256').update(file).digest('hex'));
    const scalars = referenceScalars(r1cs, PUBLIC_WIRES, domainSize, waste);
    const zkey = await readFile(zkeyPath);
    const sections = readSections(zkey, 'zkey');
    const view = new DataView(zkey.buffer, zkey.byteOffset, zkey.byteLength);
    const integers = (section: number): bigint[] => {
      const { offset, length } = sections.get(section)!;
      return Array.from({ length: length / 32 }, (_, i) => readUint256(view, offset + 32 * i));
    };
    const lists = [
      [3, 'g1', scalars.ic],
      [5, 'g1', scalars.a],
      [6, 'g1', scalars.b],
      [7, 'g2', scalars.b],
      [8, 'g1', scalars.k],
      [9, 'g1', scalars.h],
    ] as const;
    for (const [section, curve, list] of lists) {
      const expected = list.flatMap((scalar) => toFile(multiple(GENERATORS[curve], scalar), curve === 'g1' ? 2 : 4));
      expect(integers(section), `section ${section}`).toEqual(expected);
    }
    expect(coefficients(view, sections.get(4)!.offset)).toEqual(expectedCoefficients(r1cs));
    expect(zkey.includes(Buffer.from(DEV_KEY_MARK))).toBe(true);
  });
});

type Coefficient = [matrix: number, row: number, wire: number, value: bigint];

function coefficients(view: DataView, at: number): Coefficient[] {
  return Array.from({ length: view.getUint32(at, true) }, (_, i) => {
    const [matrix, row, wire] = [0, 4, 8].map((skip) => view.getUint32(at + 4 + 44 * i + skip, true)) as [number, number, number];
    return [matrix, row, wire, readUint256(view, at + 16 + 44 * i)];
  });
}

/** snarkjs' order and form: value·2^512, and the identity rows of public wires behind the constraints. */
function expectedCoefficients(r1cs: R1cs): Coefficient[] {
  const value = (coefficient: bigint): bigint => (coefficient << 512n) % FIELD_MODULUS;
  const rows = Array.from({ length: r1cs.header.constraints }, (_, row) => {
    const { a, b } = r1cs.constraint(row);
    return [a, b].flatMap((terms, matrix) => terms.map(([wire, x]): Coefficient => [matrix, row, wire, value(x)]));
  });
  const identity = Array.from({ length: PUBLIC_WIRES }, (_, s): Coefficient => [0, r1cs.header.constraints + s, s, value(1n)]);
  return [...rows.flat(), ...identity];
}

it('a wire that does not exist is refused before anything is computed', () => {
  const rows = (wire: number): unknown => readRows(r1csFile([[[[1, 1n]], [[wire, 1n]], []]]));
  expect(() => rows(WIRES - 1)).not.toThrow();
  for (const wire of [WIRES, 2 ** 32 - 1]) expect(codeOf(() => rows(wire))).toBe('FILE_FORMAT');
});
