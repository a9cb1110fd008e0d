/**
 * From constraints and toxic waste to the scalars behind every point of a Groth16 proving key.
 *
 * 1. L_c(τ), the Lagrange basis over the n-th roots of unity at τ, for every row c.
 * 2. A_s, B_s, C_s = Σ coefficient · L_c(τ) over the uses of wire s. Rows are the m constraints and, behind them,
 *    snarkjs' identity rows: row m + s says A = wire s, for every public wire s.
 * 3. K_s = β·A_s + α·B_s + C_s, over γ for public wires (the verifying key's points), over δ for the others.
 * 4. H_i = M_(2i+1)(τ)/δ with M the Lagrange basis over the 2n-th roots: the prover evaluates A·B − C, which vanishes
 *    on the n-th roots, at the odd ones only.
 *
 * All of it runs on the engine's kernels and threads; each thread sums its share of the rows, then the shares are added.
 * The readable twin, on bigints, is reference.ts. Source: Groth, "On the Size of Pairing-based Non-interactive
 * Arguments" (2016); snarkjs' zkey layout.
 */
import { TacitError } from '../../protocol/errors.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { inverseModulo, PACKED_BYTES, powerModulo } from '../../prover/engine/field/parameters.js';
import { rootOfUnity } from '../../prover/engine/groth16/key.js';
import type { Task } from '../../prover/engine/pool/task.js';
import { COEFFICIENT_BYTES, MATRICES, TERM_BYTES } from '../../prover/engine/setup/kernels.js';
import { readSections, requireSection } from '../binfile.js';
import { R1cs } from '../r1cs.js';
import { COUNT_BYTES, type KeyMemory, type KeyShape } from './keyMemory.js';
import type { ToxicWaste } from './toxicWaste.js';

const R = FIELD_MODULUS;
const SECTION_CONSTRAINTS = 2;
/** Values in a zkey's coefficients carry the factor (2^256)², the square of the files' Montgomery radix. */
const COEFFICIENT_FACTOR = powerModulo(2n, 512n, R);
/** The Lagrange bases are wanted before anything else. */
const PRIORITY = 1;

/** All rows of a circuit in the form of r1cs files. */
export interface Rows {
  readonly shape: KeyShape;
  readonly constraints: Uint8Array;
  readonly identity: Uint8Array;
}

/** @throws TacitError FILE_FORMAT */
export function readRows(r1csBytes: Uint8Array): Rows {
  const { header } = new R1cs(r1csBytes);
  const publicWires = header.publicInputs + header.outputs + 1;
  const section = requireSection(readSections(r1csBytes, 'r1cs'), SECTION_CONSTRAINTS, 'r1cs');
  const constraints = r1csBytes.subarray(section.offset, section.offset + section.length);
  assertWires(constraints, header.constraints, header.wires);
  if (publicWires > header.wires) throw wireCount(header.wires, publicWires - 1);
  const identity = identityRows(publicWires);
  const [whole] = splitRows(constraints, header.constraints, 1) as [Share];
  return {
    shape: {
      wires: header.wires,
      publicInputs: publicWires - 1,
      constraints: header.constraints,
      domainSize: 2 ** Math.ceil(Math.log2(header.constraints + publicWires)),
      rowsBytes: constraints.length + identity.length,
      coefficients: whole.coefficients + publicWires,
    },
    constraints,
    identity,
  };
}

/** The kernels take a wire as the place of its sum: one that does not exist would be another array's. */
function assertWires(bytes: Uint8Array, rows: number, wires: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  for (let combination = 0; combination < MATRICES * rows; combination++) {
    const terms = view.getUint32(offset, true);
    offset += 4;
    for (let term = 0; term < terms; term++, offset += TERM_BYTES) {
      const wire = view.getUint32(offset, true);
      if (wire >= wires) throw wireCount(wires, wire);
    }
  }
}

function wireCount(wires: number, wire: number): TacitError {
  return new TacitError('FILE_FORMAT', 'r1cs file names a wire that does not exist', { expected: `a wire below ${wires}`, got: `${wire}` });
}

/** Row s: one term, wire s with coefficient 1, in A; nothing in B and C. */
function identityRows(publicWires: number): Uint8Array {
  const rowBytes = MATRICES * 4 + TERM_BYTES;
  const bytes = new Uint8Array(publicWires * rowBytes);
  const view = new DataView(bytes.buffer);
  for (let s = 0; s < publicWires; s++) {
    view.setUint32(s * rowBytes, 1, true);
    view.setUint32(s * rowBytes + 4, s, true);
    view.setUint32(s * rowBytes + 8, 1, true);
  }
  return bytes;
}

/** Consecutive rows: where they begin, how many there are, and how many terms of A and B they have. */
interface Share {
  readonly offset: number;
  readonly firstRow: number;
  readonly rows: number;
  readonly firstCoefficient: number;
  readonly coefficients: number;
}

/** Cuts rows into shares of about equal bytes. */
function splitRows(bytes: Uint8Array, rows: number, count: number): Share[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shares: Share[] = [];
  let [offset, coefficients] = [0, 0];
  let start = { offset, row: 0, coefficients };
  for (let row = 0; row < rows; row++) {
    for (let matrix = 0; matrix < MATRICES; matrix++) {
      const terms = view.getUint32(offset, true);
      if (matrix < MATRICES - 1) coefficients += terms;
      offset += 4 + terms * TERM_BYTES;
    }
    if (row < rows - 1 && offset < (bytes.length * (shares.length + 1)) / count) continue;
    const own = { rows: row + 1 - start.row, coefficients: coefficients - start.coefficients };
    shares.push({ offset: start.offset, firstRow: start.row, firstCoefficient: start.coefficients, ...own });
    start = { offset, row: row + 1, coefficients };
  }
  return shares;
}

/** Leaves all scalars and the coefficient section in the memory. */
export async function computeScalars(memory: KeyMemory, { constraints, identity }: Rows, waste: ToxicWaste): Promise<void> {
  const { places, shape } = memory;
  memory.bytes(places.rows, constraints.length).set(constraints);
  memory.bytes(places.rows + constraints.length, identity.length).set(identity);
  const odd = memory.run(oddLagrange(memory, waste));
  try {
    await memory.run(lagrange(memory, waste), PRIORITY);
    await memory.run(sumRows(memory), PRIORITY);
    for (let i = 1; i < places.sums.length; i++) await memory.run(addShare(memory, i), PRIORITY);
    await memory.run(combine(memory, waste), PRIORITY);
  } finally {
    await odd;
  }
  const count = new DataView(new ArrayBuffer(COUNT_BYTES));
  count.setUint32(0, shape.coefficients, true);
  memory.bytes(places.coefficients, COUNT_BYTES).set(new Uint8Array(count.buffer));
}

interface Basis {
  readonly at: number;
  readonly differences: number;
  readonly first: bigint;
  readonly ratio: bigint;
  /** τ, scale, scale·τ. */
  readonly constants: number;
}

/** The kernel call for elements [from, from + count) of a Lagrange basis. */
function basisCalls(memory: KeyMemory, basis: Basis, ratioAt: number, from: number, count: number, piece: number) {
  const { elementBytes } = memory;
  memory.element(piece, (basis.first * powerModulo(basis.ratio, BigInt(from), R)) % R);
  const skip = from * elementBytes;
  const own = [basis.differences + skip, piece + elementBytes] as const;
  return [['setup_lagrange', basis.at + skip, count, piece, ratioAt, basis.constants, ...own] as const];
}

/** L_c(τ) = ω^c·(τ^n − 1) / (n·(τ − ω^c)), with one Montgomery factor more than elements have. */
function lagrange(memory: KeyMemory, waste: ToxicWaste): Task[] {
  const { places, shape, elementBytes } = memory;
  const ratio = rootOfUnity(Math.log2(shape.domainSize));
  const scale = lagrangeScale(waste.tau, shape.domainSize);
  const constants = memory.constants(waste.tau, scale, (scale * waste.tau) % R);
  for (const i of [1, 2]) memory.enterAgain(constants + i * elementBytes);
  const basis = { at: places.lagrange, differences: places.differences[0], first: 1n, ratio, constants };
  const ratioAt = memory.constants(ratio);
  return memory.pieces(shape.domainSize, 0, (from, count, piece) => basisCalls(memory, basis, ratioAt, from, count, piece));
}

/** M_(2i+1)(τ)/δ as integers. */
function oddLagrange(memory: KeyMemory, waste: ToxicWaste): Task[] {
  const { places, shape, elementBytes } = memory;
  const first = rootOfUnity(Math.log2(2 * shape.domainSize));
  const ratio = (first * first) % R;
  const scale = (lagrangeScale(waste.tau, 2 * shape.domainSize) * inverseModulo(waste.delta, R)) % R;
  const constants = memory.constants(waste.tau, scale, (scale * waste.tau) % R);
  const basis = { at: places.odd, differences: places.differences[1], first, ratio, constants };
  const ratioAt = memory.constants(ratio);
  return memory.pieces(shape.domainSize, 1, (from, count, piece) => [
    ...basisCalls(memory, basis, ratioAt, from, count, piece),
    ['r_packMany', places.scalars.h + from * PACKED_BYTES, places.odd + from * elementBytes, count],
  ]);
}

/** (τ^n − 1)/n */
function lagrangeScale(tau: bigint, n: number): bigint {
  return ((powerModulo(tau, BigInt(n), R) + R - 1n) * inverseModulo(BigInt(n), R)) % R;
}

/** One share of the rows for each thread, the identity rows with the first one. */
function sumRows(memory: KeyMemory): Task[] {
  const { places, shape, elementBytes } = memory;
  const publicWires = shape.publicInputs + 1;
  const identityBytes = publicWires * (MATRICES * 4 + TERM_BYTES);
  const factor = memory.constants(COEFFICIENT_FACTOR);
  memory.enterAgain(factor);
  const shares = splitRows(memory.bytes(places.rows, shape.rowsBytes - identityBytes), shape.constraints, memory.threads);
  const identity: Share = {
    offset: shape.rowsBytes - identityBytes,
    firstRow: shape.constraints,
    rows: publicWires,
    firstCoefficient: shape.coefficients - publicWires,
    coefficients: publicWires,
  };
  const callFor = (share: Share, thread: number) =>
    [
      'setup_rows',
      places.rows + share.offset,
      share.rows,
      share.firstRow,
      places.lagrange + share.firstRow * elementBytes,
      places.sums[thread] as number,
      shape.wires * elementBytes,
      places.coefficients + COUNT_BYTES + share.firstCoefficient * COEFFICIENT_BYTES,
      factor,
      (places.pieces[thread] as number) + elementBytes,
    ] as const;
  return shares.map((share, thread) => ({
    type: 'calls',
    calls: thread === 0 ? [callFor(share, 0), callFor(identity, 0)] : [callFor(share, thread)],
  }));
}

/** Adds another thread's sums to the first one's. */
function addShare(memory: KeyMemory, share: number): Task[] {
  const [to, from] = [memory.places.sums[0] as number, memory.places.sums[share] as number];
  return memory.pieces(MATRICES * memory.shape.wires, 0, (first, count) => [
    ['setup_addMany', to + first * memory.elementBytes, from + first * memory.elementBytes, count],
  ]);
}

/** The integers A_s, B_s and K_s. */
function combine(memory: KeyMemory, waste: ToxicWaste): Task[] {
  const { places, shape, elementBytes } = memory;
  const publicWires = shape.publicInputs + 1;
  const sums = places.sums[0] as number;
  const matrixBytes = shape.wires * elementBytes;
  const over = (divisor: bigint): number => {
    const inverse = inverseModulo(divisor, R);
    return memory.constants((waste.beta * inverse) % R, (waste.alpha * inverse) % R, inverse);
  };
  const [overGamma, overDelta] = [over(waste.gamma), over(waste.delta)];
  const pack = (to: number, matrix: number, from: number, count: number) =>
    ['r_packMany', to + from * PACKED_BYTES, sums + matrix * matrixBytes + from * elementBytes, count] as const;
  const scratch = (piece: number): number => piece + elementBytes;
  return [
    {
      type: 'calls',
      calls: [['setup_combine', places.scalars.ic, sums, matrixBytes, publicWires, overGamma, scratch(places.pieces.at(-1) as number)]],
    },
    ...memory.pieces(shape.wires, 0, (from, count) => [pack(places.scalars.a, 0, from, count), pack(places.scalars.b, 1, from, count)]),
    ...memory.pieces(shape.wires - publicWires, 0, (from, count, piece) => [
      [
        'setup_combine',
        places.scalars.k + from * PACKED_BYTES,
        sums + (publicWires + from) * elementBytes,
        matrixBytes,
        count,
        overDelta,
        scratch(piece),
      ],
    ]),
  ];
}
