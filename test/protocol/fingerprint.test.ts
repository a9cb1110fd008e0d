import { encodeBytes32String, keccak256, solidityPacked, zeroPadValue } from 'ethers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CIRCUITS } from '../../protocol/circuit.js';
import { ZERO_ADDRESS } from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { challenge, horner, publicInputsOf, sponge, transferList, transferSponge } from '../../protocol/fingerprint.js';
import { H } from '../../protocol/hash.js';
import { recordMessage } from '../../protocol/record.js';
import {
  alignedStart,
  EMPTY_SLOT,
  leafCountAfter,
  sortedNullifiers,
  type UpdateStatement,
  updateList,
  updatePublicInputs,
} from '../../protocol/update.js';
import { codeOf, DOMAIN, field, record, SEEDED } from './arbitraries.js';

const ids = Object.values(CIRCUITS);

describe('fingerprint', () => {
  it('sponge absorbs fifteen at a time after domain, id and count', () => {
    const e = Array.from({ length: 16 }, (_, i) => BigInt(i + 1));
    const start = H(3n, 4n, 16n);
    const afterFirst = H(start, ...e.slice(0, 15));
    expect(sponge(4, e)).toBe(H(afterFirst, 16n, ...new Array<bigint>(14).fill(0n)));
    expect(sponge(4, [])).toBe(H(3n, 4n, 0n));
  });

  it('A1: H and sponge take field elements only: x + p and negative integers are not other names of x', () => {
    for (const bad of [FIELD_MODULUS, FIELD_MODULUS + 5n, -1n]) {
      for (const inputs of [[bad], [1n, bad], [bad, 1n, 2n, 3n]]) expect(codeOf(() => H(...inputs))).toBe('FIELD_RANGE');
      expect(codeOf(() => sponge(1, [1n, bad]))).toBe('FIELD_RANGE');
    }
    expect(codeOf(() => H(FIELD_MODULUS - 1n, 0n))).toBeUndefined();
  });

  it('sponge tells lists apart that differ by zeros at the end, and circuits', () => {
    expect(sponge(1, [1n])).not.toBe(sponge(1, [1n, 0n]));
    expect(sponge(1, [1n])).not.toBe(sponge(2, [1n]));
  });

  it('challenge is Keccak over 32-byte words, as Solidity computes it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ids), field, fc.array(field, { minLength: 134, maxLength: 134 }), (circuit, h, pool) => {
        const x = pool.slice(0, circuit.listLength);
        const packed = solidityPacked(
          ['bytes32', 'uint256', 'bytes32', 'uint256', 'uint256', ...x.map(() => 'uint256')],
          [encodeBytes32String('tacit.challenge.v1'), DOMAIN.chainId, zeroPadValue(DOMAIN.contract, 32), circuit.id, h, ...x],
        );
        expect(challenge(circuit.id, h, x, DOMAIN)).toBe(BigInt(keccak256(packed)) % FIELD_MODULUS);
      }),
      { ...SEEDED, numRuns: 25 },
    );
  });

  it('challenge depends on id, h, every element, chain and contract', () => {
    const x = Array.from({ length: 11 }, (_, i) => BigInt(i));
    const all = [
      challenge(1, 5n, x, DOMAIN),
      challenge(1, 6n, x, DOMAIN),
      challenge(1, 5n, x, { ...DOMAIN, chainId: 2n }),
      challenge(1, 5n, x, { ...DOMAIN, contract: ZERO_ADDRESS }),
      ...x.map((_, i) =>
        challenge(
          1,
          5n,
          x.map((e, k) => (k === i ? e + 77n : e)),
          DOMAIN,
        ),
      ),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('refuses a list of the wrong length, an unknown circuit, and A1: an element of p or more', () => {
    const x = new Array<bigint>(11).fill(1n);
    expect(codeOf(() => challenge(1, 1n, x.slice(1), DOMAIN))).toBe('LIST_LENGTH');
    expect(codeOf(() => challenge(1, 1n, [...x, 1n], DOMAIN))).toBe('LIST_LENGTH');
    expect(codeOf(() => challenge(9, 1n, x, DOMAIN))).toBe('CIRCUIT_UNKNOWN');
    expect(codeOf(() => challenge(1, FIELD_MODULUS + 1n, x, DOMAIN))).toBe('FIELD_RANGE');
    expect(codeOf(() => challenge(1, 1n, [FIELD_MODULUS + 1n, ...x.slice(1)], DOMAIN))).toBe('FIELD_RANGE');
    expect(codeOf(() => horner([2n * FIELD_MODULUS], 1n))).toBe('FIELD_RANGE');
  });

  it('horner is the polynomial with x_0 in front', () => {
    expect(horner([3n, 4n, 5n], 10n)).toBe(345n);
    expect(horner([1n, 0n], FIELD_MODULUS - 1n)).toBe(FIELD_MODULUS - 1n);
  });

  it('transfer list and sponge cover anchor, prover and every record', () => {
    fc.assert(
      fc.property(record, field, (r, anchor) => {
        const x = transferList(anchor, DOMAIN.contract, [r], DOMAIN);
        expect(x).toHaveLength(11);
        expect(x.slice(0, 2)).toEqual([anchor, BigInt(DOMAIN.contract)]);
        expect(transferSponge('transfer_1', anchor, DOMAIN.contract, [recordMessage(r, DOMAIN)])).toBe(
          sponge(1, [anchor, BigInt(DOMAIN.contract), recordMessage(r, DOMAIN)]),
        );
      }),
      { ...SEEDED, numRuns: 20 },
    );
    expect(codeOf(() => transferSponge('transfer_8', 1n, ZERO_ADDRESS, [1n]))).toBe('LIST_LENGTH');
  });
});

describe('update', () => {
  const statement: UpdateStatement = {
    noteRootOld: 1n,
    noteRootNew: 2n,
    nullRootOld: 3n,
    nullRootNew: 4n,
    startIndex: 4n,
    prover: DOMAIN.contract,
    slots: [{ nf1: 9n, nf2: 8n, cm1: 7n, cm2: 6n }, EMPTY_SLOT],
  };

  it('lists context then slots, and commits to the sorted nullifiers', () => {
    const x = updateList('update_2', statement);
    expect(x).toEqual([1n, 2n, 3n, 4n, 4n, BigInt(DOMAIN.contract), 9n, 8n, 7n, 6n, 0n, 0n, 0n, 0n]);
    expect(sortedNullifiers(statement.slots)).toEqual([0n, 0n, 8n, 9n]);
    const sorted = sortedNullifiers(statement.slots);
    expect(updatePublicInputs('update_2', statement, sorted, DOMAIN)).toEqual(publicInputsOf(3, sponge(3, [...x, ...sorted]), x, DOMAIN));
  });

  it('refuses a wrong count of slots or nullifiers', () => {
    expect(codeOf(() => updateList('update_8', statement))).toBe('SLOT_COUNT');
    expect(codeOf(() => updatePublicInputs('update_2', statement, [1n], DOMAIN))).toBe('SLOT_COUNT');
  });

  it('starts at the next multiple of its width and ends inside the tree', () => {
    expect([alignedStart(1n, 2), alignedStart(4n, 2), alignedStart(5n, 8), alignedStart(16n, 8)]).toEqual([4n, 4n, 16n, 16n]);
    expect(leafCountAfter(2n ** 32n - 4n, 2)).toBe(2n ** 32n);
    expect(codeOf(() => leafCountAfter(2n ** 32n - 3n, 2))).toBe('TREE_FULL');
  });
});
