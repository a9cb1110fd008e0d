/**
 * Loads a proving key into memory of its own, in the form the kernels want, and keeps it there.
 *
 * Bases at infinity (variables that a query does not use) are left out; an index list says which scalar belongs to
 * which base. File data passes through a small staging area, so loading needs little more than the key itself.
 */

import { compiledKernels } from '../compiled.js';
import { FILE_MONTGOMERY_BITS, inverseModulo, PACKED_BYTES, powerModulo, SCALAR_FIELD } from '../field/parameters.js';
import { type BackendName, encodeElement, powerOfTwo } from '../field/representation.js';
import { createInstance, createMemory, type Instance, kernel } from '../instance.js';
import { createPool, type Pool } from '../pool/pool.js';
import { BasesLoader } from './basesLoader.js';
import { type CoefficientScan, placeCoefficients, type SparseMatrix, scanCoefficients } from './coefficients.js';
import { BASE_NAMES, type BaseName, type Layout, planLayout, STAGING_SLOT_BYTES } from './layout.js';
import type { Zkey } from './zkey.js';

export interface LoadedKey {
  readonly zkey: Zkey;
  readonly layout: Layout;
  readonly instance: Instance;
  readonly pool: Pool;
  /** Bases kept of each kind. */
  readonly counts: Readonly<Record<BaseName, number>>;
}

/** The smallest non-residue of the scalar field: its power (r−1)/2^28 generates the domains, as in snarkjs. */
const NON_RESIDUE = 5n;
const TWO_ADICITY = 28n;

/** A root of unity of order 2^power. */
export function rootOfUnity(power: number): bigint {
  const { prime } = SCALAR_FIELD;
  const root = powerModulo(NON_RESIDUE, (prime - 1n) >> TWO_ADICITY, prime);
  return powerModulo(root, 1n << (TWO_ADICITY - BigInt(power)), prime);
}

/** Kernels are those of one backend for the key's whole life: its bases lie in memory in that backend's form. */
export async function loadKey(zkey: Zkey, threads: number, backend: BackendName): Promise<LoadedKey> {
  const coefficients = scanCoefficients(zkey);
  const { variables, publicInputs, domainSize } = zkey;
  const compiled = await compiledKernels(backend);
  const layout = planLayout(
    {
      variables,
      domainSize,
      entries: coefficients.totals,
      coefficientValues: coefficients.values.length / PACKED_BYTES,
      bases: { a: variables, b1: variables, b2: variables, c: variables - publicInputs - 1, h: domainSize },
      threads,
    },
    compiled.info,
  );
  const instance = await createInstance(createMemory(layout.sizeBytes), 0, compiled);
  const pool = await createPool(instance, layout.work);
  try {
    // While the threads start, this one does what needs none.
    writeMatrices(instance, layout, zkey, coefficients);
    writeRoots(instance, layout, domainSize);
    const counts = await loadBases(new BasesLoader(zkey, layout, instance, pool), zkey);
    return { zkey, layout, instance, pool, counts };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

async function loadBases(loader: BasesLoader, zkey: Zkey): Promise<Record<BaseName, number>> {
  const { alpha1, beta1, beta2, delta1, delta2 } = zkey;
  const counts: Partial<Record<BaseName, number>> = {};
  for (const name of BASE_NAMES) counts[name] = await loader.load(name);
  for (const point of [alpha1, beta1, delta1]) await loader.check('g1', point);
  for (const point of [beta2, delta2]) await loader.check('g2', point);
  return counts as Record<BaseName, number>;
}

/** Writes an element (given as a plain integer) in Montgomery form. */
function writeElement(instance: Instance, address: number, value: bigint): void {
  instance.bytes.set(encodeElement(instance.info.representation, SCALAR_FIELD, value), address);
}

function writeMatrices(instance: Instance, layout: Layout, zkey: Zkey, coefficients: CoefficientScan): void {
  const { buffer } = instance.memory;
  const matrix = (name: 'a' | 'b'): SparseMatrix => ({
    rowStarts: new Uint32Array(buffer, layout.rowStarts[name], zkey.domainSize + 1),
    entries: new Uint32Array(buffer, layout.entries[name], 2 * coefficients.totals[name]),
  });
  placeCoefficients(zkey, coefficients, matrix('a'), matrix('b'));
  // The factor R·2^−512, in Montgomery form R²·2^−512, takes value·2^512 to value·R.
  const factor = layout.mainScratch;
  const removed = inverseModulo(powerOfTwo(SCALAR_FIELD, 2 * Number(FILE_MONTGOMERY_BITS)), SCALAR_FIELD.prime);
  writeElement(instance, factor, powerOfTwo(SCALAR_FIELD, instance.info.representation.montgomeryBits) * removed);
  unpackThroughStaging(instance, layout, coefficients.values, 'r_unpackMany', layout.coefficientValues, factor);
}

function unpackThroughStaging(instance: Instance, layout: Layout, bytes: Uint8Array, unpack: string, to: number, factor: number): void {
  const { elementBytes } = instance.info.representation;
  const [staging] = layout.staging as [number];
  for (let at = 0; at < bytes.length; at += STAGING_SLOT_BYTES) {
    const part = bytes.subarray(at, at + STAGING_SLOT_BYTES);
    instance.bytes.set(part, staging);
    kernel(instance, unpack)(to + (at / PACKED_BYTES) * elementBytes, staging, part.length / PACKED_BYTES, factor);
  }
}

/** Roots, and the tables whose products take coefficients, in the order the transform leaves them, to the coset. */
function writeRoots(instance: Instance, layout: Layout, n: number): void {
  const power = Math.log2(n);
  const powers = (to: number, count: number, first: bigint, ratio: bigint): void => {
    const [firstAt, ratioAt] = [layout.mainScratch, layout.mainScratch + 64];
    writeElement(instance, firstAt, first);
    writeElement(instance, ratioAt, ratio);
    kernel(instance, 'ntt_powers')(to, count, firstAt, ratioAt);
  };
  powers(layout.roots, n / 2 + 1, 1n, rootOfUnity(power));
  const { elementBytes } = instance.info.representation;
  const [natural] = layout.polynomials;
  const reversedPowers = (to: number, bits: number, first: bigint, ratio: bigint): void => {
    powers(natural, 2 ** bits, first, ratio);
    for (let i = 0; i < 2 ** bits; i++) {
      const from = natural + elementBytes * reverseBits(i, bits);
      instance.bytes.copyWithin(to + elementBytes * i, from, from + elementBytes);
    }
  };
  const { columns, low, high } = layout.shifts;
  const lowBits = Math.log2(columns);
  reversedPowers(low, lowBits, 1n, rootOfUnity(lowBits + 1));
  reversedPowers(high, power - lowBits, inverseModulo(BigInt(n), SCALAR_FIELD.prime), rootOfUnity(power + 1));
}

/** The lowest `bits` bits of a value in the opposite order. */
export function reverseBits(value: number, bits: number): number {
  let reversed = 0;
  for (let i = 0; i < bits; i++) reversed = (reversed << 1) | ((value >>> i) & 1);
  return reversed;
}
