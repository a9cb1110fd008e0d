/**
 * The header of a Groth16 proving key and the places of its sections.
 *
 * Section 1: protocol u32 (1). Section 2: width u32, q │ width u32, r │ variables u32 │ public inputs u32 │ domain u32 │
 * α1 β1 β2 γ2 δ1 δ2. Sections 3…9: IC, coefficients, A, B1, B2, C, H. Coordinates are in Montgomery form (2^256),
 * a point at infinity is all zeros. A coefficient is matrix u32 │ row u32 │ signal u32 │ value·2^512 mod r.
 * Source: the format as written by snarkjs 0.7.
 */
import { BASE_FIELD, SCALAR_FIELD } from '../field/parameters.js';
import {
  type ByteReader,
  type Container,
  formatFailure,
  openContainer,
  readInteger,
  readSection,
  type Section,
  sectionOf,
  viewOf,
} from './container.js';

const GROTH16 = 1;
const FIELD_BYTES = 32;
const G1_BYTES = 2 * FIELD_BYTES;
const G2_BYTES = 4 * FIELD_BYTES;
/** matrix, row, signal, value */
export const COEFFICIENT_BYTES = 3 * 4 + FIELD_BYTES;
const COEFFICIENTS_HEADER_BYTES = 4;
/** The transform over a domain of 2^k needs a root of order 2^(k+1); r − 1 is divisible by 2^28. */
const LARGEST_DOMAIN_POWER = 27;

const SECTIONS = { protocol: 1, groth: 2, ic: 3, coefficients: 4, a: 5, b1: 6, b2: 7, c: 8, h: 9 } as const;

export interface Zkey {
  readonly container: Container;
  readonly variables: number;
  readonly publicInputs: number;
  readonly domainSize: number;
  readonly coefficientCount: number;
  /** The entries themselves, without their count. */
  readonly coefficients: Section;
  /** One point for each public input, and one for the constant. */
  readonly ic: Section;
  readonly points: Readonly<Record<'a' | 'b1' | 'b2' | 'c' | 'h', Section>>;
  /** Raw bytes of the header's points. */
  readonly alpha1: Uint8Array;
  readonly beta1: Uint8Array;
  readonly beta2: Uint8Array;
  readonly gamma2: Uint8Array;
  readonly delta1: Uint8Array;
  readonly delta2: Uint8Array;
}

/** @throws TacitError ZKEY_FORMAT */
export function openZkey(reader: ByteReader): Zkey {
  const fail = formatFailure('ZKEY_FORMAT', 'not a usable Groth16 proving key on BN254');
  const container = openContainer(reader, 'zkey', [1], fail);
  const protocol = viewOf(readSection(container, sectionOf(container, SECTIONS.protocol, 'protocol', 4), 0, 4)).getUint32(0, true);
  if (protocol !== GROTH16) throw fail('protocol 1 (Groth16)', `protocol ${protocol}`);
  const headerBytes = 2 * (4 + FIELD_BYTES) + 12 + 3 * G1_BYTES + 3 * G2_BYTES;
  const header = readSection(container, sectionOf(container, SECTIONS.groth, 'header', headerBytes), 0, headerBytes);
  const view = viewOf(header);
  const expectField = (at: number, prime: bigint, name: string): void => {
    if (view.getUint32(at, true) !== FIELD_BYTES || readInteger(header, at + 4) !== prime)
      throw fail(`BN254's ${name} field`, 'another curve');
  };
  expectField(0, BASE_FIELD.prime, 'base');
  expectField(4 + FIELD_BYTES, SCALAR_FIELD.prime, 'scalar');
  const counts = 2 * (4 + FIELD_BYTES);
  const [variables, publicInputs, domainSize] = [0, 4, 8].map((i) => view.getUint32(counts + i, true)) as [number, number, number];
  if (variables < publicInputs + 1) throw fail(`more than ${publicInputs} variables`, String(variables));
  const power = Math.log2(domainSize);
  if (!Number.isInteger(power) || power < 1 || power > LARGEST_DOMAIN_POWER)
    throw fail(`a domain of 2^1…2^${LARGEST_DOMAIN_POWER}`, String(domainSize));
  const ic = sectionOf(container, SECTIONS.ic, 'IC', (publicInputs + 1) * G1_BYTES);
  const all = sectionOf(container, SECTIONS.coefficients, 'coefficients');
  if (all.sizeBytes < COEFFICIENTS_HEADER_BYTES) throw fail('a count of coefficients', `${all.sizeBytes} bytes`);
  const coefficientCount = viewOf(readSection(container, all, 0, COEFFICIENTS_HEADER_BYTES)).getUint32(0, true);
  sectionOf(container, SECTIONS.coefficients, 'coefficients', COEFFICIENTS_HEADER_BYTES + coefficientCount * COEFFICIENT_BYTES);
  const at = counts + 12;
  const take = (offset: number, lengthBytes: number): Uint8Array => header.slice(at + offset, at + offset + lengthBytes);
  const points = {
    a: sectionOf(container, SECTIONS.a, 'points A', variables * G1_BYTES),
    b1: sectionOf(container, SECTIONS.b1, 'points B1', variables * G1_BYTES),
    b2: sectionOf(container, SECTIONS.b2, 'points B2', variables * G2_BYTES),
    c: sectionOf(container, SECTIONS.c, 'points C', (variables - publicInputs - 1) * G1_BYTES),
    h: sectionOf(container, SECTIONS.h, 'points H', domainSize * G1_BYTES),
  };
  return {
    container,
    variables,
    publicInputs,
    domainSize,
    coefficientCount,
    ic,
    points,
    coefficients: { offset: all.offset + COEFFICIENTS_HEADER_BYTES, sizeBytes: all.sizeBytes - COEFFICIENTS_HEADER_BYTES },
    alpha1: take(0, G1_BYTES),
    beta1: take(G1_BYTES, G1_BYTES),
    beta2: take(2 * G1_BYTES, G2_BYTES),
    gamma2: take(2 * G1_BYTES + G2_BYTES, G2_BYTES),
    delta1: take(2 * G1_BYTES + 2 * G2_BYTES, G1_BYTES),
    delta2: take(3 * G1_BYTES + 2 * G2_BYTES, G2_BYTES),
  };
}
