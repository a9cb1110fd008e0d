/**
 * INSECURE development keys, made directly from published toxic waste: seconds instead of the minutes to hours of a
 * ceremony, and the same bytes on every machine. The file is a snarkjs zkey in every respect; its circuit hash is the
 * mark below, so that a key can be told from its bytes even when it is renamed.
 *
 * 1. Scalars of all points (qap.ts), in a worker thread.
 * 2. Points: the scalars cut into pieces, multiplied by the generators in worker threads, pieces in order.
 * 3. The zkey written section by section; then the verifying key in snarkjs' JSON.
 */
import { open, writeFile } from 'node:fs/promises';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { fileHeader, sectionHeader, writeUint256 } from '../binfile.js';
import { sha256File } from '../hash.js';
import { BASE_FIELD_MODULUS, type Bn254, G1_BYTES, G2_BYTES, loadBn254, SCALAR_BYTES } from './bn254.js';
import { CHUNK_SCALARS, type GroupName } from './fixedBase.js';
import { PointPool } from './pointPool.js';
import type { KeyScalars } from './qap.js';
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
const PIECE_BYTES = 2 * CHUNK_SCALARS * SCALAR_BYTES;

export async function insecureDevSetup(options: DevSetupOptions): Promise<DevSetupResult> {
  const waste = insecureDevWaste(options.circuit, await sha256File(options.r1csPath));
  const curve = await loadBn254();
  const pool = new PointPool(curve.tm, options.threads);
  try {
    const scalars = await pool.scalars(options.r1csPath, waste);
    options.onFraction?.(SCALARS_SHARE);
    const points = await multiplyAll(pool, scalars, (done) => options.onFraction?.(SCALARS_SHARE + (1 - SCALARS_SHARE) * done));
    await writeZkey(options.zkeyPath, curve, waste, scalars, points);
    await writeFile(options.vkeyPath, `${JSON.stringify(verifyingKey(curve, waste, points.ic, scalars.publicInputs), null, 1)}\n`);
    const { constraints, wires, publicInputs, domainSize } = scalars;
    return { constraints, wires, publicInputs, domainSize };
  } finally {
    await pool.close();
  }
}

interface KeyPoints {
  readonly ic: Uint8Array;
  readonly a: Uint8Array;
  readonly b1: Uint8Array;
  readonly b2: Uint8Array;
  readonly k: Uint8Array;
  readonly h: Uint8Array;
}

async function multiplyAll(pool: PointPool, scalars: KeyScalars, onFraction: (fraction: number) => void): Promise<KeyPoints> {
  const total = scalars.ic.length + scalars.a.length + scalars.b.length * (1 + G2_WEIGHT) + scalars.k.length + scalars.h.length;
  let done = 0;
  const multiply = async (group: GroupName, list: Uint8Array): Promise<Uint8Array> => {
    const pointBytes = group === 'G1' ? G1_BYTES : G2_BYTES;
    const result = new Uint8Array((list.length / SCALAR_BYTES) * pointBytes);
    const pieces: Promise<void>[] = [];
    for (let from = 0; from < list.length; from += PIECE_BYTES) {
      const piece = list.subarray(from, from + PIECE_BYTES);
      pieces.push(
        pool.points(group, piece).then((points) => {
          result.set(points, (from / SCALAR_BYTES) * pointBytes);
          done += piece.length * (group === 'G1' ? 1 : G2_WEIGHT);
          onFraction(done / total);
        }),
      );
    }
    await Promise.all(pieces);
    return result;
  };
  // G2 first: its pieces are the longest, so no thread waits for one at the end.
  const [b2, ic, a, b1, k, h] = await Promise.all([
    multiply('G2', scalars.b),
    multiply('G1', scalars.ic),
    multiply('G1', scalars.a),
    multiply('G1', scalars.b),
    multiply('G1', scalars.k),
    multiply('G1', scalars.h),
  ]);
  return { ic, a, b1, b2, k, h };
}

/** Sections 1–10 of snarkjs' Groth16 zkey. */
async function writeZkey(path: string, curve: Bn254, waste: ToxicWaste, scalars: KeyScalars, points: KeyPoints): Promise<void> {
  const protocol = new Uint8Array(4);
  new DataView(protocol.buffer).setUint32(0, GROTH16, true);
  const contributions = new Uint8Array(DEV_KEY_MARK.length + 4);
  contributions.set(DEV_KEY_MARK);
  const contents = [
    protocol,
    keyHeader(curve, waste, scalars),
    points.ic,
    scalars.coefficients,
    points.a,
    points.b1,
    points.b2,
    points.k,
    points.h,
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
function keyHeader(curve: Bn254, waste: ToxicWaste, scalars: KeyScalars): Uint8Array {
  const header = new Uint8Array(2 * (4 + 32) + 3 * 4 + 3 * G1_BYTES + 3 * G2_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, 32, true);
  writeUint256(view, 4, BASE_FIELD_MODULUS);
  view.setUint32(36, 32, true);
  writeUint256(view, 40, FIELD_MODULUS);
  view.setUint32(72, scalars.wires, true);
  view.setUint32(76, scalars.publicInputs, true);
  view.setUint32(80, scalars.domainSize, true);
  let at = 84;
  const put = (group: 'G1' | 'G2', scalar: bigint): void => {
    curve[group].toRprLEM(header, at, multiple(curve, group, scalar));
    at += group === 'G1' ? G1_BYTES : G2_BYTES;
  };
  put('G1', waste.alpha);
  put('G1', waste.beta);
  put('G2', waste.beta);
  put('G2', waste.gamma);
  put('G1', waste.delta);
  put('G2', waste.delta);
  return header;
}

/** snarkjs' verification_key.json, pre-computed pairing included. */
function verifyingKey(curve: Bn254, waste: ToxicWaste, ic: Uint8Array, publicInputs: number): unknown {
  const alpha = multiple(curve, 'G1', waste.alpha);
  const beta = multiple(curve, 'G2', waste.beta);
  const icPoints = Array.from({ length: publicInputs + 1 }, (_, i) => curve.G1.toObject(ic.slice(i * G1_BYTES, (i + 1) * G1_BYTES)));
  return decimal({
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: publicInputs,
    vk_alpha_1: curve.G1.toObject(alpha),
    vk_beta_2: curve.G2.toObject(beta),
    vk_gamma_2: curve.G2.toObject(multiple(curve, 'G2', waste.gamma)),
    vk_delta_2: curve.G2.toObject(multiple(curve, 'G2', waste.delta)),
    vk_alphabeta_12: curve.Gt.toObject(curve.pairing(alpha, beta)),
    IC: icPoints,
  });
}

function multiple(curve: Bn254, group: 'G1' | 'G2', scalar: bigint): Uint8Array {
  return curve[group].toAffine(curve[group].timesFr(curve[group].g, curve.Fr.e(scalar)));
}

function decimal(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(decimal);
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decimal(item)]));
  return value;
}
