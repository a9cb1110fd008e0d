/**
 * From constraints and toxic waste to the scalars behind every point of a Groth16 proving key.
 *
 * 1. L_c(τ), the Lagrange basis over the n-th roots of unity at τ, for every constraint c.
 * 2. A_s, B_s, C_s = Σ coefficient · L_c(τ) over the uses of wire s; snarkjs' identity rows add L_(m+s)(τ) to A_s for
 *    every public wire s, behind the m constraints.
 * 3. K_s = β·A_s + α·B_s + C_s, over γ for public wires (the verifying key's points), over δ for the others.
 * 4. H_i = M_(2i+1)(τ)/δ with M the Lagrange basis over the 2n-th roots: the prover evaluates A·B − C, which vanishes
 *    on the n-th roots, at the odd ones only.
 *
 * The sums over coefficients (up to millions) run on wasmcurves' Montgomery arithmetic, the rest on bigints.
 * Source: Groth, "On the Size of Pairing-based Non-interactive Arguments" (2016); snarkjs' zkey layout.
 */
import { FIELD_MODULUS } from '../../protocol/field.js';
import { readSections, readUint256, requireSection, writeUint256 } from '../binfile.js';
import { R1cs } from '../r1cs.js';
import { SCALAR_BYTES } from './bn254.js';
import type { ToxicWaste } from './toxicWaste.js';

const R = FIELD_MODULUS;
/** 5^((r−1)/2^28) is a generator of the largest power-of-two subgroup, and the one that snarkjs' transforms use. */
const TWO_ADICITY = 28;
const NON_RESIDUE = 5n;
const MONTGOMERY = 1n << 256n;
const PAGE_BYTES = 65536;
const SECTION_CONSTRAINTS = 2;
/** Bytes of one coefficient in a zkey: matrix u32, constraint u32, wire u32, value. */
const COEFFICIENT_BYTES = 12 + SCALAR_BYTES;

/** Scalars are 32 bytes each, little-endian, canonical. */
export interface KeyScalars {
  readonly wires: number;
  readonly publicInputs: number;
  readonly constraints: number;
  readonly domainSize: number;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  /** K of wires 0..publicInputs. */
  readonly ic: Uint8Array;
  /** K of the remaining wires. */
  readonly k: Uint8Array;
  readonly h: Uint8Array;
  /** Contents of the zkey's coefficient section. */
  readonly coefficients: Uint8Array;
}

type Fn = (...pointers: number[]) => void;

export async function keyScalars(r1csBytes: Uint8Array, waste: ToxicWaste, curveCode: Uint8Array): Promise<KeyScalars> {
  const { header } = new R1cs(r1csBytes);
  const publicWires = header.publicInputs + header.outputs + 1;
  const rows = header.constraints + publicWires;
  const domainSize = 2 ** Math.ceil(Math.log2(rows));
  const lagrange = lagrangeAt(waste.tau, domainSize);
  const sums = await sumCoefficients(r1csBytes, header, publicWires, lagrange, curveCode);

  const ic = new DataView(new ArrayBuffer(publicWires * SCALAR_BYTES));
  const k = new DataView(new ArrayBuffer((header.wires - publicWires) * SCALAR_BYTES));
  const [aView, bView, cView] = [sums.a, sums.b, sums.c].map((bytes) => new DataView(bytes.buffer)) as [DataView, DataView, DataView];
  const [perGamma, perDelta] = [inverse(waste.gamma), inverse(waste.delta)];
  for (let s = 0; s < header.wires; s++) {
    const at = s * SCALAR_BYTES;
    let a = readUint256(aView, at);
    if (s < publicWires) {
      a = (a + lagrange[header.constraints + s]!) % R;
      writeUint256(aView, at, a);
    }
    const sum = (waste.beta * a + waste.alpha * readUint256(bView, at) + readUint256(cView, at)) % R;
    if (s < publicWires) writeUint256(ic, at, (sum * perGamma) % R);
    else writeUint256(k, at - publicWires * SCALAR_BYTES, (sum * perDelta) % R);
  }
  return {
    wires: header.wires,
    publicInputs: publicWires - 1,
    constraints: header.constraints,
    domainSize,
    a: sums.a,
    b: sums.b,
    ic: new Uint8Array(ic.buffer),
    k: new Uint8Array(k.buffer),
    h: oddLagrange(waste, domainSize, perDelta),
    coefficients: sums.coefficients,
  };
}

/** ω^i·(τ^n − 1) / (n·(τ − ω^i)) for all i < n. */
function lagrangeAt(tau: bigint, n: number): bigint[] {
  const root = rootOfUnity(n);
  const scale = (sub(power(tau, BigInt(n)), 1n) * inverse(BigInt(n))) % R;
  const points = powers(root, n);
  const inverses = invertAll(points.map((point) => sub(tau, point)));
  return points.map((point, i) => (((point * scale) % R) * inverses[i]!) % R);
}

/** M_(2i+1)(τ)/δ, as bytes. */
function oddLagrange(waste: ToxicWaste, n: number, perDelta: bigint): Uint8Array {
  const root = rootOfUnity(2 * n);
  const square = (root * root) % R;
  const scale = (((sub(power(waste.tau, BigInt(2 * n)), 1n) * inverse(BigInt(2 * n))) % R) * perDelta) % R;
  const points = powers(square, n).map((point) => (point * root) % R);
  const inverses = invertAll(points.map((point) => sub(waste.tau, point)));
  const view = new DataView(new ArrayBuffer(n * SCALAR_BYTES));
  points.forEach((point, i) => {
    writeUint256(view, i * SCALAR_BYTES, (((point * scale) % R) * inverses[i]!) % R);
  });
  return new Uint8Array(view.buffer);
}

interface Sums {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly c: Uint8Array;
  readonly coefficients: Uint8Array;
}

/** Steps 2 and the coefficient section, in one pass over the constraints. */
async function sumCoefficients(
  r1csBytes: Uint8Array,
  header: { wires: number; constraints: number },
  publicWires: number,
  lagrange: readonly bigint[],
  curveCode: Uint8Array,
): Promise<Sums> {
  const section = requireSection(readSections(r1csBytes, 'r1cs'), SECTION_CONSTRAINTS, 'r1cs');
  const accumulatorBytes = header.wires * SCALAR_BYTES;
  const lagrangeBytes = header.constraints * SCALAR_BYTES;
  // A coefficient takes 36 bytes in the r1cs and 44 in the zkey.
  const outputBytes = Math.ceil((section.length / (4 + SCALAR_BYTES)) * COEFFICIENT_BYTES) + publicWires * COEFFICIENT_BYTES;
  const total = 3 * accumulatorBytes + lagrangeBytes + section.length + outputBytes;
  const memory = new WebAssembly.Memory({ initial: 64 + Math.ceil(total / PAGE_BYTES) });
  const { instance } = await WebAssembly.instantiate(curveCode.slice(), { env: { memory } });
  const { frm_mul: mul, frm_add: add } = instance.exports as unknown as { frm_mul: Fn; frm_add: Fn };
  const view = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);

  let next = Math.ceil(view.getUint32(0, true) / 8) * 8;
  const take = (size: number): number => {
    const at = next;
    next += Math.ceil(size / 8) * 8;
    return at;
  };
  const product = take(SCALAR_BYTES);
  const rCubed = take(SCALAR_BYTES);
  const accumulators = [take(accumulatorBytes), take(accumulatorBytes), take(accumulatorBytes)] as const;
  const lagrangeAtPointer = take(lagrangeBytes);
  const input = take(section.length);
  const output = take(outputBytes);

  writeUint256(view, rCubed, MONTGOMERY ** 3n % R);
  for (let c = 0; c < header.constraints; c++) writeUint256(view, lagrangeAtPointer + c * SCALAR_BYTES, (lagrange[c]! * MONTGOMERY) % R);
  bytes.set(r1csBytes.subarray(section.offset, section.offset + section.length), input);

  let from = input;
  let to = output + 4;
  const putCoefficient = (matrix: number, row: number, wire: number): number => {
    view.setUint32(to, matrix, true);
    view.setUint32(to + 4, row, true);
    view.setUint32(to + 8, wire, true);
    to += COEFFICIENT_BYTES;
    return to - SCALAR_BYTES;
  };
  for (let c = 0; c < header.constraints; c++) {
    const basis = lagrangeAtPointer + c * SCALAR_BYTES;
    for (let matrix = 0; matrix < 3; matrix++) {
      const accumulator = accumulators[matrix]!;
      let terms = view.getUint32(from, true);
      from += 4;
      for (; terms > 0; terms--, from += 4 + SCALAR_BYTES) {
        const wire = view.getUint32(from, true);
        const slot = accumulator + wire * SCALAR_BYTES;
        // Plain times Montgomery gives plain.
        mul(from + 4, basis, product);
        add(slot, product, slot);
        if (matrix < 2) mul(from + 4, rCubed, putCoefficient(matrix, c, wire)); // zkey values carry the factor R²
      }
    }
  }
  const one = MONTGOMERY ** 2n % R;
  for (let s = 0; s < publicWires; s++) writeUint256(view, putCoefficient(0, header.constraints + s, s), one);
  view.setUint32(output, (to - output - 4) / COEFFICIENT_BYTES, true);

  const copy = (at: number, size: number): Uint8Array => bytes.slice(at, at + size);
  return {
    a: copy(accumulators[0], accumulatorBytes),
    b: copy(accumulators[1], accumulatorBytes),
    c: copy(accumulators[2], accumulatorBytes),
    coefficients: copy(output, to - output),
  };
}

function rootOfUnity(n: number): bigint {
  const generator = power(NON_RESIDUE, (R - 1n) >> BigInt(TWO_ADICITY));
  return power(generator, BigInt(2 ** TWO_ADICITY / n));
}

function powers(base: bigint, count: number): bigint[] {
  const result: bigint[] = [];
  for (let i = 0, x = 1n; i < count; i++, x = (x * base) % R) result.push(x);
  return result;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base % R, e = exponent; e > 0n; e >>= 1n, b = (b * b) % R) if (e & 1n) result = (result * b) % R;
  return result;
}

function inverse(x: bigint): bigint {
  return power(x, R - 2n);
}

function sub(x: bigint, y: bigint): bigint {
  return x >= y ? x - y : x - y + R;
}

/** Montgomery's trick; no element is zero because τ is no root of unity. */
function invertAll(values: readonly bigint[]): bigint[] {
  const prefix: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    prefix.push(product);
    product = (product * value) % R;
  }
  const result = new Array<bigint>(values.length);
  let rest = inverse(product);
  for (let i = values.length - 1; i >= 0; i--) {
    result[i] = (rest * prefix[i]!) % R;
    rest = (rest * values[i]!) % R;
  }
  return result;
}
