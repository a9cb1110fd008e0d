/**
 * Statement U1–U12 written out over a circuit input, in plain arithmetic: which lines does this input break?
 * An independent reading of the statement, for testing the oracle; it shares nothing with ledger/ but the hash.
 */

import type { CircuitInput, SignalValue } from '../../ledger/applyBatch.js';
import { CIRCUITS, type CircuitName } from '../../protocol/circuit.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { horner, sponge } from '../../protocol/fingerprint.js';
import { H } from '../../protocol/hash.js';

type Path = bigint[][];
const GAP_LIMIT = 2n ** 248n;

const scalar = (value: SignalValue | undefined) => BigInt(value as string);
const list = (value: SignalValue | undefined) => (value as SignalValue[]).map(scalar);
const table = (value: SignalValue | undefined) => (value as SignalValue[]).map(list);
const paths = (value: SignalValue | undefined) => (value as SignalValue[]).map(table);

function climb(leaf: bigint, index: bigint, path: Path): bigint {
  let node = leaf;
  let rest = index;
  for (const [a, b, c] of path as [bigint, bigint, bigint][]) {
    const rows = [
      [node, a, b, c],
      [a, node, b, c],
      [a, b, node, c],
      [a, b, c, node],
    ] as const;
    node = H(...(rows[Number(rest % 4n)] as readonly bigint[]));
    rest /= 4n;
  }
  return rest === 0n ? node : -1n;
}

function fold(leaves: readonly bigint[]): bigint {
  if (leaves.length === 1) return leaves[0] as bigint;
  const above: bigint[] = [];
  for (let i = 0; i < leaves.length; i += 4) above.push(H(...leaves.slice(i, i + 4)));
  return fold(above);
}

const inGap = (x: bigint) => ((x % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS < GAP_LIMIT;

/** Ids of the lines that do not hold, each once. */
export function brokenLines(circuit: CircuitName, input: CircuitInput): string[] {
  const { size, id } = CIRCUITS[circuit];
  const width = 2 * size;
  const broken = new Set<string>();
  const need = (line: string, holds: boolean) => {
    if (!holds) broken.add(line);
  };
  const s = list(input.s);
  const same = list(input.same);
  const v = list(input.lowValue);
  const x = list(input.lowNext);
  const index = list(input.lowIndex);
  const sib = paths(input.lowPath);
  const place = scalar(input.subtreeIndex);
  const nf = table(input.nf);
  const cm = table(input.cm);
  const at = (values: readonly bigint[], k: number) => values[k] ?? 0n;

  need('U2', at(same, 0) === 0n);
  let running = scalar(input.nullRootOld);
  let gapEnd = 0n;
  const leaves: bigint[] = [];
  const ends: bigint[] = [];
  for (let k = 0; k < width; k++) {
    const z = at(s, k) === 0n ? 1n : 0n;
    need('U1', inGap(at(s, k) - at(s, k - 1) - 1n + z));
    need(
      'U2',
      (at(same, k) === 0n || at(same, k) === 1n) && at(same, k) * z === 0n && at(same, k) * (k > 0 && at(s, k - 1) === 0n ? 1n : 0n) === 0n,
    );
    const fresh = 1n - z - at(same, k);
    gapEnd = at(same, k) === 1n ? gapEnd : at(x, k);
    ends.push(gapEnd);
    if (z === 0n) need('U6', inGap(gapEnd - at(s, k) - 1n));
    if (fresh === 1n) {
      need('U4', climb(H(at(v, k), at(x, k)), at(index, k), sib[k] as Path) === running);
      need('U5', inGap(at(s, k) - at(v, k) - 1n));
      running = climb(H(at(v, k), at(s, k)), at(index, k), sib[k] as Path);
    }
  }
  for (let k = 0; k < width; k++) leaves.push(at(s, k) === 0n ? 0n : H(at(s, k), at(same, k + 1) === 1n ? at(s, k + 1) : at(ends, k)));
  const empty = fold(new Array(width).fill(0n));
  need('U9', scalar(input.startIndex) === BigInt(width) * place);
  need(
    'U10',
    climb(empty, place, table(input.nullPath)) === running &&
      climb(fold(leaves), place, table(input.nullPath)) === scalar(input.nullRootNew),
  );
  need(
    'U11',
    climb(empty, place, table(input.notePath)) === scalar(input.noteRootOld) &&
      climb(fold(cm.flat()), place, table(input.notePath)) === scalar(input.noteRootNew),
  );
  const elements = ['noteRootOld', 'noteRootNew', 'nullRootOld', 'nullRootNew', 'startIndex', 'prover'].map((name) => scalar(input[name]));
  for (let j = 0; j < size; j++) elements.push(...(nf[j] as bigint[]), ...(cm[j] as bigint[]));
  const z = scalar(input.z);
  const product = (values: readonly bigint[]) =>
    values.reduce((p, value) => (p * (((z - value) % FIELD_MODULUS) + FIELD_MODULUS)) % FIELD_MODULUS, 1n);
  need(
    'U12',
    product(s) === product(nf.flat()) && scalar(input.h) === sponge(id, [...elements, ...s]) && scalar(input.y) === horner(elements, z),
  );
  return [...broken].sort();
}
