/** The protocol's byte codecs: every input is refused with a code, or is the one spelling of what it decodes to. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { settleArgument } from '../../auditor/calldata.js';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { CIRCUITS } from '../../protocol/circuit.js';
import { recoverSigner } from '../../protocol/eip712.js';
import { bytesToEvmAddress, evmAddressToBytes } from '../../protocol/evmAddress.js';
import { fieldFromBytes, fieldToBytes } from '../../protocol/field.js';
import { decodeProof, encodeProof } from '../../protocol/proof.js';
import { decodeRecord, encodeRecord } from '../../protocol/record.js';
import { decodeSettlement, encodeSettlement, type Settlement } from '../../protocol/settlement.js';
import { type QueueItemKind, queueSlots } from '../../protocol/slots.js';
import { decodeKeyBlob, encodeKeyBlob } from '../../verifier-contract/keyBlob.js';
import { rollupData } from '../../verifier-contract/rollup.js';
import { bytes, field, nonZeroAddress, proofShape, record } from '../protocol/arbitraries.js';
import { syntheticKeys } from '../verifier-contract/syntheticKeys.js';
import { COSTLY_CASES, canonical, FUZZ_TEST_MS, fuzz, refusedOr, spoiledBytes, spoiledText } from './fuzz.js';

const KINDS: readonly QueueItemKind[] = ['deposit', 'deposit', 'forced', 'dropped', 'forced', 'deposit'];

/** Settlements that decode: up to all six items of KINDS, up to three transfer proofs, updates that take exactly their slots. */
const settlement: fc.Arbitrary<Settlement> = fc
  .record({
    queueItems: fc.nat({ max: KINDS.length }),
    records: fc.array(record, { maxLength: 3 }),
    forced: fc.tuple(record, record),
    roots: fc.tuple(field, field),
    prover: nonZeroAddress,
    refund: nonZeroAddress,
    h: field,
    proof: proofShape,
    split: fc.boolean(),
  })
  .filter(({ queueItems, records }) => queueItems + records.length > 0)
  .map(({ queueItems, records, forced, roots, prover, refund, h, proof, split }) => {
    const kinds = KINDS.slice(0, queueItems);
    const slots = queueSlots(kinds).length + records.length;
    const update = { keepRoot: false, prover, h, proof, noteRootNew: roots[0], nullRootNew: roots[1] };
    const [first, rest] = split && slots > 2 ? [1, slots - 1] : [slots, 0];
    return {
      queueItems,
      drops: [],
      forced: kinds.filter((kind) => kind === 'forced').map((_, i) => ({ record: forced[i as 0 | 1], prover, refund })),
      transfers: records.map((one) => ({
        circuitId: CIRCUITS.transfer_1.id,
        prover,
        anchor: { kind: 'known' as const, root: roots[0] },
        h,
        proof,
        records: [one],
      })),
      updates: [
        { ...update, circuitId: CIRCUITS.update_8.id, used: first },
        ...(rest > 0 ? [{ ...update, circuitId: CIRCUITS.update_8.id, used: rest }] : []),
      ],
    };
  });
const settlementBytes = settlement.map(encodeSettlement);

describe('bytes in, a value or a refusal out', () => {
  it(
    'hexadecimal',
    () => {
      const lower = canonical(
        (text: string) => hexToBytes(text),
        bytesToHex,
        (a, b) => a === b.toLowerCase(),
      );
      fuzz(spoiledText(fc.uint8Array({ maxLength: 40 }).map((b): string => bytesToHex(b))), lower);
    },
    FUZZ_TEST_MS,
  );

  it(
    'field elements and addresses',
    () => {
      fuzz(
        spoiledBytes(field.map(fieldToBytes)),
        canonical((b: Uint8Array) => fieldFromBytes(b), fieldToBytes),
      );
      fuzz(
        spoiledBytes(bytes(20)),
        canonical(bytesToEvmAddress, (address) => evmAddressToBytes(address)),
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'records',
    () => {
      fuzz(spoiledBytes(record.map(encodeRecord)), canonical(decodeRecord, encodeRecord));
    },
    FUZZ_TEST_MS,
  );

  it(
    'proofs',
    () => {
      fuzz(spoiledBytes(proofShape.map(encodeProof)), canonical(decodeProof, encodeProof));
    },
    FUZZ_TEST_MS,
  );

  it(
    'settlements',
    () => {
      fuzz(
        spoiledBytes(settlementBytes),
        canonical((b: Uint8Array) => decodeSettlement(b, KINDS), encodeSettlement),
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'settlements of a generator that is honest: they decode, so the mutants begin at the door',
    () => {
      fuzz(settlementBytes, (b) => {
        if (Buffer.compare(encodeSettlement(decodeSettlement(b, KINDS)), b) !== 0) throw new Error('another spelling');
      });
    },
    FUZZ_TEST_MS,
  );

  it(
    'calldata of settle(bytes)',
    () => {
      const calldata = settlementBytes.map((b) => hexToBytes(rollupData.settle(b)));
      fuzz(
        spoiledBytes(calldata),
        canonical(
          (b: Uint8Array) => settleArgument(bytesToHex(b)),
          (b) => hexToBytes(rollupData.settle(b)),
        ),
      );
    },
    FUZZ_TEST_MS,
  );

  it(
    'the contract’s key blob',
    () => {
      const blob = encodeKeyBlob(syntheticKeys(['transfer_1', 'update_2']).table);
      fuzz(spoiledBytes(fc.constant(blob)), canonical(decodeKeyBlob, encodeKeyBlob), [], COSTLY_CASES);
    },
    FUZZ_TEST_MS,
  );

  it(
    'signatures',
    () => {
      const digest = new Uint8Array(32).fill(7);
      fuzz(spoiledBytes(bytes(65)), (b) => void refusedOr(() => recoverSigner(digest, bytesToHex(b))));
      fuzz(spoiledText(bytes(65).map((b): string => bytesToHex(b))), (text) => void refusedOr(() => recoverSigner(digest, text)));
    },
    FUZZ_TEST_MS,
  );
});
