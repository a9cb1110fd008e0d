/**
 * The head of a Groth16 zkey: counts, the key's own points, and who contributed to it. Reads those sections only, so a
 * key of any size is looked at in no time. Source of the format: snarkjs' zkey, sections 2 and 10.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { TacitError } from '../protocol/errors.js';
import { G1_BYTES, G2_BYTES } from './setup/bn254.js';

export interface ZkeyContribution {
  /** A beacon is public randomness applied last; it adds nobody's secret. */
  readonly kind: 'contribution' | 'beacon';
  /** Empty when none was given. */
  readonly name: string;
}

/** Points are affine, little-endian Montgomery coordinates, as in the file: equal points have equal bytes. */
export interface ZkeyHead {
  readonly wires: number;
  readonly publicInputs: number;
  readonly domainSize: number;
  readonly alpha1: Uint8Array;
  readonly beta2: Uint8Array;
  readonly gamma2: Uint8Array;
  readonly delta2: Uint8Array;
  /** Hash of circuit and phase 1, 64 bytes; a mark in development keys. */
  readonly circuitHash: Uint8Array;
  readonly contributions: readonly ZkeyContribution[];
}

const SECTION_GROTH16 = 2;
const SECTION_CONTRIBUTIONS = 10;
const CIRCUIT_HASH_BYTES = 64;
/** Width and modulus of both fields. */
const FIELDS_BYTES = 2 * (4 + 32);
const HEAD_BYTES = FIELDS_BYTES + 3 * 4 + 3 * G1_BYTES + 3 * G2_BYTES;
/** deltaAfter, g1_s, g1_sx, g2_spx, transcript: what precedes a contribution's type. */
const CONTRIBUTION_POINTS_BYTES = 3 * G1_BYTES + G2_BYTES + CIRCUIT_HASH_BYTES;
const TYPE_BEACON = 1;
const PARAM_NAME = 1;

/** @throws TacitError FILE_FORMAT, ARTIFACT_MISSING */
export async function readZkeyHead(path: string): Promise<ZkeyHead> {
  const file = await open(path).catch((cause: unknown) => {
    throw new TacitError('ARTIFACT_MISSING', 'key cannot be opened', { expected: path, cause });
  });
  try {
    const sections = await sectionTable(file);
    const head = await section(file, sections, SECTION_GROTH16);
    if (head.length !== HEAD_BYTES)
      throw new TacitError('FILE_FORMAT', 'not a Groth16 zkey on BN254', {
        expected: `${HEAD_BYTES} bytes of header`,
        got: String(head.length),
      });
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    let at = FIELDS_BYTES;
    const counts = [0, 4, 8].map((offset) => view.getUint32(at + offset, true)) as [number, number, number];
    at += 12;
    const take = (size: number): Uint8Array => {
      at += size;
      return head.slice(at - size, at);
    };
    const alpha1 = take(G1_BYTES);
    take(G1_BYTES); // β1
    const [beta2, gamma2] = [take(G2_BYTES), take(G2_BYTES)];
    take(G1_BYTES); // δ1
    const delta2 = take(G2_BYTES);
    const tail = await section(file, sections, SECTION_CONTRIBUTIONS);
    return {
      wires: counts[0],
      publicInputs: counts[1],
      domainSize: counts[2],
      alpha1,
      beta2,
      gamma2,
      delta2,
      circuitHash: tail.slice(0, CIRCUIT_HASH_BYTES),
      contributions: readContributions(tail),
    };
  } finally {
    await file.close();
  }
}

function readContributions(tail: Uint8Array): ZkeyContribution[] {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const contributions: ZkeyContribution[] = [];
  const expectBytes = (end: number): void => {
    if (end > tail.length) throw truncated('whole contributions', `${tail.length} bytes`);
  };
  let at = CIRCUIT_HASH_BYTES + 4;
  expectBytes(at);
  for (let left = view.getUint32(CIRCUIT_HASH_BYTES, true); left > 0; left--) {
    at += CONTRIBUTION_POINTS_BYTES;
    expectBytes(at + 8);
    const kind = view.getUint32(at, true) === TYPE_BEACON ? 'beacon' : 'contribution';
    const paramBytes = view.getUint32(at + 4, true);
    expectBytes(at + 8 + paramBytes);
    const params = tail.subarray(at + 8, at + 8 + paramBytes);
    at += 8 + paramBytes;
    // A name, where there is one, stands first: id, length, text.
    const name = params[0] === PARAM_NAME ? new TextDecoder().decode(params.subarray(2, 2 + (params[1] ?? 0))) : '';
    contributions.push({ kind, name });
  }
  return contributions;
}

interface Place {
  readonly offset: number;
  readonly length: number;
}

async function sectionTable(file: FileHandle): Promise<Map<number, Place>> {
  const start = await bytesAt(file, 0, 12);
  if (new TextDecoder().decode(start.subarray(0, 4)) !== 'zkey')
    throw new TacitError('FILE_FORMAT', 'wrong file type', { expected: 'zkey' });
  const sections = new Map<number, Place>();
  let offset = 12;
  for (let left = new DataView(start.buffer).getUint32(8, true); left > 0; left--) {
    const view = new DataView((await bytesAt(file, offset, 12)).buffer);
    const length = Number(view.getBigUint64(4, true));
    sections.set(view.getUint32(0, true), { offset: offset + 12, length });
    offset += 12 + length;
  }
  return sections;
}

async function section(file: FileHandle, sections: Map<number, Place>, id: number): Promise<Uint8Array> {
  const place = sections.get(id);
  if (place === undefined) throw new TacitError('FILE_FORMAT', 'not a Groth16 zkey', { expected: `section ${id}`, got: 'no such section' });
  return bytesAt(file, place.offset, place.length);
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  // A length is the file's own word: memory is asked for only where the file has as much.
  const { size } = await file.stat();
  if (position + length > size) throw truncated(`${length} bytes at ${position}`, String(Math.max(0, size - position)));
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, position);
  if (bytesRead !== length) throw truncated(`${length} bytes at ${position}`, String(bytesRead));
  return bytes;
}

function truncated(expected: string, got: string): TacitError {
  return new TacitError('FILE_FORMAT', 'zkey file is truncated', { expected, got });
}
