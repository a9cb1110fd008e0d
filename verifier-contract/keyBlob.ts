/**
 * The verifying keys as the contract stores them.
 *
 *   α(64) │ β(128) │ γ(128) │ n(1) │ n × [ circuitId(1) │ δ(128) │ IC0 IC1 IC2 IC3 (4 × 64) ]
 *
 * Points in the order of EIP-197 (imaginary part of an Fp2 element first), ids ascending. One encoding for one table.
 */

import { keccak256 } from 'ethers';
import { ByteReader, bytesToHex, concatBytes, uintToBytes } from '../protocol/bytes.js';
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { type KeyTable, makeKeyTable } from '../protocol/fold.js';
import { assertCoordinate, type G1, type G2 } from '../protocol/proof.js';
import type { VerifyingKey } from '../protocol/vkey.js';

const IC_POINTS = 4;

/** @throws TacitError KEY_TABLE when the table is empty */
export function encodeKeyBlob(keys: KeyTable): Uint8Array {
  const entries = [...keys].sort(([a], [b]) => a - b);
  const first = entries[0]?.[1];
  if (first === undefined) throw new TacitError('KEY_TABLE', 'no keys to write', { expected: 'at least one circuit' });
  return concatBytes(
    g1Bytes(first.alpha),
    g2Bytes(first.beta),
    g2Bytes(first.gamma),
    uintToBytes(entries.length, 1),
    ...entries.flatMap(([id, { delta, ic }]) => [uintToBytes(id, 1), g2Bytes(delta), ...ic.map(g1Bytes)]),
  );
}

/** @throws TacitError KEY_TABLE, PROOF_COORDINATE, BYTES_SHORT, BYTES_TRAILING, and as makeKeyTable */
export function decodeKeyBlob(bytes: Uint8Array): KeyTable {
  const reader = new ByteReader(bytes, 'key blob');
  const shared = { alpha: readG1(reader), beta: readG2(reader), gamma: readG2(reader) };
  const entries: [number, VerifyingKey][] = [];
  for (let left = reader.small(1), last = 0; left > 0; left--) {
    const id = reader.small(1);
    if (id <= last) throw new TacitError('KEY_TABLE', 'circuit ids are not ascending', { expected: `above ${last}`, got: `${id}` });
    last = id;
    entries.push([id, { ...shared, delta: readG2(reader), ic: Array.from({ length: IC_POINTS }, () => readG1(reader)) }]);
  }
  reader.end();
  return makeKeyTable(entries);
}

/** What the contract answers to `keysHash()`. */
export function keyBlobHash(blob: Uint8Array): Hex {
  return keccak256(bytesToHex(blob));
}

function g1Bytes({ x, y }: G1): Uint8Array {
  return concatBytes(uintToBytes(x, 32), uintToBytes(y, 32));
}

function g2Bytes({ x, y }: G2): Uint8Array {
  return concatBytes(...[x[1], x[0], y[1], y[0]].map((coordinate) => uintToBytes(coordinate, 32)));
}

function readG1(reader: ByteReader): G1 {
  return { x: coordinate(reader), y: coordinate(reader) };
}

function readG2(reader: ByteReader): G2 {
  const [x1, x0, y1, y0] = [coordinate(reader), coordinate(reader), coordinate(reader), coordinate(reader)];
  return { x: [x0, x1], y: [y0, y1] };
}

function coordinate(reader: ByteReader): bigint {
  return assertCoordinate(reader.uint(32));
}
