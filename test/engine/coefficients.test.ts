/** The coefficients of a key on their way from the file to rows. */
import { expect, it } from 'vitest';
import { placeCoefficients, scanCoefficients } from '../../prover/engine/groth16/coefficients.js';
import { formatFailure, memoryReader, readInteger, writeInteger } from '../../prover/engine/groth16/container.js';
import { COEFFICIENT_BYTES, type Zkey } from '../../prover/engine/groth16/zkey.js';

const DOMAIN = 8;
const VARIABLES = 5;
/** More distinct values than two bytes can number, and each of them twice. */
const DISTINCT = 70_000;

/** Only what the two passes look at. */
function keyOf(bytes: Uint8Array): Zkey {
  const fail = formatFailure('ZKEY_FORMAT', 'not a usable key');
  return {
    container: { reader: memoryReader(bytes), fail, sections: new Map() },
    variables: VARIABLES,
    domainSize: DOMAIN,
    coefficientCount: bytes.length / COEFFICIENT_BYTES,
    coefficients: { offset: 0, sizeBytes: bytes.length },
  } as unknown as Zkey;
}

it('every entry comes to its row with its value, also where there are more values than two bytes can number', () => {
  const entries = Array.from({ length: 2 * DISTINCT }, (_, i) => ({
    matrix: i % 2,
    row: (i >> 1) % (DOMAIN - 1),
    signal: i % VARIABLES,
    value: BigInt((i * 7919) % DISTINCT) + 5n,
  }));
  const bytes = new Uint8Array(entries.length * COEFFICIENT_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, { matrix, row, signal, value }] of entries.entries()) {
    const at = i * COEFFICIENT_BYTES;
    [matrix, row, signal].forEach((word, k) => {
      view.setUint32(at + 4 * k, word, true);
    });
    bytes.set(writeInteger(value), at + 12);
  }
  const key = keyOf(bytes);
  const scan = scanCoefficients(key);
  const placed = [scan.totals.a, scan.totals.b].map((total) => ({
    rowStarts: new Uint32Array(DOMAIN + 1),
    entries: new Uint32Array(2 * total),
  }));
  const [a, b] = placed as [(typeof placed)[number], (typeof placed)[number]];
  placeCoefficients(key, scan, a, b);
  for (const [matrix, { rowStarts, entries: got }] of placed.entries()) {
    for (let row = 0; row < DOMAIN; row++) {
      const expected = entries.filter((entry) => entry.matrix === matrix && entry.row === row);
      const [from, to] = [rowStarts[row] as number, rowStarts[row + 1] as number];
      expect(to - from).toBe(expected.length);
      const wrong = expected.findIndex(
        ({ signal, value }, i) =>
          got[2 * (from + i)] !== signal || readInteger(scan.values, 32 * (got[2 * (from + i) + 1] as number)) !== value,
      );
      expect(wrong, `matrix ${matrix}, row ${row}`).toBe(-1);
    }
  }
});
