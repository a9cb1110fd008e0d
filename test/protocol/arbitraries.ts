/** Seeded generators shared by the tests of the protocol's codecs. */
import fc from 'fast-check';
import { bytesToHex } from '../../protocol/bytes.js';
import { NULLIFIER_MAX, ZERO_ADDRESS } from '../../protocol/constants.js';
import { FIELD_MODULUS } from '../../protocol/field.js';
import { BASE_FIELD_MODULUS, type Groth16Proof } from '../../protocol/proof.js';
import type { Domain, TransferRecord } from '../../protocol/record.js';

/** One seed for every property; a failure prints the path to replay. */
export const SEEDED = { seed: 20261121, numRuns: 200 };
export const DOMAIN: Domain = { chainId: 31337n, contract: '0x5fbdb2315678afecb367f032d93f642f64180aa3' };

export const field = fc.bigInt({ min: 0n, max: FIELD_MODULUS - 1n });
export const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
export const nonZeroAddress = bytes(20)
  .filter((b) => b.some((x) => x !== 0))
  .map((b): string => bytesToHex(b));

/** Amounts near every width boundary as well as anywhere. */
const edges = (bits: number) =>
  fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }),
    ...[32, 64, 96, 128].filter((b) => b <= bits).map((b) => fc.constantFrom((1n << BigInt(b)) - 1n, b < bits ? 1n << BigInt(b) : 1n)),
  );

export const record: fc.Arbitrary<TransferRecord> = fc
  .record({
    nf1: fc.bigInt({ min: 1n, max: NULLIFIER_MAX - 1n }),
    nf2: fc.bigInt({ min: 1n, max: NULLIFIER_MAX - 1n }),
    cm1: field,
    cm2: field,
    outAsset: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    outValue: fc.oneof(fc.constant(0n), edges(128)),
    recipient: nonZeroAddress,
    feeAsset: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    fee: fc.oneof(fc.constant(0n), edges(96)),
    ephemeral: bytes(32),
    ct1: bytes(32),
    ct2: bytes(32),
  })
  .filter(({ nf1, nf2 }) => nf1 !== nf2)
  .map(({ ct1, ct2, ...r }) => ({
    ...r,
    outAsset: r.outValue === 0n ? 0 : r.outAsset,
    recipient: r.outValue === 0n ? ZERO_ADDRESS : r.recipient,
    feeAsset: r.fee === 0n ? 0 : r.feeAsset,
    ciphertexts: [ct1, ct2] as [Uint8Array, Uint8Array],
  }));

const coordinate = fc.bigInt({ min: 0n, max: BASE_FIELD_MODULUS - 1n });
const fp2 = fc.tuple(coordinate, coordinate);
/** Right widths, most likely no curve points. */
export const proofShape: fc.Arbitrary<Groth16Proof> = fc.record({
  a: fc.record({ x: coordinate, y: coordinate }),
  b: fc.record({ x: fp2, y: fp2 }),
  c: fc.record({ x: coordinate, y: coordinate }),
});

/** The code of the TacitError that `run` throws; undefined when it returns. */
export function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? `not a TacitError: ${String(error)}`;
  }
}
