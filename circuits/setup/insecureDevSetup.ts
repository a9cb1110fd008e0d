/**
 * INSECURE development keys, made directly from published toxic waste: seconds instead of the minutes to hours of a
 * ceremony, and the same bytes on every machine. The file is a snarkjs zkey in every respect; its circuit hash is the
 * mark below, so that a key can be told from its bytes even when it is renamed.
 *
 * 1. Scalars of all points (qap.ts), while the tables of both generators' multiples are built.
 * 2. Points: the scalars cut into pieces, multiplied by the generators on all threads of the prover engine.
 * 3. The zkey written section by section; then the verifying key in snarkjs' JSON.
 */
import { createHash } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { bn254 } from '@noble/curves/bn254.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { FILE_MONTGOMERY_BITS } from '../../prover/engine/field/parameters.js';
import { CHUNK_SCALARS, type Multiples } from '../../prover/engine/fixedBase.js';
import type { CurveName } from '../../prover/engine/kernels.js';
import { COEFFICIENT_BYTES } from '../../prover/engine/setup/kernels.js';
import { FILE_POINT_BYTES } from '../../prover/engine/sizes.js';
import { fileHeader, sectionHeader, writeUint256 } from '../binfile.js';
import { BASE_FIELD_MODULUS, G1_BYTES, G2_BYTES, SCALAR_BYTES } from './bn254.js';
import { COUNT_BYTES, KeyMemory, type KeyShape, type PointList, type ScalarList } from './keyMemory.js';
import { computeScalars, readRows } from './qap.js';
import { insecureDevWaste, type ToxicWaste } from './toxicWaste.js';

export interface DevSetupOptions {
  /** Name that δ is derived from, beside the hash of the r1cs. */
  readonly circuit: string;
  readonly r1csPath: string;
  readonly zkeyPath: string;
  readonly vkeyPath: string;
  /** Called with 0..1, by work done. */
  readonly onFraction?: (fraction: number) => void;
  /** Worker threads; default one a core. */
  readonly threads?: number;
}

export interface DevSetupResult {
  readonly constraints: number;
  readonly wires: number;
  readonly publicInputs: number;
  readonly domainSize: number;
}

/** Changes with anything that changes the bytes of a key. */
export const DEV_SETUP_VERSION = 'insecure-dev-1';
/** Stands where snarkjs keeps the hash of the circuit and its phase 1. 64 bytes. */
export const DEV_KEY_MARK: Uint8Array = new TextEncoder().encode('TACIT INSECURE DEVELOPMENT KEY, TOXIC WASTE PUBLISHED'.padEnd(64));

const ZKEY_SECTIONS = 10;
const GROTH16 = 1;
/** A G2 addition costs about four G1 additions: for progress. */
const G2_WEIGHT = 4;
/** Share of the time that goes into the scalars. */
const SCALARS_SHARE = 0.15;

export async function insecureDevSetup(options: DevSetupOptions): Promise<DevSetupResult> {
  const r1cs = await readFile(options.r1csPath);
  const waste = insecureDevWaste(options.circuit, createHash('sha256').update(r1cs).digest('hex'));
  const rows = readRows(r1cs);
  const memory = await KeyMemory.create(rows.shape, options.threads);
  try {
    const scalars = computeScalars(memory, rows, waste);
    memory.buildTable('g1', generator('g1'));
    memory.buildTable('g2', generator('g2'));
    await scalars;
    options.onFraction?.(SCALARS_SHARE);
    await multiplyAll(memory, (done) => options.onFraction?.(SCALARS_SHARE + (1 - SCALARS_SHARE) * done));
    await writeZkey(options.zkeyPath, waste, memory);
    await writeFile(options.vkeyPath, `${JSON.stringify(verifyingKey(waste, memory), null, 1)}\n`);
    const { constraints, wires, publicInputs, domainSize } = rows.shape;
    return { constraints, wires, publicInputs, domainSize };
  } finally {
    await memory.close();
  }
}

/** EIP-197's generators in the form of zkey files: coordinates in Montgomery form. */
function generator(curve: CurveName): Uint8Array {
  const { x, y } = bn254.G2.Point.BASE.toAffine();
  const coordinates = curve === 'g1' ? [1n, 2n] : [x.c0, x.c1, y.c0, y.c1];
  const bytes = new Uint8Array(FILE_POINT_BYTES[curve]);
  coordinates.forEach((coordinate, i) => {
    writeUint256(new DataView(bytes.buffer), i * SCALAR_BYTES, (coordinate << FILE_MONTGOMERY_BITS) % BASE_FIELD_MODULUS);
  });
  return bytes;
}

/** Curve and scalars of each list of points. G2 first: its pieces are the longest, so no thread waits for one at the end. */
const LISTS: readonly (readonly [PointList, CurveName, ScalarList])[] = [
  ['b2', 'g2', 'b'],
  ['ic', 'g1', 'ic'],
  ['a', 'g1', 'a'],
  ['b1', 'g1', 'b'],
  ['k', 'g1', 'k'],
  ['h', 'g1', 'h'],
];

function listLength({ wires, publicInputs, domainSize }: KeyShape, list: PointList): number {
  return { a: wires, b1: wires, b2: wires, ic: publicInputs + 1, k: wires - publicInputs - 1, h: domainSize }[list];
}

async function multiplyAll(memory: KeyMemory, onFraction: (fraction: number) => void): Promise<void> {
  const { places, shape } = memory;
  const chunks = LISTS.flatMap(([list, curve, scalars]) => {
    const length = listLength(shape, list);
    return Array.from({ length: Math.ceil(length / CHUNK_SCALARS) }, (_, i): Multiples => {
      const from = i * CHUNK_SCALARS;
      return {
        curve,
        table: places.tables[curve],
        scalars: places.scalars[scalars] + from * SCALAR_BYTES,
        count: Math.min(CHUNK_SCALARS, length - from),
        output: places.points[list] + from * FILE_POINT_BYTES[curve],
      };
    });
  });
  const weight = ({ curve, count }: Multiples): number => count * (curve === 'g1' ? 1 : G2_WEIGHT);
  const total = chunks.reduce((sum, chunk) => sum + weight(chunk), 0);
  let done = 0;
  await memory.multiplyAll(chunks, (chunk) => {
    done += weight(chunk);
    onFraction(done / total);
  });
}

function pointBytes(memory: KeyMemory, list: PointList): Uint8Array {
  const bytes = list === 'b2' ? G2_BYTES : G1_BYTES;
  return memory.bytes(memory.places.points[list], listLength(memory.shape, list) * bytes);
}

/** Sections 1–10 of snarkjs' Groth16 zkey. */
async function writeZkey(path: string, waste: ToxicWaste, memory: KeyMemory): Promise<void> {
  const { places, shape } = memory;
  const protocol = new Uint8Array(4);
  new DataView(protocol.buffer).setUint32(0, GROTH16, true);
  const contributions = new Uint8Array(DEV_KEY_MARK.length + 4);
  contributions.set(DEV_KEY_MARK);
  const contents = [
    protocol,
    keyHeader(waste, memory),
    pointBytes(memory, 'ic'),
    memory.bytes(places.coefficients, COUNT_BYTES + shape.coefficients * COEFFICIENT_BYTES),
    pointBytes(memory, 'a'),
    pointBytes(memory, 'b1'),
    pointBytes(memory, 'b2'),
    pointBytes(memory, 'k'),
    pointBytes(memory, 'h'),
    contributions,
  ];
  const file = await open(path, 'w');
  try {
    await file.writeFile(fileHeader('zkey', 1, ZKEY_SECTIONS));
    for (const [i, content] of contents.entries()) {
      await file.writeFile(sectionHeader(i + 1, content.length));
      await file.writeFile(content);
    }
  } finally {
    await file.close();
  }
}

/** Section 2: field sizes and moduli, counts, then α1 β1 β2 γ2 δ1 δ2. */
function keyHeader({ alpha, beta, gamma, delta }: ToxicWaste, memory: KeyMemory): Uint8Array {
  const { wires, publicInputs, domainSize } = memory.shape;
  const sizes = new Uint8Array(2 * (4 + 32) + 3 * 4);
  const view = new DataView(sizes.buffer);
  view.setUint32(0, 32, true);
  writeUint256(view, 4, BASE_FIELD_MODULUS);
  view.setUint32(36, 32, true);
  writeUint256(view, 40, FIELD_MODULUS);
  view.setUint32(72, wires, true);
  view.setUint32(76, publicInputs, true);
  view.setUint32(80, domainSize, true);
  const g1 = memory.multiples('g1', [alpha, beta, delta]);
  const g2 = memory.multiples('g2', [beta, gamma, delta]);
  const [alphaBeta1, delta1] = [g1.subarray(0, 2 * G1_BYTES), g1.subarray(2 * G1_BYTES)];
  const [betaGamma2, delta2] = [g2.subarray(0, 2 * G2_BYTES), g2.subarray(2 * G2_BYTES)];
  return Buffer.concat([sizes, alphaBeta1, betaGamma2, delta1, delta2]);
}

/** snarkjs' verification_key.json, pre-computed pairing included. */
function verifyingKey({ alpha, beta, gamma, delta }: ToxicWaste, memory: KeyMemory): unknown {
  const { publicInputs } = memory.shape;
  const g1 = (bytes: Uint8Array): bigint[] => memory.coordinates(bytes);
  const [ax, ay] = g1(memory.multiples('g1', [alpha])) as [bigint, bigint];
  const g2 = [beta, gamma, delta].map((scalar) => memory.coordinates(memory.multiples('g2', [scalar])) as unknown as G2Coordinates);
  const triple = ([x0, x1, y0, y1]: G2Coordinates) => [
    [x0, x1],
    [y0, y1],
    [1n, 0n],
  ];
  const ic = pointBytes(memory, 'ic');
  return decimal({
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: publicInputs,
    vk_alpha_1: [ax, ay, 1n],
    vk_beta_2: triple(g2[0]!),
    vk_gamma_2: triple(g2[1]!),
    vk_delta_2: triple(g2[2]!),
    vk_alphabeta_12: pairing([ax, ay], g2[0]!),
    IC: Array.from({ length: publicInputs + 1 }, (_, i) => [...g1(ic.subarray(i * G1_BYTES, (i + 1) * G1_BYTES)), 1n]),
  });
}

type G2Coordinates = readonly [bigint, bigint, bigint, bigint];

/** e(P, Q) as snarkjs nests it: two halves of three pairs. */
function pairing([x, y]: readonly [bigint, bigint], [x0, x1, y0, y1]: G2Coordinates): bigint[][][] {
  const { Fp2 } = bn254.fields;
  const p = bn254.G1.Point.fromAffine({ x, y });
  const q = bn254.G2.Point.fromAffine({ x: Fp2.fromBigTuple([x0, x1]), y: Fp2.fromBigTuple([y0, y1]) });
  const value = bn254.pairing(p, q);
  return [value.c0, value.c1].map((half) => [half.c0, half.c1, half.c2].map((pair) => [pair.c0, pair.c1]));
}

function decimal(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(decimal);
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decimal(item)]));
  return value;
}
